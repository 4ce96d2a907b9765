"""``touchstream models rebuild``: rebuild the learner's knowledge without some customers."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import typer
from kafka import TopicPartition
from msgspec import Struct

from touchstream.agents import clients
from touchstream.agents.checkpoint import Checkpoint
from touchstream.agents.cli.counting import Counting
from touchstream.agents.cli.failures import BadUsage, Failed
from touchstream.agents.cli.reading import pages, whole
from touchstream.agents.kafka import group, physical_topics
from touchstream.agents.rebuilding import Rebuilt, Stored, Stretch, rebuild
from touchstream.agents.resharding import Lineage, read_lineage
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Fence, Read
from touchstream.agents.stores.connect import open_store
from touchstream.agents.views.models import read_checkpoint, read_shards
from touchstream.schemas.shards import shard_name, shard_names
from touchstream.schemas.topics import EXAMPLES_TOPIC
from touchstream.streams.checkpoint import ShardCheckpoint
from touchstream.streams.emit.identity import pseudonym
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.learn.knowledge import Knowledge
from touchstream.streams.learn.snapshot import digest, unseal
from touchstream.streams.state import decode


class Outcome(Struct):
    """The result of a rebuild."""

    applied: bool
    version: int
    """The new version's number; the learner's next tick names it."""
    digest: str
    tick: int
    """The last tick that was learnt again."""
    examples_before: int
    examples: int
    left_out: Mapping[str, int]
    """Customer -> examples that were learnt before and are not now."""


class _Found(NamedTuple):
    """The state of learner and shards before the rebuild."""

    fence: Fence
    checkpoint: Checkpoint
    shards: Sequence[ShardCheckpoint]
    alive: Sequence[str]
    """Customers who still have a profile."""
    lineage: Lineage | None

    @property
    def until_tick(self) -> int:
        """The last tick that may send a label of a customer who is erased by now."""
        return max([self.checkpoint.knowledge.tick, *(shard.tick for shard in self.shards)])


def leave_out(settings: Settings, customers: Sequence[str], *, apply: bool) -> None:
    """Rebuild the learner's knowledge without these customers; commit it if asked to."""
    if not customers:
        raise BadUsage("--without: want at least one customer, by the subject of their events")
    if apply:
        _check_no_learner(settings)
    found = asyncio.run(_find(settings, customers))
    _check_rules(settings, found)
    _warn_of_alive(found)
    names = {customer: pseudonym(customer, settings.rules.seed) for customer in customers}
    with Counting("reading examples") as done:
        rebuilt = rebuild(
            _counted(_examples(settings, physical_topics(settings.kafka)[EXAMPLES_TOPIC]), done),
            found.checkpoint,
            settings.rules,
            settings.kafka.partitions,
            names.values(),
            found.until_tick,
            _earlier(settings, found.lineage, done),
            0 if found.lineage is None else found.lineage.examples_after,
        )
    if apply:
        asyncio.run(commit(settings, rebuilt, found.fence))
    outcome = Outcome(
        applied=apply,
        version=rebuilt.checkpoint.knowledge.version,
        digest=digest(unseal(rebuilt.sealed)),
        tick=rebuilt.checkpoint.knowledge.tick,
        examples_before=found.checkpoint.knowledge.examples,
        examples=rebuilt.checkpoint.knowledge.examples,
        left_out={customer: rebuilt.left_out[name] for customer, name in names.items()},
    )
    typer.echo(msgspec.json.encode(outcome).decode())


async def commit(settings: Settings, rebuilt: Rebuilt, fence: Fence) -> None:
    """Commit the rebuilt knowledge; raises :class:`Failed` if the learner's fence has moved."""
    store = open_store(settings)
    try:
        [accepted] = await store.commit([rebuilt.commit(fence)])
    finally:
        await store.close()
    if not accepted:
        raise Failed(
            "a learner has started meanwhile and moved its fence: stop it, and run this again"
        )


async def _find(settings: Settings, customers: Sequence[str]) -> _Found:
    store, partitions = open_store(settings), settings.kafka.partitions
    try:
        fence, checkpoint = await read_checkpoint(store, settings)
        shards = await read_shards(store, settings)
        # An erased customer has a state without a profile.
        reads = [
            Read(shard_name(partition_of(each.encode(), partitions)), [each]) for each in customers
        ]
        states = await store.load(reads)
        lineage = await read_lineage(store)
    finally:
        await store.close()
    alive = [
        customer
        for customer, [data] in zip(customers, states, strict=True)
        if data is not None and decode(data).profile is not None
    ]
    return _Found(fence, checkpoint, shards, alive, lineage)


def _check_no_learner(settings: Settings) -> None:
    """Refuse while a learner is active: it would move the fence, or lose it to this commit."""
    learners = group(settings, "learner")
    with clients.admin(settings.kafka) as client:
        members = client.describe_groups([learners])[learners]["members"]
    if members:
        patience = f"a killed one still counts for {settings.kafka.session_timeout_s:g} s"
        raise Failed(
            f"a learner is active: stop it, and run this again (consumer group {learners}: "
            f"{len(members)}; {patience})"
        )


def _check_rules(settings: Settings, found: _Found) -> None:
    """Refuse other rules than the active ones: the result would differ from the original."""
    active_config = {shard.active_config.rules for shard in found.shards if shard.active_config}
    if active_config - {settings.rules.digest()}:
        raise Failed(
            f"rules {', '.join(sorted(active_config))} are active, this configuration is "
            f"{settings.rules.digest()}: fix it, or let the learner activate it first"
        )
    if not found.checkpoint.knowledge.fits(Knowledge.new(FEATURES, settings.rules)):
        raise Failed(
            "the learner's models belong to another configuration: start the learner first"
        )


def _warn_of_alive(found: _Found) -> None:
    for customer in found.alive:
        typer.echo(
            f"{customer!r} is not erased: labels of theirs that mature after tick "
            f"{found.until_tick} will be learnt; publish customer.erased first",
            err=True,
        )


def _earlier(settings: Settings, lineage: Lineage | None, done: Counting) -> list[Stretch]:
    """The examples of the namespaces from which this one was copied."""
    return [
        Stretch(
            _counted(_examples(settings, source.examples), done),
            shard_names(source.partitions),
            source.tick,
            source.examples_after,
        )
        for source in (() if lineage is None else lineage.sources)
    ]


def _examples(settings: Settings, topic: str) -> Iterator[Stored]:
    place = TopicPartition(topic, 0)
    with clients.consumer(settings.kafka, topic) as consumer:
        span = whole(consumer, topic)[place]
    for page in pages(settings.kafka, place, span):
        yield from page


def _counted(records: Iterable[Stored], done: Counting) -> Iterator[Stored]:
    for record in records:
        done.add()
        yield record
