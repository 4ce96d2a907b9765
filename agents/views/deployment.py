"""How a deployment stands: bands, the tick reached, records and what came of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from touchstream.agents.replay.summary import by_outcome
from touchstream.agents.stores.base import Store
from touchstream.schemas.rules import Band
from touchstream.schemas.units import Millis
from touchstream.streams.checkpoint import ShardCheckpoint, decode_checkpoint
from touchstream.streams.projections.indexes import RISK_INDEXES

DEAD = "dead."


class Deployment(NamedTuple):
    """Added up over all shards, each as of its own last commit."""

    bands: Mapping[Band, int]
    """Customers in band medium or high now."""
    tick: int
    """The last tick that every shard has finished; 0 before the first."""
    watermark_ms: Millis | None
    """Its time."""
    records: Mapping[str, int]
    """Taken in, and by what came of them."""
    dead_by_reason: Mapping[str, int]
    checkpoints: Sequence[ShardCheckpoint]
    offsets: Sequence[int | None]
    """Each shard's next offset to read; None: it has not begun."""


async def read_deployment(store: Store, shards: Sequence[str]) -> Deployment:
    """Read the shards' checkpoints and the sizes of their indexes, a round trip each."""
    found = await store.read_checkpoints(shards)
    checkpoints = [decode_checkpoint(each.record) for each in found]
    counts = await store.count_indexes(shards, list(RISK_INDEXES.values()))
    slowest = min(checkpoints, key=lambda one: one.tick)
    return Deployment(
        {band: sum(of[at] for of in counts) for at, band in enumerate(RISK_INDEXES)},
        slowest.tick,
        slowest.watermark_ms,
        by_outcome(checkpoints),
        _dead(checkpoints),
        checkpoints,
        [None if each.fence is None else each.fence.offset for each in found],
    )


def _dead(checkpoints: Sequence[ShardCheckpoint]) -> dict[str, int]:
    total: dict[str, int] = {}
    for checkpoint in checkpoints:
        for name, number in checkpoint.counters.items():
            if name.startswith(DEAD):
                reason = name.removeprefix(DEAD)
                total[reason] = total.get(reason, 0) + number
    return dict(sorted(total.items(), key=lambda one: (-one[1], one[0])))
