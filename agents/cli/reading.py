"""Reading a topic from where one wants up to where it ends now."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition

from touchstream.agents import clients
from touchstream.agents.cli.failures import Failed
from touchstream.agents.settings import KafkaSettings

POLL_MS = 500
PAGE = 500


class OffsetRange(NamedTuple):
    """A stretch of one partition."""

    begin: int
    end: int
    """The offset after the last."""


def partitions_of(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    """Every partition of a topic; raises :class:`Failed` where there is no such topic."""
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise Failed(f"no topic {topic}: run `touchstream topics` first")
    return [TopicPartition(topic, number) for number in sorted(numbers)]


def whole(consumer: KafkaConsumer, topic: str) -> dict[TopicPartition, OffsetRange]:
    """All that Kafka holds of a topic now."""
    partitions = partitions_of(consumer, topic)
    begins = consumer.beginning_offsets(partitions)
    ends = consumer.end_offsets(partitions)
    return {each: OffsetRange(begins[each], ends[each]) for each in partitions}


def read(consumer: KafkaConsumer, spans: Mapping[TopicPartition, OffsetRange]) -> Iterator[Any]:
    """Every ConsumerRecord of the spans, in whatever order they come."""
    left = _assign(consumer, spans)
    while left:
        for partition, records in _poll(consumer).items():
            yield from (record for record in records if record.offset < spans[partition].end)
        left = [each for each in left if consumer.position(each) < spans[each].end]


def pages(
    kafka: KafkaSettings, partition: TopicPartition, span: OffsetRange
) -> Iterator[Sequence[Any]]:
    """The same of one partition, page by page, with a consumer of its own.

    Partitions that are paused and resumed at one consumer crawl: what was fetched is thrown away.
    """
    with clients.consumer(kafka) as consumer:
        left = _assign(consumer, {partition: span})
        while left and consumer.position(partition) < span.end:
            found = _poll(consumer).get(partition, [])
            yield [record for record in found if record.offset < span.end]


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
