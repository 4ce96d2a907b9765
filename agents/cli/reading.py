"""Bounded reads of a topic, up to its present end; a broker that falls silent ends them."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError

from touchstream.agents import clients
from touchstream.agents.cli.failures import Failed
from touchstream.agents.settings import KafkaSettings

POLL_MS = 500
PAGE = 500


class OffsetRange(NamedTuple):
    """A range of offsets in one partition."""

    begin: int
    end: int
    """The offset after the last one."""


def partitions_of(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    """Every partition of a topic; raises :class:`Failed` if the topic does not exist."""
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise Failed(f"no topic {topic}: run `touchstream topics` first")
    return [TopicPartition(topic, number) for number in sorted(numbers)]


def whole(consumer: KafkaConsumer, topic: str) -> dict[TopicPartition, OffsetRange]:
    """The offsets that Kafka holds of a topic now."""
    partitions = partitions_of(consumer, topic)
    begins = consumer.beginning_offsets(partitions)
    ends = consumer.end_offsets(partitions)
    return {each: OffsetRange(begins[each], ends[each]) for each in partitions}


def read(consumer: KafkaConsumer, spans: Mapping[TopicPartition, OffsetRange]) -> Iterator[Any]:
    """Every ConsumerRecord of the spans, partitions in arbitrary order."""
    left = _assign(consumer, spans)
    stalled = _Stalled(consumer)
    while left:
        for partition, records in _poll(consumer).items():
            yield from (record for record in records if record.offset < spans[partition].end)
        left = [each for each in left if consumer.position(each) < spans[each].end]
        stalled.check(left)


def pages(
    kafka: KafkaSettings, partition: TopicPartition, span: OffsetRange
) -> Iterator[Sequence[Any]]:
    """One partition's records page by page, with a consumer of its own.

    One consumer that pauses and resumes partitions would be slow: it discards fetched records.
    """
    with clients.consumer(kafka, partition.topic) as consumer:
        left = _assign(consumer, {partition: span})
        stalled = _Stalled(consumer)
        while left and consumer.position(partition) < span.end:
            stalled.check(left)
            found = _poll(consumer).get(partition, [])
            yield [record for record in found if record.offset < span.end]


class _Stalled:
    """Tells a broker that is slow from one that does not answer: ``poll`` says nothing of either.

    A position moves with every record, and over gaps.
    """

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self._patience_s = consumer.config["request_timeout_ms"] / 1000
        self._moved_s = time.monotonic()
        self._positions: list[int] = []

    def check(self, left: Iterable[TopicPartition]) -> None:
        """Raise KafkaTimeoutError once no position has moved for as long as a request may take."""
        positions = [self._consumer.position(each) for each in left]
        if positions != self._positions:
            self._positions, self._moved_s = positions, time.monotonic()
        elif time.monotonic() - self._moved_s > self._patience_s:
            raise KafkaTimeoutError(f"no record after offset {positions[0]}")


def _assign(
    consumer: KafkaConsumer, spans: Mapping[TopicPartition, OffsetRange]
) -> list[TopicPartition]:
    left = [each for each, span in spans.items() if span.begin < span.end]
    consumer.assign(left)
    for each in left:
        consumer.seek(each, spans[each].begin)
    return left


def _poll(consumer: KafkaConsumer) -> dict[TopicPartition, list[Any]]:
    found: dict[TopicPartition, list[Any]] = consumer.poll(timeout_ms=POLL_MS, max_records=PAGE)
    return found
