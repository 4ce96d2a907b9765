"""``touchstream reshard``: move a stopped, drained deployment to another partition count."""

import asyncio
from collections.abc import Sequence
from itertools import islice

import orjson
import typer
from kafka import TopicPartition
from kafka.future import Future
from pydantic import ValidationError

from touchstream.agents import clients
from touchstream.agents.cli.counting import Counting
from touchstream.agents.cli.failures import BadUsage, Failed
from touchstream.agents.cli.reading import OffsetRange, read, whole
from touchstream.agents.kafka import group, physical_topics
from touchstream.agents.resharding import (
    PAGE,
    Drained,
    Lineage,
    Source,
    copy,
    lineage_of,
    read_drained,
    read_lineage,
)
from touchstream.agents.settings import Settings
from touchstream.agents.stores.connect import open_store
from touchstream.agents.stores.redis import RedisStore
from touchstream.agents.topics import make_topics
from touchstream.schemas.topics import COMPACTED_TOPICS, EXAMPLES_TOPIC, TOUCHPOINTS_TOPIC

MOST_COUNTED = 1_000
"""Unread records that are counted; what more there is does not matter."""
BYTES_BESIDE = 1.2
"""A copy needs somewhat more than its share of what is there: hash tables double as they grow."""


def reshard(
    settings: Settings, partitions: int, namespace: str, topic_prefix: str | None, *, check: bool
) -> None:
    """Check, and unless only that is asked for, copy; print the settings of the new namespace."""
    new = _target(settings, partitions, namespace, topic_prefix)
    drained, lineage = asyncio.run(_checked(settings, new))
    _check_log(settings, drained)
    _check_stopped(settings)
    asyncio.run(check_memory(settings, new))
    if not check:
        starts = _make_topics(new)
        _copy_newest(settings, new)
        with Counting("copying keys") as done:
            asyncio.run(_copy(settings, new, drained, lineage, starts, done))
    result = {
        "namespace": namespace,
        "partitions": partitions,
        "topic_prefix": new.kafka.topic_prefix,
        "tick": drained.learner.newest_tick,
        "copied": not check,
    }
    typer.echo(orjson.dumps(result).decode())


def _target(
    settings: Settings, partitions: int, namespace: str, topic_prefix: str | None
) -> Settings:
    """The settings of the new namespace; they differ in namespace, partitions and topics."""
    prefix = f"{namespace}." if topic_prefix is None else topic_prefix
    if namespace == settings.namespace:
        raise BadUsage(f"--namespace={namespace!r}: want another one than the present")
    if prefix == settings.kafka.topic_prefix:
        raise BadUsage(
            f"--topic-prefix={prefix!r}: want another one than the present: the present topics "
            "have their partitions, and records of the present deployment"
        )
    kafka = {**settings.kafka.model_dump(), "partitions": partitions, "topic_prefix": prefix}
    try:
        made = settings.model_validate(
            {**settings.model_dump(exclude={"rules"}), "kafka": kafka, "namespace": namespace}
        )
    except ValidationError as exc:
        fault = exc.errors()[0]
        name = {"namespace": "--namespace", "topic_prefix": "--topic-prefix"}.get(
            str(fault["loc"][-1]), "--partitions"
        )
        raise BadUsage(f"{name}={fault['input']!r}: {fault['msg']}") from None
    made = made.model_copy(update={"rules": settings.rules})
    return made.answering_within(settings.kafka.patience_s)


async def _checked(settings: Settings, new: Settings) -> tuple[Drained, Lineage]:
    """The positions of the source, and the lineage of the copy; refused if either does not fit."""
    store, target = open_store(settings), open_store(new)
    try:
        partitions = settings.kafka.partitions
        await _check_source(store, settings)
        before = await read_lineage(store)
        drained = await read_drained(store, settings.namespace, partitions)
        names = physical_topics(settings.kafka)
        source = Source(
            namespace=settings.namespace,
            touchpoints=names[TOUCHPOINTS_TOPIC],
            examples=names[EXAMPLES_TOPIC],
            ends=drained.ends,
            tick=drained.learner.newest_tick,
            examples_after=0 if before is None else before.examples_after,
        )
        wanted, prefix = new.kafka.partitions, new.kafka.topic_prefix
        lineage = lineage_of(before, source, drained, wanted, prefix)
        await _check_target(target, new, lineage)
        return drained, lineage
    finally:
        await store.close()
        await target.close()


async def _check_source(store: RedisStore, settings: Settings) -> None:
    claimed, wanted = await store.claimed_partitions(), settings.kafka.partitions
    lineage = await read_lineage(store)
    if lineage is not None and not lineage.finished:
        raise Failed(
            f"namespace {settings.namespace!r} is half a copy of "
            f"{lineage.sources[-1].namespace!r}: finish that first"
        )
    if claimed is None:
        raise Failed(f"nothing has run in namespace {settings.namespace!r} yet")
    if claimed != wanted:
        raise Failed(
            f"kafka.partitions is {wanted}, but namespace {settings.namespace!r} was started with "
            f"{claimed}: this command wants the configuration of the present deployment"
        )


