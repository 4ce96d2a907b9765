"""The worker's agent: decode touchpoints, load states, advance them, commit, hand over emissions.

The partitions of a fetch go through together, in two round trips a round. A shard that waits for a
model version is parked and retried while the others go on.
"""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any

import structlog

from touchstream.agents.active_config import ServingContexts
from touchstream.agents.assignment import TopicPartition
from touchstream.agents.fenced import Claim, FencedAgent, LostFencePolicy
from touchstream.agents.metrics import Metrics
from touchstream.agents.misspelt import MisspeltFields
from touchstream.agents.outbox import Outbox
from touchstream.agents.settings import WorkerSettings
from touchstream.agents.shard_metrics import show_shards
from touchstream.agents.shard_tasks import ShardTask, WorkerShard
from touchstream.agents.stores.base import Read, Store, StoreError
from touchstream.schemas.shards import shard_name
from touchstream.schemas.units import Millis
from touchstream.streams.commit import CommitBatch
from touchstream.streams.intake.decode import Origin
from touchstream.streams.intake.misspelt import misspelt_in
from touchstream.streams.partition import (
    EventBatch,
    LetterLimit,
    TickBatch,
    adopt,
    apply_event_batch,
    apply_tick,
    split_at_ticks,
)
from touchstream.streams.projections.indexes import RISK_INDEXES
from touchstream.streams.records import Record

log = structlog.get_logger()


