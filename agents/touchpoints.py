"""The touchpoints agent's desk: decode, load, advance, commit, hand over.

All partitions of a fetch go through together. A shard that waits for a model version is parked and
tried again; the others go on. Whatever goes wrong, nothing is half done: the commit is atomic and
refused unless the fence is where it was read.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import structlog

from touchstream.agents.active_config import Catalogue
from touchstream.agents.fatal import Refusal
from touchstream.agents.metrics import Metrics
from touchstream.agents.outbox import Outbox
from touchstream.agents.settings import WorkerSettings
from touchstream.agents.stores.base import Commit, Fence, FenceLost, Read, Store, StoreError
from touchstream.agents.transport import Batch, Span
from touchstream.schemas.units import Millis
from touchstream.streams.checkpoint import ShardCheckpoint, decode_checkpoint, encode_checkpoint
from touchstream.streams.commit import CommitBatch
from touchstream.streams.context import ServingContext
from touchstream.streams.intake.decode import Origin
from touchstream.streams.partition import (
    EventBatch,
    LetterLimit,
    TickBatch,
    adopt,
    apply_event_batch,
    apply_tick,
    split_at_ticks,
)
from touchstream.streams.records import Record

OUTAGE_PAUSE_S = 1.0

log = structlog.get_logger()


class Shard:
    """A partition that this process owns, as far as it is durable, and the work that waits."""

    def __init__(
        self, partition: int, offset: int, fence: Fence | None, checkpoint: ShardCheckpoint
    ) -> None:
        self.name = f"p{partition}"
        self.partition = partition
        self.offset = offset
        """The next offset to be applied."""
        self.fence = fence
        """What Redis holds; None before the first commit."""
        self.checkpoint = checkpoint
        self.units: deque[EventBatch | TickBatch] = deque()
        self.in_flight = 0
        """Batches fetched that Faust has not handed over yet."""
        self.parked = False


class ShardTask(NamedTuple):
    """One shard's part of a round."""

    shard: Shard
    unit: EventBatch | TickBatch
    checkpoint: ShardCheckpoint
    models: ServingContext
    ids: Sequence[str]
    last: bool
    """The unit is finished with it; False for every chunk of a tick but the last."""