async def _check_target(target: RedisStore, new: Settings, lineage: Lineage) -> None:
    """Refuse a namespace that holds anything but the unfinished copy that this one would make."""
    found = await read_lineage(target)
    if found is None:
        cursor = -1
        while cursor:
            cursor, places = await target.scan(max(cursor, 0), PAGE)
            if places:
                raise Failed(f"namespace {new.namespace!r} is not empty: want a new one")
        if await target.claimed_partitions() is not None:
            raise Failed(f"namespace {new.namespace!r} is not empty: want a new one")
    elif found.finished:
        raise Failed(
            f"namespace {new.namespace!r} is a finished copy of {found.sources[-1].namespace!r}: "
            "start workers and learner with it, or want a new one"
        )
    elif not found.same_copy(lineage):
        raise Failed(
            f"namespace {new.namespace!r} is half of another copy, of "
            f"{found.sources[-1].namespace!r}: finish it ({found.again}), or want a new one"
        )


def _check_log(settings: Settings, drained: Drained) -> None:
    """Refuse while the touchpoints hold records that no state knows."""
    topic = physical_topics(settings.kafka)[TOUCHPOINTS_TOPIC]
    with clients.consumer(settings.kafka, topic) as consumer:
        held = whole(consumer, topic)
        if len(held) != len(drained.shards):
            raise Failed(f"topic {topic} has {len(held)} partitions, want {len(drained.shards)}")
        left = {
            place: OffsetRange(max(span.begin, drained.ends[place.partition]), span.end)
            for place, span in held.items()
            if drained.ends[place.partition] < span.end
        }
        # The end of a transaction takes an offset, so an end above the fence may be no record.
        unread = sum(1 for _ in islice(read(consumer, left), MOST_COUNTED)) if left else 0
    if unread:
        more = " or more" if unread == MOST_COUNTED else ""
        raise Failed(
            f"namespace {settings.namespace!r} is not drained: {unread}{more} records of {topic} "
            "are not read: stop the producers, and let the workers finish"
        )


def _check_stopped(settings: Settings) -> None:
    """Refuse while a worker, the learner or the notifier is a member of its group."""
    names = [group(settings, role) for role in ("worker", "learner", "notifier")]
    with clients.admin(settings.kafka) as client:
        found = client.describe_groups(names)
    running = [f"{name}: {len(found[name]['members'])}" for name in names if found[name]["members"]]
    if running:
        raise Failed(
            "workers, the learner or the notifier still run: stop them (members of "
            f"{', '.join(running)}; a killed one still counts for "
            f"{settings.kafka.session_timeout_s:g} s)"
        )


async def check_memory(settings: Settings, new: Settings) -> None:
    """Refuse if Redis has no room for the copy, as far as can be told from the numbers of keys."""
    store, target = open_store(settings), open_store(new)
    try:
        memory = await store.memory()
        mine, theirs, everything = (
            await store.count_keys(),
            await target.count_keys(),
            await store.count_keys(everybody=True),
        )
    finally:
        await store.close()
        await target.close()
    # What an earlier run has left is deleted first.
    needed = BYTES_BESIDE * memory.used * max(0, mine - theirs) / max(1, everything)
    if memory.limit and memory.used + needed > memory.limit:
        raise Failed(
            f"Redis at {settings.redis.url} uses {memory.used:,} of {memory.limit:,} bytes, and "
            f"the copy needs about {round(needed):,}: raise maxmemory, or add memory"
        )


def _make_topics(new: Settings) -> Sequence[int]:
    """Create the new topics; return where each partition of the touchpoints begins."""
    wrong = [topic for topic in make_topics(new) if topic.faults]
    if wrong:
        summary = "; ".join(f"{topic.name}: {', '.join(topic.faults)}" for topic in wrong)
        raise Failed(f"topics are misconfigured: {summary}")
    names = physical_topics(new.kafka)
    with clients.consumer(new.kafka, names[EXAMPLES_TOPIC]) as consumer:
        [examples] = whole(consumer, names[EXAMPLES_TOPIC]).values()
        touchpoints = whole(consumer, names[TOUCHPOINTS_TOPIC])
    if examples.end:
        raise Failed(
            f"topic {names[EXAMPLES_TOPIC]} is not empty: another deployment has used it: want "
            "another --topic-prefix"
        )
    # Producers may have begun to write there: that is what the new workers read first.
    return [
        touchpoints[TopicPartition(names[TOUCHPOINTS_TOPIC], number)].begin
        for number in range(new.kafka.partitions)
    ]


def _copy_newest(settings: Settings, new: Settings) -> None:
    """Copy the topics that keep each customer's newest record for ever.

    Another run copies them again, in the same order: the newest record comes last again.
    """
    before, after = physical_topics(settings.kafka), physical_topics(new.kafka)
    for name in sorted(COMPACTED_TOPICS):
        with (
            clients.consumer(settings.kafka, before[name]) as consumer,
            clients.producer(new.kafka, after[name]) as producer,
            Counting(f"copying {name}") as done,
        ):
            sent: list[Future] = []
            for record in read(consumer, whole(consumer, before[name])):
                headers = list(record.headers)
                sent.append(producer.send(after[name], record.value, record.key, headers))
                done.add()
                if len(sent) == PAGE:
                    _wait_for(sent, new)
                    sent.clear()
            _wait_for(sent, new)


def _wait_for(sent: Sequence[Future], new: Settings) -> None:
    for each in sent:
        each.get(timeout=new.kafka.patience_s)


async def _copy(
    settings: Settings,
    new: Settings,
    drained: Drained,
    lineage: Lineage,
    starts: Sequence[int],
    done: Counting,
) -> None:
    store, target = open_store(settings), open_store(new)
    try:
        await copy(store, target, drained, lineage, starts, done.add)
    finally:
        await store.close()
        await target.close()
