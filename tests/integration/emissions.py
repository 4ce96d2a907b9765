"""What three shards emit about customers who are all at risk, as it lies on the topics."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import orjson

from tests.make import event, model, models, record
from touchstream.schemas.shards import shard_name
from touchstream.schemas.topics import CUSTOMER_RISK_TOPIC
from touchstream.streams.checkpoint import ShardCheckpoint
from touchstream.streams.intake.decode import Origin
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.local import NO_LIMIT
from touchstream.streams.outbox import decode_entry
from touchstream.streams.partition import EventBatch, apply_event_batch, split_at_ticks

PARTITIONS = 3
CUSTOMERS = 90
DOOMED = models("d0", knows=model(intercept=5.0))
"""The first event of every customer takes them to the band high, with a decision."""


class Sent(NamedTuple):
    """One emission."""

    topic: str
    key: bytes
    value: bytes

    @property
    def sequence(self) -> str:
        return str(orjson.loads(self.value)["sequence"])


@cache
def emissions() -> Sequence[Sent]:
    """Of shard after shard, in the order in which they were committed."""
    customers = [f"c{number}" for number in range(CUSTOMERS)]
    return [sent for partition in range(PARTITIONS) for sent in _of_shard(partition, customers)]


def _of_shard(partition: int, customers: Sequence[str]) -> list[Sent]:
    visits = [
        record(event("web.visit", "d1", customer))
        for customer in customers
        if partition_of(customer.encode(), PARTITIONS) == partition
    ]
    (batch,) = split_at_ticks(visits, Origin(partition, PARTITIONS, None))
    assert isinstance(batch, EventBatch)
    unknown: dict[str, bytes | None] = dict.fromkeys(batch.customers())
    name = shard_name(partition)
    commit = apply_event_batch(ShardCheckpoint(), name, partition, batch, unknown, DOOMED, NO_LIMIT)
    entries = [decode_entry(data) for _, data in commit.outbox]
    # The compacted topic is read in another way: its newest record of a customer counts.
    return [
        Sent(entry.topic, entry.key or b"", entry.value or b"")
        for entry in entries
        if entry.topic != CUSTOMER_RISK_TOPIC
    ]
