"""The inputs of an explanation: a customer's state, its serving context, and their events."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kafka import TopicPartition

from touchstream.agents import clients, received
from touchstream.agents.active_config import ServingContexts
from touchstream.agents.cli.failures import Failed
from touchstream.agents.cli.reading import OffsetRange, pages, whole
from touchstream.agents.history.pacer import TickAt
from touchstream.agents.history.reading import TimeRange, opened_history
from touchstream.agents.history.steps import steps
from touchstream.agents.kafka import physical_topics
from touchstream.agents.resharding import Source, read_lineage
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Read, Store
from touchstream.agents.wiring import tick_secret
from touchstream.schemas.event_types import own_types
from touchstream.schemas.shards import shard_name
from touchstream.schemas.tick import Tick
from touchstream.schemas.topics import TOUCHPOINTS_TOPIC
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.checkpoint import ShardCheckpoint, decode_checkpoint
from touchstream.streams.context import ServingContext
from touchstream.streams.history import Heard
from touchstream.streams.intake.decode import Arrival, Origin, decode
from touchstream.streams.intake.log_phase import LogPhase
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.projections.projection import TimerFired
from touchstream.streams.records import Record
from touchstream.streams.state import State
from touchstream.streams.state import decode as decode_state

MOST_LOOKS = 5
"""After so many reads between which the state changed, the last one is explained."""


class Subject(NamedTuple):
    """A customer as of one commit of their shard."""

    id: CustomerId
    partition: int
    state: State
    checkpoint: ShardCheckpoint
    end: int
    """The offset up to which the partition is part of the state."""
    context: ServingContext
    earlier: Sequence[Source] = ()
    """The namespaces from which the present one was copied, the oldest first."""


class _Stretch(NamedTuple):
    """A part of the customer's log: one partition of one namespace's topic, up to an offset."""

    topic: str
    partition: int
    partitions: int
    end: int


async def find(settings: Settings, store: Store, customer: str) -> Subject:
    """Read a customer's state; raises :class:`Failed` if there is nothing to explain."""
    partition = partition_of(customer.encode(), settings.kafka.partitions)
    shard = shard_name(partition)
    read = Read(shard, [customer])
    [[data]] = await store.load([read])
    # No command reads a state and its checkpoint together, so read until both fit.
    for _ in range(MOST_LOOKS):
        before = data
        [found] = await store.read_checkpoints([shard])
        [[data]] = await store.load([read])
        if data == before:  # so the checkpoint read in between belongs to it
            break
    if data is None:
        raise Failed(
            f"no such customer: {customer!r} (namespace {settings.namespace!r}, shard {shard}; "
            "the id is the subject of their events, spelled exactly)"
        )
    checkpoint = decode_checkpoint(found.record)
    context = await ServingContexts(store).load(checkpoint)
    if context is None:
        raise Failed(
            f"the active configuration of {shard} is not in Redis: run `touchstream doctor`"
        )
    end = 0 if found.fence is None else found.fence.offset
    lineage = await read_lineage(store)
    return Subject(
        CustomerId(customer),
        partition,
        decode_state(data),
        checkpoint,
        end,
        context,
        () if lineage is None else lineage.sources,
    )


def from_topic(
    settings: Settings, subject: Subject, seen: Callable[[int], None]
) -> Iterator[Heard | TimerFired]:
    """The customer's events and their partition's ticks that Kafka still holds, up to the state.

    Those from before the deployment was resharded are in the topics of earlier namespaces. ``seen``
    is called with the number of records read.
    """
    stamp = received.by_header if settings.worker.trust_received_header else received.by_broker
    for stretch in _stretches(settings, subject):
        place = TopicPartition(stretch.topic, stretch.partition)
        with clients.consumer(settings.kafka, stretch.topic) as consumer:
            there = consumer.partitions_for_topic(stretch.topic)
            held = whole(consumer, stretch.topic).get(place) if there else None
        span = OffsetRange(held.begin, min(held.end, stretch.end)) if held else OffsetRange(0, 0)
        records = _of_pages(pages(settings.kafka, place, span), stamp, seen)
        origin = Origin(stretch.partition, stretch.partitions, tick_secret(settings))
        yield from _heard(records, subject, origin)


def _stretches(settings: Settings, subject: Subject) -> Iterator[_Stretch]:
    key = subject.id.encode()
    for source in subject.earlier:
        partition = partition_of(key, source.partitions)
        yield _Stretch(source.touchpoints, partition, source.partitions, source.ends[partition])
    topic = physical_topics(settings.kafka)[TOUCHPOINTS_TOPIC]
    yield _Stretch(topic, subject.partition, settings.kafka.partitions, subject.end)


def from_files(
    settings: Settings, subject: Subject, files: Sequence[Path], seen: Callable[[int], None]
) -> Iterator[Heard | TimerFired]:
    """The customer's events in files, read as a replay reads them, up to the state."""
    key, number = subject.id.encode(), 0
    origin = Origin(subject.partition, settings.kafka.partitions, tick_secret(settings))
    # A recording made before a resharding has the customer in their partition of that time.
    mine = {None, *(stretch.partition for stretch in _stretches(settings, subject))}
    watermark_ms = subject.checkpoint.watermark_ms or Millis(0)
    profile = subject.state.profile
    latest_ms = watermark_ms if profile is None else max(watermark_ms, profile.last_seen_ms)
    # What lies beyond the state must not turn the clock.
    within = TimeRange(until_ms=Millis(latest_ms + 1))
    with opened_history(files, within, lambda: seen(1)) as history:
        for step in steps(history, settings.ticks.every_days):
            if isinstance(step, TickAt):
                number += 1
                if step.time_ms <= watermark_ms:
                    yield TimerFired(subject.id, number, step.time_ms)
                continue
            line = step.line
            if step.received_ms > latest_ms or line.partition not in mine:
                continue
            if line.tick or line.key == key:
                record = Record(0, step.received_ms, line.key, line.value, line.headers)
                yield from _heard([record], subject, origin)


def _of_pages(
    found: Iterable[Sequence[Any]], stamp: Callable[[Any], Millis], seen: Callable[[int], None]
) -> Iterator[Record]:
    for page in found:
        seen(len(page))
        for one in page:
            yield Record(one.offset, stamp(one), one.key, one.value or b"", tuple(one.headers))


def _heard(
    records: Iterable[Record], subject: Subject, origin: Origin
) -> Iterator[Heard | TimerFired]:
    """The ticks among a partition's records, and the customer's own events."""
    key, own = subject.id.encode(), own_types(subject.context.rules.event_types)
    log_phase = LogPhase()
    for stored in records:
        if stored.key is not None and stored.key != key:
            continue
        record = log_phase.stamped(stored)
        found = decode(record, origin, own)
        if isinstance(found, Tick):
            log_phase = log_phase.after(found)
            yield TimerFired(subject.id, found.number, found.time_ms)
        elif isinstance(found, Arrival):
            yield Heard(found, record.received_ms)