class Touchpoints:
    """Implements ``Desk`` for the touchpoints topic."""

    def __init__(
        self,
        topic: str,
        store: Store,
        outbox: Outbox,
        settings: WorkerSettings,
        origin: Origin,
        metrics: Metrics,
        received_ms: Callable[[Any], Millis],
    ) -> None:
        self.topic = topic
        self.epoch = 0
        self._store = store
        self._outbox = outbox
        self._settings = settings
        self._origin = origin
        self._metrics = metrics
        self._received_ms = received_ms
        self._catalogue = Catalogue(store, lambda: metrics.count("model_digest_faults"))
        self._limit = LetterLimit(settings.dead_letter_limit, settings.dead_letter_window)
        self._shards: dict[int, Shard] = {}
        self._lock = asyncio.Lock()
        self.last_progress = time.monotonic()
        self.joined = False

    async def take(self, spans: Mapping[int, Span]) -> Mapping[int, int]:
        """Own these partitions: start at their fences, or refuse with what to do."""
        async with self._lock:
            names = [f"p{partition}" for partition in spans]
            checkpoints = await self._store.read_checkpoints(names)
            for gone in self._shards.keys() - spans.keys():
                self._metrics.forget(f"p{gone}")
            self._shards = {
                partition: Shard(
                    partition,
                    self._start(partition, span, found.fence),
                    found.fence,
                    decode_checkpoint(found.record),
                )
                for (partition, span), found in zip(spans.items(), checkpoints, strict=True)
            }
            await self._outbox.take(names)
            self.last_progress = time.monotonic()
            self.joined = True
            log.info("partitions_taken", partitions=sorted(spans))
            return {partition: shard.offset for partition, shard in self._shards.items()}

    def has_room(self, partition: int) -> bool:
        """Whether one more batch may be fetched: few enough wait, and the outbox drains."""
        shard = self._shards.get(partition)
        if shard is None or shard.parked:  # or the whole log would pile up behind a parked tick
            return False
        held = shard.in_flight + bool(shard.units)
        return (
            held < self._settings.max_batches_in_flight
            and self._outbox.size(shard.name) < self._settings.outbox_limit
        )

    def expect(self, batch: Batch) -> None:
        """Count a batch that is on its way through Faust."""
        shard = self._shards.get(batch.partition)
        if shard is not None and batch.epoch == self.epoch:
            shard.in_flight += 1

    def durable(self) -> Mapping[int, int]:
        """Offsets that Kafka may be told: what Redis holds."""
        return {p: shard.fence.offset for p, shard in self._shards.items() if shard.fence}

    async def show_metrics(self, end: Callable[[int], int]) -> None:
        """Set the gauges; what is counted in the shards is shown as it was committed."""
        for shard in self._shards.values():
            self._metrics.set("outbox_entries", self._outbox.size(shard.name), shard=shard.name)
            lag = max(0, end(shard.partition) - shard.offset)
            self._metrics.set("lag_records", lag, shard=shard.name)
            self._metrics.set("tick_number", shard.checkpoint.tick, shard=shard.name)
            self._metrics.show_durable(shard.name, _durable_counts(shard.checkpoint))
            if shard.checkpoint.active_config is not None:
                self._metrics.set("model_version", shard.checkpoint.active_config.model_version)
        digests = self._catalogue.digests
        versions = self._versions()
        shown = {(str(number), digests[number]) for number in versions if number in digests}
        self._metrics.show_info("model_info", shown)
        parked = sum(shard.parked for shard in self._shards.values())
        self._metrics.set("parked_partitions", parked)

    def lag(self, end: Callable[[int], int]) -> int:
        """Records that are not durable yet, of partitions that are not parked.

        ``end`` by partition.
        """
        shards = [shard for shard in self._shards.values() if not shard.parked]
        return sum(max(0, end(shard.partition) - shard.offset) for shard in shards)

    async def work(self, fetch: Sequence[Batch]) -> None:
        """Apply one fetch, every partition of it as far as it goes."""
        async with self._lock:
            for batch in fetch:
                shard = self._shards.get(batch.partition)
                if shard is not None and batch.epoch == self.epoch:
                    self._queue(shard, batch.records)
            await self._persist(self._shards.values())

    async def check_fences(self) -> None:
        """Notice that Redis was put back, or another owner is at work, though nothing arrives."""
        async with self._lock:
            shards = list(self._shards.values())
            try:
                found = await self._store.read_checkpoints([shard.name for shard in shards])
                await self._catalogue.check(self._versions())
            except StoreError as exc:
                log.warning("store_is_out", reason=str(exc))
                return
            for shard, checkpoint in zip(shards, found, strict=True):
                if checkpoint.fence != shard.fence:
                    raise self._lost(shard)

    async def retry_parked(self) -> None:
        """Try the parked shards again; called every now and then."""
        async with self._lock:
            await self._persist([shard for shard in self._shards.values() if shard.parked])

    def _versions(self) -> set[int]:
        """Those in force, on any partition."""
        active_config = (shard.checkpoint.active_config for shard in self._shards.values())
        return {each.model_version for each in active_config if each is not None}

    def _start(self, partition: int, span: Span, fence: Fence | None) -> int:
        """The offset to begin at; raises :class:`Refusal` where Redis does not fit the log."""
        if fence is None and span.committed is None:
            return span.earliest
        if fence is not None and span.earliest <= fence.offset <= span.end:
            return fence.offset
        trouble = _trouble(self.topic, partition, span, fence)
        if self._settings.on_lost_fence == "refuse":
            raise Refusal(trouble)
        offset = span.earliest if self._settings.on_lost_fence == "oldest" else span.end
        log.error("fence_set_by_hand", partition=partition, offset=offset, trouble=trouble)
        return offset

    async def _persist(self, shards: Collection[Shard]) -> None:
        """Go on through an outage of Redis.

        A commit that did go through is refused the second time.
        """
        while True:
            try:
                return await self._rounds(shards)
            except FenceLost:
                raise
            except StoreError as exc:
                log.warning("store_is_out", reason=str(exc))
                await asyncio.sleep(OUTAGE_PAUSE_S)

    def _queue(self, shard: Shard, records: Sequence[Any]) -> None:
        """Decode a batch behind what waits already; what is below the fence was done before."""
        fresh = [self._record(record) for record in records if record.offset >= shard.offset]
        origin = self._origin._replace(partition=shard.partition)
        shard.units.extend(split_at_ticks(fresh, origin))
        shard.in_flight = max(0, shard.in_flight - 1)

    def _record(self, record: Any) -> Record:  # noqa: ANN401 - aiokafka's ConsumerRecord
        received_ms = self._received_ms(record)
        value = record.value or b""  # a tombstone has none; it ends among the dead letters
        return Record(record.offset, received_ms, record.key, value, record.headers)

    async def _rounds(self, shards: Collection[Shard]) -> None:
        """Each shard's next unit, round by round.

        Until none has one or all that have are parked.
        """
        waiting = [shard for shard in shards if shard.units]
        were_parked = {shard.partition for shard in waiting if shard.parked}
        while waiting:
            tasks = [task for shard in waiting if (task := await self._prepare(shard))]
            if tasks:
                await self._round(tasks)
            _say_parked([shard for shard in waiting if shard.partition not in were_parked])
            waiting = [shard for shard in waiting if shard.units and not shard.parked]

    async def _prepare(self, shard: Shard) -> ShardTask | None:
        """What the shard needs next; None: it has to wait for what a tick names."""
        unit, checkpoint = shard.units[0], shard.checkpoint
        if isinstance(unit, TickBatch) and unit.tick.number > checkpoint.tick:
            checkpoint = adopt(checkpoint, unit.tick)
        models = await self._catalogue.models(checkpoint)
        shard.parked = models is None
        if models is None:
            return None
        if isinstance(unit, EventBatch):
            return ShardTask(shard, unit, checkpoint, models, unit.customers(), last=True)
        if checkpoint is shard.checkpoint:  # a number that was passed before
            return ShardTask(shard, unit, checkpoint, models, (), last=True)
        limit = self._settings.tick_chunk
        until_ms = checkpoint.watermark_ms or unit.tick.time_ms
        ready = await self._store.timers_until(shard.name, until_ms, limit + 1)
        return ShardTask(shard, unit, checkpoint, models, ready[:limit], last=len(ready) <= limit)

    async def _round(self, tasks: Sequence[ShardTask]) -> None:
        """Load all, advance all, commit all: two round trips for any number of shards."""
        found = await self._store.load([Read(task.shard.name, task.ids) for task in tasks])
        commit_batches = [
            self._advance(task, states) for task, states in zip(tasks, found, strict=True)
        ]
        commits = [_commit(task, work) for task, work in zip(tasks, commit_batches, strict=True)]
        started = time.monotonic()
        accepted = await self._store.commit(commits)
        self._metrics.observe("commit_seconds", time.monotonic() - started)
        for task, work, commit, ok in zip(tasks, commit_batches, commits, accepted, strict=True):
            if not ok:
                raise self._lost(task.shard)
            self._done(task, work, commit.fence)

    def _lost(self, shard: Shard) -> FenceLost:
        self._metrics.count("fence_refusals")
        return FenceLost(
            f"shard {shard.name}: the fence is no longer {shard.fence}; "
            "another worker owns it, or Redis was put back"
        )

    def _advance(self, task: ShardTask, states: Sequence[bytes | None]) -> CommitBatch:
        shard, held = task.shard, dict(zip(task.ids, states, strict=True))
        match task.unit:
            case EventBatch():
                return apply_event_batch(
                    task.checkpoint,
                    shard.name,
                    shard.partition,
                    task.unit,
                    held,
                    task.models,
                    self._limit,
                )
            case TickBatch(tick, _) if tick.number > shard.checkpoint.tick:
                return apply_tick(
                    task.checkpoint,
                    shard.name,
                    tick,
                    task.ids,
                    held,
                    task.models,
                    last=task.last,
                )
            case TickBatch():
                return CommitBatch(task.checkpoint, {}, {}, [])

    def _done(self, task: ShardTask, work: CommitBatch, fence: Fence) -> None:
        shard = task.shard
        shard.fence, shard.offset, shard.checkpoint = fence, fence.offset, work.checkpoint
        if task.last:
            shard.units.popleft()
        self._outbox.put(shard.name, work.outbox)
        self.last_progress = time.monotonic()
        self._metrics.count("batches")
        if isinstance(task.unit, EventBatch):
            self._metrics.observe("batch_records", len(task.unit.records))