class Touchpoints(FencedAgent[WorkerShard]):
    """Keeps the states of the customers whose touchpoints it reads, and emits risks and actions."""

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
        super().__init__(
            (topic,),
            store,
            outbox,
            metrics,
            _lost_fence(settings),
            settings.max_batches_in_flight,
            settings.outbox_limit,
        )
        self._tick_chunk = settings.tick_chunk
        self._origin = origin
        self._received_ms = received_ms
        self._contexts = ServingContexts(store, lambda: metrics.count("model_digest_faults"))
        self._misspelt_logged: set[str] = set()
        self._limit = LetterLimit(settings.dead_letter_limit, settings.dead_letter_window)
        self._misspelt = MisspeltFields()

    def shard_name(self, source: TopicPartition) -> str:
        return shard_name(source.partition)

    def restore(self, claim: Claim) -> WorkerShard:
        return WorkerShard(claim)

    def accept(self, shard: WorkerShard, records: Sequence[Any]) -> None:
        """Decode a batch behind what waits already."""
        origin = self._origin._replace(partition=shard.source.partition)
        # A tick is a unit of its own, because it changes the configuration for what follows.
        for unit in split_at_ticks(list(map(self._record, records)), origin, shard.log_phase):
            shard.units.append(unit)
            if isinstance(unit, TickBatch):
                shard.log_phase = shard.log_phase.after(unit.tick)

    async def advance(self) -> None:
        """Process every shard until none has a unit left that can be processed."""
        await self._rounds(self.shards.values())

    async def verify(self) -> None:
        """Compare the loaded versions with the published ones: Redis may have been restored."""
        await self._contexts.verify(self._served_versions())

    async def retry_parked(self) -> None:
        """Try the parked shards again; a timer calls it."""
        async with self.lock:
            parked = [shard for shard in self.shards.values() if shard.parked]
            await self.persist(partial(self._rounds, parked))

    async def show_metrics(self, end: Callable[[TopicPartition], int]) -> None:
        """Set the gauges, and log new misspellings; ``end`` gives the end of a partition."""
        show_shards(self.metrics, self.shards.values(), self.outbox, end)
        await self._show_at_risk()
        for shard in self.shards.values():
            self._misspelt.tell(shard.checkpoint.counters)
        digests = self._contexts.digests
        versions = self._served_versions() & digests.keys()
        self.metrics.show_info(
            "model_info", {(str(number), digests[number]) for number in versions}
        )

    async def _show_at_risk(self) -> None:
        names = [shard.name for shard in self.shards.values()]
        try:
            counts = await self.store.count_indexes(names, list(RISK_INDEXES.values()))
        # Work on the shards waits for the store; a gauge need not.
        except StoreError:
            return
        owned = {shard.name for shard in self.shards.values()}  # some may have gone meanwhile
        for name, of_shard in zip(names, counts, strict=True):
            if name in owned:
                for band, count in zip(RISK_INDEXES, of_shard, strict=True):
                    self.metrics.set("customers_at_risk", count, shard=name, band=band)

    def _served_versions(self) -> set[int]:
        """The model versions that the shards score with now."""
        configs = (shard.checkpoint.active_config for shard in self.shards.values())
        return {config.model_version for config in configs if config is not None}

    def _record(self, record: Any) -> Record:  # noqa: ANN401 - aiokafka's ConsumerRecord
        value = record.value or b""  # a tombstone has none; it ends among the dead letters
        received_ms = self._received_ms(record)
        return Record(record.offset, received_ms, record.key, value, record.headers)

    async def _rounds(self, shards: Collection[WorkerShard]) -> None:
        """Process one unit per shard and round; ends when every shard is idle or parked."""
        waiting = [shard for shard in shards if shard.units]
        were_parked = [shard for shard in waiting if shard.parked]
        while waiting:
            tasks = [task for shard in waiting if (task := await self._next_task(shard))]
            if tasks:
                await self._round(tasks)
            _log_parked(shard for shard in waiting if shard not in were_parked)
            waiting = [shard for shard in waiting if shard.units and not shard.parked]

    async def _next_task(self, shard: WorkerShard) -> ShardTask | None:
        """The shard's next commit; None parks it until Redis holds what a tick names."""
        unit, checkpoint = shard.units[0], shard.checkpoint
        if isinstance(unit, TickBatch) and unit.tick.number > checkpoint.tick:
            checkpoint = adopt(checkpoint, unit.tick)
        context = await self._contexts.load(checkpoint)
        shard.parked = context is None
        if context is None:
            return None
        if isinstance(unit, EventBatch):
            return ShardTask(shard, unit, checkpoint, context, unit.customers(), last=True)
        if checkpoint is shard.checkpoint:  # a tick that was completed before: a repeat in the log
            return ShardTask(shard, unit, checkpoint, context, (), last=True)
        until_ms = checkpoint.watermark_ms or unit.tick.time_ms
        # One more than a chunk tells whether this chunk is the last.
        ids = await self.store.timers_until(shard.name, until_ms, self._tick_chunk + 1)
        chunk, last = ids[: self._tick_chunk], len(ids) <= self._tick_chunk
        return ShardTask(shard, unit, checkpoint, context, chunk, last)

    async def _round(self, tasks: Sequence[ShardTask]) -> None:
        """Load all, advance all, commit all: two round trips for any number of shards."""
        states = await self.store.load([Read(task.shard.name, task.ids) for task in tasks])
        contents = [self._process(task, found) for task, found in zip(tasks, states, strict=True)]
        updates = [task.update(content) for task, content in zip(tasks, contents, strict=True)]
        started = time.monotonic()
        # One refused commit ends the process; the accepted ones are in Redis and are read again.
        await self.commit(updates)
        self.metrics.observe("commit_seconds", time.monotonic() - started)
        for task, content, update in zip(tasks, contents, updates, strict=True):
            self._complete(task, content, update.offset)

    def _process(self, task: ShardTask, states: Sequence[bytes | None]) -> CommitBatch:
        shard, loaded = task.shard, dict(zip(task.ids, states, strict=True))
        match task.unit:
            case EventBatch():
                return apply_event_batch(
                    task.checkpoint,
                    shard.name,
                    shard.source.partition,
                    task.unit,
                    loaded,
                    task.context,
                    self._limit,
                )
            case TickBatch(tick, _) if tick.number > shard.checkpoint.tick:
                return apply_tick(
                    task.checkpoint,
                    shard.name,
                    tick,
                    task.ids,
                    loaded,
                    task.context,
                    last=task.last,
                )
            case TickBatch():
                return CommitBatch(task.checkpoint, {}, {}, [])

    def _complete(self, task: ShardTask, content: CommitBatch, offset: int) -> None:
        shard = task.shard
        shard.offset, shard.checkpoint = offset, content.checkpoint
        # A tick stays at the head until its last chunk; a crash in between resumes with the rest.
        if task.last:
            shard.units.popleft()
        self._log_misspelt(shard)
        self.metrics.count("batches")
        if isinstance(task.unit, EventBatch):
            self.metrics.observe("batch_records", len(task.unit.records))

    def _log_misspelt(self, shard: WorkerShard) -> None:
        """Log each misspelt type once: the metric goes on counting."""
        counts = shard.checkpoint.misspelt_types
        for found in misspelt_in([counts]) if counts else ():
            if found.type not in self._misspelt_logged:
                self._misspelt_logged.add(found.type)
                log.warning("unknown_type", shard=shard.name, **found._asdict())


def _lost_fence(settings: WorkerSettings) -> LostFencePolicy:
    return LostFencePolicy(
        settings.on_lost_fence,
        "Restore its data; or set worker.on_lost_fence to oldest (apply again all that Kafka "
        "holds) or newest",
        "Set worker.on_lost_fence to oldest or newest to go on with a gap, or replay into a new "
        "namespace",
    )


def _log_parked(shards: Iterable[WorkerShard]) -> None:
    """Log those that were parked just now, not at every retry: there are many a second."""
    for shard in shards:
        if shard.parked:
            partition, config = shard.source.partition, shard.awaited_config()
            log.warning("partition_parked", partition=partition, waits_for=str(config))
