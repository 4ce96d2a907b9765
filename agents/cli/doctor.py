"""``touchstream doctor``: check everything a deployment depends on, and advise."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import typer

from touchstream.agents import clients
from touchstream.agents.active_config import LEARNER
from touchstream.agents.checkpoint import Checkpoint, decode_learner_checkpoint
from touchstream.agents.cli.checks import (
    OUTBOX_SHOWN,
    Finding,
    LogFacts,
    ShardFacts,
    StoreFacts,
    check_build,
    check_log,
    check_store,
)
from touchstream.agents.cli.failures import Failed
from touchstream.agents.cli.histories import now_ms as present_ms
from touchstream.agents.cli.reading import POLL_MS, OffsetRange, whole
from touchstream.agents.kafka import physical_topics
from touchstream.agents.resharding import read_lineage
from touchstream.agents.serving import trouble_with, wanted
from touchstream.agents.settings import Settings, known_keys
from touchstream.agents.settings_sources import read
from touchstream.agents.stores.base import StoreError
from touchstream.agents.stores.connect import open_store
from touchstream.agents.topics import check_topics
from touchstream.schemas.documents.sources import JSON_SCHEMAS, PROJECT
from touchstream.schemas.shards import shard_names
from touchstream.schemas.topics import TOUCHPOINTS_TOPIC
from touchstream.schemas.units import Millis
from touchstream.streams.checkpoint import decode_checkpoint
from touchstream.streams.features.catalogue import FEATURES


def doctor(settings: Settings, config: Path | None, *, as_json: bool) -> bool:
    """Print each finding; False if one is a fault."""
    well = True
    for finding in examine(settings, config):
        well = well and not finding.faults
        if as_json:
            typer.echo(orjson.dumps({**finding._asdict(), "ok": not finding.faults}).decode())
            continue
        typer.echo(f"{'FAULT' if finding.faults else 'ok':5}  {finding.check}: {finding.summary}")
        for fault in finding.faults:
            typer.echo(f"       - {fault}")
    return well


def examine(settings: Settings, config: Path | None) -> Iterator[Finding]:
    """Every check in turn; an unreachable service ends only the checks that need it."""
    yield _configuration(config)
    yield _schemas()
    now_ms = present_ms()
    # Both at once: if neither answers, the second wait would go beyond --timeout.
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(_ask_store, settings), pool.submit(_broker, settings)
    facts, broker = asked[0].result(), asked[1].result()
    if isinstance(facts, StoreFacts):
        yield from check_store(settings, facts, now_ms)
        yield from check_build(settings, facts, FEATURES.digest)
        if facts.checkpoint is not None:
            yield asyncio.run(_models(settings, facts.checkpoint, facts.shards))
    else:
        yield facts
    if isinstance(broker, clients.NoBroker):
        yield Finding("broker", settings.kafka.bootstrap, [str(broker)])
        return
    yield broker
    try:
        yield from _topics(settings)
        if isinstance(facts, StoreFacts):
            yield from check_log(facts, _ask_log(settings), present_ms())
    except (clients.NoBroker, Failed) as exc:
        yield Finding("broker", settings.kafka.bootstrap, [str(exc)])


def _configuration(config: Path | None) -> Finding:
    given = read(config, os.environ, known_keys())
    variables = sorted(given.variables.values())
    summary = f"{given.file or 'no file'}, {len(variables)} variables"
    return Finding("configuration", f"{summary}{': ' if variables else ''}{', '.join(variables)}")


def _schemas() -> Finding:
    """Compare the generated documents that exist; an installed package has none."""
    if not (PROJECT / JSON_SCHEMAS).exists():
        return Finding("schemas", "none to compare: an installed package")
    # It needs a YAML library, which an installed package does not bring.
    from touchstream.schemas.generate import stale_files

    stale = [path for path, _ in stale_files(PROJECT) if (PROJECT / path).exists()]
    faults = [
        f"{path} does not match the types: run python -m touchstream.schemas.generate"
        for path in stale
    ]
    return Finding("schemas", f"{len(stale)} stale", faults)


def _broker(settings: Settings) -> Finding | clients.NoBroker:
    try:
        with clients.admin(settings.kafka) as client:
            cluster = client.describe_cluster()
    except clients.NoBroker as exc:
        return exc
    version = clients.broker_version(settings.kafka)
    count = len(cluster["brokers"])
    summary = f"{settings.kafka.bootstrap}, {count} brokers, Kafka {version or '(unknown)'}"
    if settings.kafka.replication <= count:
        return Finding("broker", summary)
    wanted = settings.kafka.replication
    return Finding("broker", summary, [f"kafka.replication is {wanted}: want as many brokers"])


def _topics(settings: Settings) -> Iterator[Finding]:
    if settings.kafka.embedded:
        return  # the embedded broker has no topic settings
    found = check_topics(settings)
    faults = [f"{topic.name}: {fault}" for topic in found for fault in topic.faults]
    yield Finding("topics", f"{len(found)} checked", faults)


def _ask_store(settings: Settings) -> StoreFacts | Finding:
    try:
        return asyncio.run(_store_facts(settings))
    except StoreError as exc:
        return Finding("redis", settings.redis.url, [str(exc)])


async def _store_facts(settings: Settings) -> StoreFacts:
    store = open_store(settings)
    try:
        names = shard_names(settings.kafka.partitions)
        *checkpoints, learner = await store.read_checkpoints([*names, LEARNER])
        sizes = [len(await store.outbox(name, 0, OUTBOX_SHOWN)) for name in (*names, LEARNER)]
        shards = [
            ShardFacts(
                name, found.fence and found.fence.offset, decode_checkpoint(found.record), size
            )
            for name, found, size in zip(names, checkpoints, sizes[:-1], strict=True)
        ]
        checkpoint = None if learner.record is None else decode_learner_checkpoint(learner.record)
        return StoreFacts(
            await store.check(),
            await store.claimed_partitions(),
            await store.now_ms(),
            shards,
            checkpoint,
            sizes[-1],
            await read_lineage(store),
            (await wanted(store)).backfill,
        )
    finally:
        await store.close()


async def _models(
    settings: Settings, checkpoint: Checkpoint, shards: Sequence[ShardFacts]
) -> Finding:
    """Check that the active versions and the wanted one can be served."""
    active_config = {
        s.checkpoint.active_config.model_version for s in shards if s.checkpoint.active_config
    } - {0}
    store = open_store(settings)
    try:
        troubles = [
            await trouble_with(store, checkpoint, version) for version in sorted(active_config)
        ]
        wish = await wanted(store)
        unmet = None if wish.serve is None else await trouble_with(store, checkpoint, wish.serve)
    finally:
        await store.close()
    summary = f"{', '.join(map(str, sorted(active_config))) or 'none'} active, wanted: "
    summary += "newest" if wish.serve is None else str(wish.serve)
    return Finding("model versions", summary, list(filter(None, dict.fromkeys([*troubles, unmet]))))


def _ask_log(settings: Settings) -> LogFacts:
    """Read the offsets, and the stamp of the newest record."""
    topic = physical_topics(settings.kafka)[TOUCHPOINTS_TOPIC]
    with clients.consumer(settings.kafka, topic) as consumer:
        spans = whole(consumer, topic)
        filled = [each for each, span in spans.items() if span.begin < span.end]
        consumer.assign(filled)
        for each in filled:
            consumer.seek(each, spans[each].end - 1)
        # One poll is enough: a partition that does not answer only leaves a stamp out.
        found = consumer.poll(timeout_ms=2 * POLL_MS) if filled else {}
        stamps = [record.timestamp for records in found.values() for record in records]
    newest_ms = Millis(max(stamps)) if stamps else None
    return LogFacts({each.partition: OffsetRange(*span) for each, span in spans.items()}, newest_ms)
