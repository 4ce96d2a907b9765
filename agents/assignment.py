"""The contract between the transport and an agent: assigned partitions, and batches of records."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class TopicPartition(NamedTuple):
    """One partition of a physical topic; equal to the tuples that the Kafka clients use."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"


class Span(NamedTuple):
    """The offsets that Kafka holds of an assigned partition, and the group's committed one."""

    earliest: int
    end: int
    committed: int | None


class Batch(NamedTuple):
    """The records that one fetch brought for one partition."""

    source: TopicPartition
    records: Sequence[Any]
    """aiokafka ConsumerRecords in the order of their offsets, at least one."""
    epoch: int
    """The seek after which it was read; a batch of an earlier seek is void."""
    more: bool
    """The same fetch brought a further batch, which follows at once."""


class PartitionProcessor(Protocol):
    """Processes batches, and knows each partition's position and how much it may hold."""

    topics: Sequence[str]
    """The physical topics that it reads."""
    epoch: int
    """Rises with every seek."""

    async def assign(self, spans: Mapping[TopicPartition, Span]) -> Mapping[TopicPartition, int]:
        """Own exactly these partitions; return the offset to read each of them from."""

    def has_room(self, source: TopicPartition) -> bool:
        """Whether one more batch of the partition may be fetched now."""

    def expect(self, batch: Batch) -> None:
        """Count a batch that was fetched and is about to be processed."""

    def durable(self) -> Mapping[TopicPartition, int]:
        """The offset of each partition up to which everything is durable in Redis."""
