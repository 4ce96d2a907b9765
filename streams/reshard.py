"""The shards of a drained deployment, dealt out anew to another number of partitions.

A customer's state, timer and places in indexes go to the shard of their new partition as they are.
A shard's own facts are sums (counters, business measures) or equal everywhere (tick, watermark,
configuration), so nothing depends on how the sums are dealt out.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from touchstream.schemas.shards import shard_name
from touchstream.schemas.topics import EXAMPLES_TOPIC
from touchstream.streams.checkpoint import ShardCheckpoint
from touchstream.streams.intake.misspelt import misspelt_in
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.intake.unknown_fields import keep_few


class NotDrained(ValueError):
    """The shards have not reached the same tick."""


def shard_of(customer: str, partitions: int) -> str:
    """The shard of a customer's partition.

    >>> shard_of("customer-1", 12)
    'p9'
    """
    return shard_name(partition_of(customer.encode(), partitions))


def heir_of(shard: int, partitions: int) -> int:
    """The new shard (0 .. ``partitions`` - 1) that takes over the sums of an old one.

    >>> [heir_of(shard, 3) for shard in range(5)]
    [0, 1, 2, 0, 1]
    """
    return shard % partitions


def resharded(before: Sequence[ShardCheckpoint], partitions: int) -> list[ShardCheckpoint]:
    """The checkpoints of the new shards, from those of all old ones.

    Raises :class:`NotDrained` unless all have finished the same tick.

    Every sequence goes on after the highest of any old shard: whichever shard a consumer knew under
    a name, nothing that follows looks like a repeat to it.
    """
    if len({(each.tick, each.watermark_ms, each.active_config) for each in before}) != 1:
        raise NotDrained(f"the shards are at ticks {sorted({each.tick for each in before})}")
    shared = ShardCheckpoint(
        tick=before[0].tick,
        watermark_ms=before[0].watermark_ms,
        active_config=before[0].active_config,
        phase=before[0].phase,
        sent=max(each.sent for each in before),
        sequences=_highest(each.sequences for each in before),
    )
    return [
        _heir(shared, [each for old, each in enumerate(before) if heir_of(old, partitions) == new])
        for new in range(partitions)
    ]


def passed_by(shards: Iterable[ShardCheckpoint]) -> dict[str, int]:
    """Shard -> sequence of its last example, as a learner that has learnt everything keeps it."""
    return {
        shard_name(number): each.sequences.get(EXAMPLES_TOPIC, 0)
        for number, each in enumerate(shards)
    }


def _heir(shared: ShardCheckpoint, parents: Sequence[ShardCheckpoint]) -> ShardCheckpoint:
    """A new shard that takes over the sums of these old ones.

    The window of dead letters begins anew: those of several shards together would stop the new one.
    """
    counters = _sums(each.counters for each in parents)
    keep_few(counters)
    misspelt: dict[str, dict[str, int]] = {}
    for found in misspelt_in(each.misspelt_types for each in parents):
        misspelt.setdefault(found.did_you_mean, {})[found.type] = found.events
    return msgspec.structs.replace(
        shared,
        sequences=dict(shared.sequences),
        counters=counters,
        taken=sum(each.taken for each in parents),
        scored=sum(each.scored for each in parents),
        entered=sum(each.entered for each in parents),
        rises=_sums(each.rises for each in parents),
        measured_since=_lowest(each.measured_since for each in parents),
        misspelt_types=misspelt,
    )


def _sums(tables: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for table in tables:
        for name, amount in table.items():
            total[name] = total.get(name, 0) + amount
    return total


def _highest(tables: Iterable[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for table in tables:
        for name, number in table.items():
            found[name] = max(number, found.get(name, number))
    return found


def _lowest(tables: Iterable[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for table in tables:
        for name, number in table.items():
            found[name] = min(number, found.get(name, number))
    return found
