"""A worker's shards, and the units of work that wait in them: batches of events, and ticks."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from touchstream.agents.fenced import Claim, FencedShard, ShardUpdate
from touchstream.schemas.tick import ActiveConfig
from touchstream.streams.checkpoint import (
    ShardCheckpoint,
    decode_checkpoint,
    encode_checkpoint,
    log_phase,
)
from touchstream.streams.commit import CommitBatch
from touchstream.streams.context import ServingContext
from touchstream.streams.partition import EventBatch, TickBatch


class WorkerShard(FencedShard):
    """The shard of a touchpoints partition."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(claim)
        self.checkpoint = decode_checkpoint(claim.record)
        self.units: deque[EventBatch | TickBatch] = deque()
        self.log_phase = log_phase(self.checkpoint)
        """Behind the last unit."""

    def backlog(self) -> int:
        return self.in_flight + bool(self.units)

    def awaited_config(self) -> ActiveConfig | None:
        """The configuration that its next unit needs: what a parked shard waits for."""
        unit = self.units[0]
        return (
            unit.tick.active_config
            if isinstance(unit, TickBatch)
            else self.checkpoint.active_config
        )


class ShardTask(NamedTuple):
    """One shard's part of a round: the next commit of its first unit."""

    shard: WorkerShard
    unit: EventBatch | TickBatch
    checkpoint: ShardCheckpoint
    context: ServingContext
    ids: Sequence[str]
    last: bool
    """Whether the unit is done with this commit; False for every chunk of a tick but the last."""

    def update(self, content: CommitBatch) -> ShardUpdate:
        """The commit; its offset moves past the unit with the unit's last commit only."""
        return ShardUpdate(
            self.shard,
            # A crash between two chunks must read the tick again.
            _next_offset(self.unit) if self.last else self.shard.offset,
            encode_checkpoint(content.checkpoint),
            content.states,
            content.timers,
            content.outbox,
            content.measures,
            content.expired_measures,
            content.indexes,
        )


def _next_offset(unit: EventBatch | TickBatch) -> int:
    return unit.next_offset if isinstance(unit, EventBatch) else unit.offset + 1
