"""The log itself, read when a visitor asks: a customer's records, and where partitions end."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from threading import Thread
from typing import NamedTuple, Protocol, TypeVar

from kafka import KafkaConsumer, TopicPartition

from touchstream.agents import clients
from touchstream.agents.kafka import physical_topics
from touchstream.agents.settings import Settings
from touchstream.schemas.topics import NEXT_BEST_ACTION_TOPIC, TOUCHPOINTS_TOPIC
from touchstream.schemas.units import Millis
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.records import Record

T = TypeVar("T")

SCAN_S = 3.0
"""For each of the two topics."""
MOST_SCANNED = 20_000
"""Records of all customers in the partition, the newest."""
STRIDE = 2_000
"""The partition is read backwards in strides, so that a cut loses the oldest records."""
PATIENCE_S = 3.0
"""A visitor waits for the broker so long."""
MOST_AT_ONCE = 4
"""Visitors whose log is read at the same time; the others wait."""
POLL_MS = 200


class LogUnavailable(Exception):
    """The broker does not answer, or does not have the topic."""


class Found(NamedTuple):
    """A customer's records of one topic, the oldest first."""

    records: Sequence[Record] = ()
    scanned: int = 0
    is_cut: bool = False
    """Older records were not read."""


class LogReading(NamedTuple):
    """What the log holds of a customer."""

    touchpoints: Found
    actions: Found
    """Of topic next-best-action."""

    @property
    def is_cut(self) -> bool:
        """Whether either topic was read in part."""
        return self.touchpoints.is_cut or self.actions.is_cut

    @property
    def scanned(self) -> int:
        """Records of all customers that were looked at."""
        return self.touchpoints.scanned + self.actions.scanned


class EventLog(Protocol):
    """Reads the topics; every call is bounded in time."""

    async def read(self, customer: str) -> LogReading:
        """The customer's records; raises :class:`LogUnavailable`."""

    async def ends(self) -> Mapping[int, int]:
        """Partition of the touchpoints -> the next offset; raises :class:`LogUnavailable`."""


class KafkaLog:
    """Implements ``EventLog`` with a consumer for each call."""

    def __init__(self, settings: Settings) -> None:
        self._kafka = settings.kafka.answering_within(PATIENCE_S)
        self._topics = physical_topics(settings.kafka)
        self._reading = asyncio.Semaphore(MOST_AT_ONCE)

    async def read(self, customer: str) -> LogReading:
        key = customer.encode()
        async with self._reading:
            touchpoints = await _in_a_thread(lambda: self._found(TOUCHPOINTS_TOPIC, key))
            actions = await _in_a_thread(lambda: self._found(NEXT_BEST_ACTION_TOPIC, key))
        return LogReading(touchpoints, actions)

    async def ends(self) -> Mapping[int, int]:
        return await _in_a_thread(self._ends)

    def _found(self, topic: str, key: bytes) -> Found:
        name = self._topics[topic]
        with clients.consumer(self._kafka, name) as consumer:
            numbers = consumer.partitions_for_topic(name)
            if not numbers:
                raise LogUnavailable(f"no topic {name}")
            place = TopicPartition(name, partition_of(key, len(numbers)))
            return _scan(consumer, place, key)

    def _ends(self) -> Mapping[int, int]:
        name = self._topics[TOUCHPOINTS_TOPIC]
        with clients.consumer(self._kafka, name) as consumer:
            numbers = consumer.partitions_for_topic(name) or ()
            ends = consumer.end_offsets([TopicPartition(name, number) for number in numbers])
        return {place.partition: end for place, end in ends.items()}


def _scan(consumer: KafkaConsumer, place: TopicPartition, key: bytes) -> Found:
    """The newest records of a key, read backwards until time or number is used up."""
    deadline_s = time.monotonic() + SCAN_S
    begin, end = consumer.beginning_offsets([place])[place], consumer.end_offsets([place])[place]
    consumer.assign([place])
    found: list[Record] = []
    first, scanned = end, 0
    while first > begin:
        stride = min(STRIDE, MOST_SCANNED - scanned, first - begin)
        records = _stride(consumer, place, first - stride, first, deadline_s) if stride else None
        if records is None:
            return Found(found, scanned, is_cut=True)
        found = [one for one in records if one.key == key] + found
        first, scanned = first - stride, scanned + stride
    return Found(found, scanned)


def _stride(
    consumer: KafkaConsumer, place: TopicPartition, first: int, end: int, deadline_s: float
) -> list[Record] | None:
    """The records from ``first`` up to ``end``; None: the time was up before."""
    consumer.seek(place, first)
    records: list[Record] = []
    while consumer.position(place) < end:
        if time.monotonic() > deadline_s:
            return None
        for one in consumer.poll(timeout_ms=POLL_MS).get(place, ()):
            if one.offset < end:
                headers = tuple(one.headers)
                at_ms = Millis(one.timestamp)
                records.append(Record(one.offset, at_ms, one.key, one.value or b"", headers))
    return records


async def _in_a_thread(call: Callable[[], T]) -> T:
    """Make a blocking call; a pool would wait for its thread when the process ends."""
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(call())
        except clients.NoBroker as error:
            done.set_exception(LogUnavailable(str(error)))
        except Exception as error:  # raised again by the caller, who waits for it
            done.set_exception(error)

    Thread(target=run, daemon=True).start()
    # Shielded: a visitor who leaves must not cancel a future that the thread still sets.
    return await asyncio.shield(asyncio.wrap_future(done))