METRIC_OF = {"dropped": "dropped", "dead": "dead_letters", "emitted": "emissions"}
OUTCOMES = frozenset({"applied", "duplicate", "dead", "dropped"})


def _durable_counts(checkpoint: ShardCheckpoint) -> dict[tuple[str, str], int]:
    """The shard's counters under the names of the metric catalogue."""
    shown = {}
    for name, count in checkpoint.counters.items():
        kind, _, label = name.partition(".")
        if name in OUTCOMES:
            shown["records", name] = count
        elif label and kind in METRIC_OF:
            shown[METRIC_OF[kind], label] = count
    return shown


def _commit(task: ShardTask, work: CommitBatch) -> Commit:
    shard = task.shard
    offset = shard.offset if not task.last else _next_offset(task.unit)
    commits = 0 if shard.fence is None else shard.fence.commits
    return Commit(
        shard.name,
        shard.fence,
        Fence(offset, commits + 1),
        encode_checkpoint(work.checkpoint),
        work.states,
        work.timers,
        work.outbox,
        work.measures,
        work.expired_measures,
    )


def _say_parked(shards: Iterable[Shard]) -> None:
    """Once, when it begins: they are tried again many times a second."""
    for shard in shards:
        if shard.parked:
            named = shard.units[0]
            active_config = (
                named.tick.active_config
                if isinstance(named, TickBatch)
                else shard.checkpoint.active_config
            )
            log.warning("partition_parked", partition=shard.partition, waits_for=str(active_config))


def _next_offset(unit: EventBatch | TickBatch) -> int:
    return unit.next_offset if isinstance(unit, EventBatch) else unit.offset + 1


def _trouble(topic: str, partition: int, span: Span, fence: Fence | None) -> str:
    if fence is None:
        return (
            f"{topic}-{partition}: the group has committed offset {span.committed}, but Redis "
            "has no fence for it: was Redis flushed, or is this another one? Restore its data; or "
            "set worker.on_lost_fence to oldest (apply again all that Kafka holds) or newest"
        )
    return (
        f"{topic}-{partition}: the fence in Redis is {fence.offset}, the log holds "
        f"{span.earliest} to {span.end}: was Redis restored from a copy older than Kafka's "
        "retention, or the topic made anew? Set worker.on_lost_fence to oldest or newest to go on "
        "with a gap, or replay into a new namespace"
    )
