"""Everything that agents behind a fence share: assignment, flow control, commits and outages.

A fenced agent owns one shard of the store for each partition that Kafka assigns to it. The shard's
fence says which record comes next. A commit names the fence it started from, and the store refuses
it if the fence has moved. So whatever happens to the process, every record takes effect once.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar

import structlog

from touchstream.agents.assignment import Batch, Span, TopicPartition
from touchstream.agents.fatal import Refusal
from touchstream.agents.metrics import Metrics
from touchstream.agents.outbox import Outbox
from touchstream.agents.stores.base import Commit, Fence, FenceLost, Store, StoreError

OUTAGE_PAUSE_S = 1.0

log = structlog.get_logger()


class Claim(NamedTuple):
    """An assigned partition: its shard as the store holds it, and the offset to read on from."""

    shard: str
    source: TopicPartition
    offset: int
    fence: Fence | None
    record: bytes | None


class FencedShard:
    """The shard of a partition that this process owns; subclasses add what the agent keeps."""

    def __init__(self, claim: Claim) -> None:
        self.name = claim.shard
        self.source = claim.source
        self.offset = claim.offset
        """The next offset to process."""
        self.fence = claim.fence
        """The fence in the store as this process last saw it; None before the first commit."""
        self.in_flight = 0
        """Batches that were fetched and have not reached :meth:`FencedAgent.work` yet."""
        self.parked = False
        """Whether it waits for something that no record of its own log will bring."""

    def backlog(self) -> int:
        """Batches held in memory, which count against ``max_batches_in_flight``."""
        return self.in_flight


class ShardUpdate(NamedTuple):
    """The update of one shard in a commit."""

    shard: FencedShard
    offset: int
    """The fence's new offset."""
    record: bytes
    states: Mapping[str, bytes | None] = {}
    timers: Mapping[str, int | None] = {}
    outbox: Sequence[tuple[int, bytes]] = ()
    measures: Mapping[str, Mapping[str, int]] = {}
    """Bucket -> field -> increment."""
    expired_measures: Sequence[str] = ()
    """Buckets that are deleted whole."""
    indexes: Mapping[str, Mapping[str, float | None]] = {}
    """Index -> customer -> score, or None to take the customer out."""

    def commit(self) -> Commit:
        """The update under the shard's fence; every commit raises the fence's count."""
        expected = self.shard.fence
        commits = 0 if expected is None else expected.commits
        return Commit(
            self.shard.name,
            expected,
            Fence(self.offset, commits + 1),
            self.record,
            self.states,
            self.timers,
            self.outbox,
            self.measures,
            self.expired_measures,
            self.indexes,
        )


class LostFencePolicy(NamedTuple):
    """Handling of a partition whose fence is missing in Redis or lies outside the log."""

    start_at: Literal["refuse", "oldest", "newest"]
    """Only ``refuse`` is exact: the others skip or repeat records."""
    if_missing: str
    """Remedy if Redis has no fence; ends a sentence."""
    if_outside: str
    """Remedy if Kafka does not hold the fence's offset; ends a sentence."""


ShardT = TypeVar("ShardT", bound=FencedShard)


