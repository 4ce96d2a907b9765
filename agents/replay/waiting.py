"""Waiting for the agents, whose progress shows in the store."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from touchstream.agents.active_config import LEARNER
from touchstream.agents.checkpoint import POSITION, Checkpoint, Position, decode_learner_checkpoint
from touchstream.agents.replay.sender import UNREAD_BYTES, PublishedPartition
from touchstream.agents.stores.base import Read, Store
from touchstream.schemas.shards import shard_name, shard_names
from touchstream.schemas.units import Millis
from touchstream.streams.checkpoint import ShardCheckpoint, decode_checkpoint

POLL_S = 0.004
STALL_CHECK_S = 1.0
STALLED_S = 180.0


class Stalled(RuntimeError):
    """The agents make no progress; the message has their fences."""


class AgentsProgress:
    """The progress of workers and learner with the published records."""

    def __init__(self, store: Store, partitions: int) -> None:
        self._store = store
        self._shards = shard_names(partitions)

    async def wait_started(self) -> None:
        """Until the learner has committed for the first time; the measured time begins here."""

        async def has_started() -> bool:
            [checkpoint] = await self._store.read_checkpoints([LEARNER])
            return checkpoint.fence is not None

        await self._until(has_started, "the workers to start")

    async def wait_consumed(self, partition: int, published: PublishedPartition) -> None:
        """Until at most half of the allowed bytes of a partition are unread."""

        async def is_consumed() -> bool:
            [checkpoint] = await self._store.read_checkpoints([shard_name(partition)])
            published.read_to(0 if checkpoint.fence is None else checkpoint.fence.offset)
            return published.unread_bytes <= UNREAD_BYTES / 2

        await self._until(is_consumed, f"partition {partition} to be consumed")

    async def wait_learnt(self, tick: int) -> None:
        """Until the learner has learnt a tick; 0 is no tick and needs no wait."""

        async def has_learnt() -> bool:
            return (await self.position()).tick >= tick

        if tick:
            await self._until(has_learnt, f"tick {tick} to be learnt")

    async def wait_applied(self, published: Sequence[PublishedPartition]) -> None:
        """Until everything published is applied."""

        async def is_applied() -> bool:
            checkpoints = await self._store.read_checkpoints(self._shards)
            return all(
                (0 if checkpoint.fence is None else checkpoint.fence.offset) >= sent.next_offset
                for sent, checkpoint in zip(published, checkpoints, strict=True)
            )

        await self._until(is_applied, "everything to be applied")

    async def wait_drained(self, published: Sequence[PublishedPartition]) -> None:
        """Until everything published is applied and has left the outboxes."""
        await self.wait_applied(published)

        async def is_sent() -> bool:
            left = [await self._store.outbox(shard, 0, 1) for shard in (*self._shards, LEARNER)]
            return not any(left)

        await self._until(is_sent, "everything to be emitted")

    async def is_due(self, time_ms: Millis) -> bool:
        """Whether a tick at this time would process any customer."""
        asked = (self._store.timers_until(shard, time_ms, 1) for shard in self._shards)
        return any(await asyncio.gather(*asked))

    async def position(self) -> Position:
        """The tick that the learner has learnt, and its newest version."""
        [[data]] = await self._store.load([Read(LEARNER, [POSITION])])
        return Position(0, 0) if data is None else msgspec.json.decode(data, type=Position)

    async def learner_checkpoint(self) -> Checkpoint | None:
        """The learner's checkpoint with all it knows; None before its first commit."""
        [checkpoint] = await self._store.read_checkpoints([LEARNER])
        return None if checkpoint.record is None else decode_learner_checkpoint(checkpoint.record)

    async def require_learner(self) -> Checkpoint:
        """The learner's checkpoint; it has committed."""
        checkpoint = await self.learner_checkpoint()
        assert checkpoint is not None
        return checkpoint

    async def shard_checkpoints(self) -> list[ShardCheckpoint]:
        """The checkpoints of all workers' shards."""
        found = await self._store.read_checkpoints(self._shards)
        return [decode_checkpoint(checkpoint.record) for checkpoint in found]

    async def _until(self, reached: Callable[[], Awaitable[bool]], awaited: str) -> None:
        """Poll; raises :class:`Stalled` if no fence moves for too long.

        The fences are read seldom, because that costs more than a poll.
        """
        looked = moved = time.monotonic()
        before: object = None
        while not await reached():
            now_s = time.monotonic()
            if now_s - looked > STALL_CHECK_S:
                looked = now_s
                # Only the workers: the learner waits for them while they are busy.
                fences = [each.fence for each in await self._store.read_checkpoints(self._shards)]
                if fences != before:
                    moved, before = now_s, fences
                if now_s - moved > STALLED_S:
                    raise Stalled(f"waited {STALLED_S:.0f} s for {awaited}; the fences: {fences}")
            await asyncio.sleep(POLL_S)
