"""``touchstream models rebuild``: the learner's knowledge anew, without some customers."""

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
from touchstream.agents.cli.models import read_checkpoint, read_shards
from touchstream.agents.cli.reading import pages, whole
from touchstream.agents.kafka import group, physical_topics
from touchstream.agents.rebuilding import Rebuilt, Stored, rebuild
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Fence, Read
from touchstream.agents.stores.connect import open_store
from touchstream.schemas.shards import shard_name
from touchstream.schemas.topics import EXAMPLES_TOPIC
from touchstream.streams.checkpoint import ShardCheckpoint
from touchstream.streams.emit.identity import pseudonym
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.learn.knowledge import Knowledge
from touchstream.streams.learn.snapshot import digest, unseal
from touchstream.streams.state import decode


class Outcome(Struct):
    """What a rebuild has come to."""

    applied: bool
    version: int
    """The new version's number; the learner's next tick names it."""
    digest: str
    tick: int
    """Up to which it has learnt again."""
    examples_before: int
    examples: int
    left_out: Mapping[str, int]
    """Customer -> examples that are not learnt any more."""


class _Found(NamedTuple):
    """Where learner and shards are."""

    fence: Fence
    checkpoint: Checkpoint
    shards: Sequence[ShardCheckpoint]
    alive: Sequence[str]
    """Customers who have a profile still."""

    @property
    def until_tick(self) -> int:
        """No label of a customer who is erased by now is sent with a later tick."""
        return max([self.checkpoint.knowledge.tick, *(shard.tick for shard in self.shards)])


def leave_out(settings: Settings, customers: Sequence[str], *, apply: bool) -> None:
    """Build the learner's knowledge anew without these customers; commit it if told to."""
    if not customers:
        raise BadUsage("--without: want at least one customer, by the subject of his events")
    if apply:
        _check_nobody_learns(settings)
    progress = asyncio.run(_stand(settings, customers))
    _check_rules(settings, progress)
    _warn_of_alive(progress)
    names = {customer: pseudonym(customer, settings.rules.seed) for customer in customers}
    with Counting("reading examples") as done:
        rebuilt = rebuild(
            _counted(_examples(settings), done),
            progress.checkpoint,
            settings.rules,
            settings.kafka.partitions,
            names.values(),
            progress.until_tick,
        )
    if apply:
        asyncio.run(commit(settings, rebuilt, progress.fence))
    outcome = Outcome(
        applied=apply,
        version=rebuilt.checkpoint.knowledge.version,
        digest=digest(unseal(rebuilt.sealed)),
        tick=rebuilt.checkpoint.knowledge.tick,
        examples_before=progress.checkpoint.knowledge.examples,
        examples=rebuilt.checkpoint.knowledge.examples,
        left_out={customer: rebuilt.left_out[name] for customer, name in names.items()},
    )
    typer.echo(msgspec.json.encode(outcome).decode())


async def commit(settings: Settings, rebuilt: Rebuilt, fence: Fence) -> None:
    """Let the learner go on from here; :class:`Failed` if its fence is not ``fence`` any more."""
    store = open_store(settings)
    try:
        [accepted] = await store.commit([rebuilt.commit(fence)])
    finally:
        await store.close()
    if not accepted:
        raise Failed("a learner has started meanwhile, its fence moved: stop it, and do this again")


async def _stand(settings: Settings, customers: Sequence[str]) -> _Found:
    store, partitions = open_store(settings), settings.kafka.partitions
    try:
        fence, checkpoint = await read_checkpoint(store, settings)
        shards = await read_shards(store, settings)
        reads = [
            Read(shard_name(partition_of(each.encode(), partitions)), [each]) for each in customers
        ]
        states = await store.load(reads)
    finally:
        await store.close()
    alive = [
        customer
        for customer, [data] in zip(customers, states, strict=True)
        if data is not None and decode(data).profile is not None
    ]
    return _Found(fence, checkpoint, shards, alive)


def _check_nobody_learns(settings: Settings) -> None:
    """A learner at work would lose its fence, or move it before this is done."""
    learners = group(settings, "learner")
    with clients.admin(settings.kafka) as client:
        members = client.describe_groups([learners])[learners]["members"]
    if members:
        patience = f"one that was killed counts for {settings.kafka.session_timeout_s:g} s"
        raise Failed(
            f"a learner is at work: stop it, and do this again (consumer group {learners}: "
            f"{len(members)}; {patience})"
        )


def _check_rules(settings: Settings, progress: _Found) -> None:
    """Rebuilt under other rules it would not be what it would have been."""
    active_config = {shard.active_config.rules for shard in progress.shards if shard.active_config}
    if active_config - {settings.rules.digest()}:
        raise Failed(
            f"rules {', '.join(sorted(active_config))} are in force, this configuration is "
            f"{settings.rules.digest()}: mend it, or let the learner put it in force first"
        )
    if not progress.checkpoint.knowledge.fits(Knowledge.new(FEATURES, settings.rules)):
        raise Failed("the learner's models are of another configuration: start the learner first")


def _warn_of_alive(progress: _Found) -> None:
    for customer in progress.alive:
        typer.echo(
            f"{customer!r} is not erased: what matures of him after tick {progress.until_tick} is "
            "learnt; publish customer.erased first",
            err=True,
        )


def _examples(settings: Settings) -> Iterator[Stored]:
    topic = physical_topics(settings.kafka)[EXAMPLES_TOPIC]
    place = TopicPartition(topic, 0)
    with clients.consumer(settings.kafka) as consumer:
        span = whole(consumer, topic)[place]
    for page in pages(settings.kafka, place, span):
        yield from page


def _counted(records: Iterable[Stored], done: Counting) -> Iterator[Stored]:
    for record in records:
        done.add()
        yield record