class FencedAgent(ABC, Generic[ShardT]):
    """Implements ``PartitionProcessor`` over a store with fences, for any number of topics.

    A subclass names the shards, restores one from its record, and does the work in ``accept`` and
    ``advance``; it commits through ``commit`` alone. The hooks run under ``lock``.
    """

    repeats_work: ClassVar[bool] = True
    """Whether ``advance`` may run again after an outage: it took nothing out of memory before."""

    def __init__(
        self,
        topics: Sequence[str],
        store: Store,
        outbox: Outbox,
        metrics: Metrics,
        lost_fence: LostFencePolicy,
        max_batches_in_flight: int,
        outbox_limit: int | None = None,
    ) -> None:
        self.topics = topics
        self.epoch = 0
        self.joined = False
        self.last_progress = time.monotonic()
        self.lock = asyncio.Lock()
        self.store = store
        self.outbox = outbox
        self.metrics = metrics
        self.shards: dict[TopicPartition, ShardT] = {}
        self._lost_fence = lost_fence
        self._max_batches_in_flight = max_batches_in_flight
        self._outbox_limit = outbox_limit

    @abstractmethod
    def shard_name(self, source: TopicPartition) -> str:
        """The name of a partition's shard; two partitions never share one."""

    @abstractmethod
    def restore(self, claim: Claim) -> ShardT:
        """The shard as its last owner committed it."""

    @abstractmethod
    def accept(self, shard: ShardT, records: Sequence[Any]) -> None:
        """Queue records in memory; none of them lies below ``shard.offset``."""

    @abstractmethod
    async def advance(self) -> None:
        """Process and commit what is queued, as far as it goes."""

    async def on_assigned(self) -> None:
        """Run once the shards and the outbox are in place, before anything is read."""

    async def verify(self) -> None:
        """Check what else can go wrong in the store; runs with every check of the fences."""

    async def assign(self, spans: Mapping[TopicPartition, Span]) -> Mapping[TopicPartition, int]:
        """Own exactly these partitions, and return the offset to read each of them from.

        Raises :class:`Refusal` for a fence that does not fit the log.
        """
        async with self.lock:
            names = [self.shard_name(source) for source in spans]
            checkpoints = await self.store.read_checkpoints(names)
            for source in self.shards.keys() - spans.keys():
                # Otherwise two processes would show the counters of one shard.
                self.metrics.forget(self.shards[source].name)
            claims = [
                Claim(name, source, self._start(source, span, found.fence), *found)
                for name, (source, span), found in zip(
                    names, spans.items(), checkpoints, strict=True
                )
            ]
            self.shards = {claim.source: self.restore(claim) for claim in claims}
            await self.outbox.assign(names)
            await self.on_assigned()
            # A long assignment is no stall.
            self.last_progress = time.monotonic()
            self.joined = True
            log.info("partitions_assigned", partitions=sorted(str(source) for source in spans))
            return {source: shard.offset for source, shard in self.shards.items()}

    def has_room(self, source: TopicPartition) -> bool:
        """Whether one more batch may be fetched: little is held, and the outbox drains."""
        shard = self.shards.get(source)
        if shard is None or shard.parked:  # or the whole log would pile up behind what it waits for
            return False
        if shard.backlog() >= self._max_batches_in_flight:
            return False
        return self._outbox_limit is None or self.outbox.size(shard.name) < self._outbox_limit

    def expect(self, batch: Batch) -> None:
        """Count a batch that is on its way through Faust."""
        shard = self._current(batch)
        if shard is not None:
            shard.in_flight += 1

    def durable(self) -> Mapping[TopicPartition, int]:
        """The offsets that Kafka may show as committed: those of the fences."""
        return {s: shard.fence.offset for s, shard in self.shards.items() if shard.fence}

    def lag(self, end: Callable[[TopicPartition], int]) -> int:
        """Records that this process could process now; ``end`` gives the end of a partition."""
        shards = [shard for shard in self.shards.values() if not shard.parked]
        return sum(max(0, end(shard.source) - shard.offset) for shard in shards)

    async def work(self, fetch: Sequence[Batch]) -> None:
        """Process one fetch; when it returns, all that could be committed is durable."""
        async with self.lock:
            for batch in fetch:
                shard = self._current(batch)
                if shard is not None:
                    shard.in_flight = max(0, shard.in_flight - 1)
                    # A batch that is delivered again begins below the offset reached meanwhile.
                    self.accept(shard, [r for r in batch.records if r.offset >= shard.offset])
            await self.persist(self.advance)

    async def check_fences(self) -> None:
        """Raise :class:`FenceLost` if Redis was restored or another owner is active.

        A commit would notice, but there is none while no records arrive.
        """
        async with self.lock:
            shards = list(self.shards.values())
            if not shards:
                return
            try:
                found = await self.store.read_checkpoints([shard.name for shard in shards])
                await self.verify()
            except StoreError as exc:
                log.warning("store_is_out", reason=str(exc))
                return
            for shard, checkpoint in zip(shards, found, strict=True):
                if checkpoint.fence != shard.fence:
                    raise self._fence_lost(shard)

    async def persist(self, step: Callable[[], Awaitable[None]]) -> None:
        """Run ``step`` to its end through outages of the store.

        Raises :class:`FenceLost` if a commit was refused, also if it is the retry of one whose
        reply was lost; raises :class:`Refusal` at an outage if the agent cannot repeat its work.
        """
        while True:
            try:
                return await step()
            # FenceLost is a StoreError, but waiting cannot cure it.
            except FenceLost:
                raise
            except StoreError as exc:
                log.warning("store_is_out", reason=str(exc))
                if not self.repeats_work:
                    raise Refusal(f"starting again from the fence: {exc}") from exc
                await asyncio.sleep(OUTAGE_PAUSE_S)

    async def commit(self, updates: Sequence[ShardUpdate]) -> None:
        """Commit each update atomically, all in one round trip, and hand over their outboxes.

        Raises :class:`FenceLost` if the store refused one; the others may have gone through.
        """
        commits = [update.commit() for update in updates]
        accepted = await self.store.commit(commits)
        for update, commit, ok in zip(updates, commits, accepted, strict=True):
            if not ok:
                raise self._fence_lost(update.shard)
            update.shard.fence = commit.fence
            self.outbox.put(commit.shard, commit.outbox)
        self.last_progress = time.monotonic()

    def _current(self, batch: Batch) -> ShardT | None:
        """The batch's shard; None if it was read before the last seek or is owned no more."""
        return self.shards.get(batch.source) if batch.epoch == self.epoch else None

    def _start(self, source: TopicPartition, span: Span, fence: Fence | None) -> int:
        """The offset to begin at; raises :class:`Refusal` where Redis does not fit the log."""
        # Neither Redis nor Kafka knows the partition: the deployment is new.
        if fence is None and span.committed is None:
            return span.earliest
        if fence is not None and span.earliest <= fence.offset <= span.end:
            return fence.offset
        trouble = _trouble(source, span, fence, self._lost_fence)
        if self._lost_fence.start_at == "refuse":
            raise Refusal(trouble)
        offset = span.earliest if self._lost_fence.start_at == "oldest" else span.end
        log.error("fence_set_by_hand", partition=str(source), offset=offset, trouble=trouble)
        return offset

    def _fence_lost(self, shard: FencedShard) -> FenceLost:
        self.metrics.count("fence_refusals")
        return FenceLost(
            f"shard {shard.name}: the fence is no longer {shard.fence}; "
            "another process owns it, or Redis was restored to an older copy"
        )


def _trouble(
    source: TopicPartition, span: Span, fence: Fence | None, policy: LostFencePolicy
) -> str:
    if fence is None:
        return (
            f"{source}: the group has committed offset {span.committed}, but Redis has no fence "
            f"for it: was Redis flushed, or is this another one? {policy.if_missing}"
        )
    return (
        f"{source}: the fence in Redis is {fence.offset}, the log holds {span.earliest} to "
        f"{span.end}: was Redis restored from a copy older than Kafka's retention, or the topic "
        f"recreated? {policy.if_outside}"
    )
