"""The learner's agent: examples in, model versions and ticks out, all under one fence.

It waits until every shard has completed tick n, learns that tick's examples in a fixed order, and
publishes a version. Its fence is the offset of the oldest record that is not learnt yet, so a crash
loses nothing of what it holds in memory.
"""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import msgspec
import structlog

from touchstream.agents.active_config import LEARNER, about_id, version_id, version_states
from touchstream.agents.assignment import TopicPartition
from touchstream.agents.checkpoint import Checkpoint, position_state
from touchstream.agents.fatal import Refusal
from touchstream.agents.fenced import (
    Claim,
    FencedAgent,
    FencedShard,
    LostFencePolicy,
    ShardUpdate,
)
from touchstream.agents.held_examples import HeldExamples, without_forgotten
from touchstream.agents.learner_metrics import show_knowledge, show_signals, show_version
from touchstream.agents.learner_restore import restore_checkpoint
from touchstream.agents.metrics import Metrics
from touchstream.agents.outbox import Outbox
from touchstream.agents.serving import Serving, named, wanted
from touchstream.agents.stores.base import Store
from touchstream.agents.version_sweep import MOST_TICKS_AHEAD, SWEEP_EVERY_TICKS, sweep
from touchstream.schemas.emissions.envelope import encode_emission
from touchstream.schemas.rules import Rules
from touchstream.schemas.shards import shard_names
from touchstream.schemas.tick import ActiveConfig, Tick, encode_tick
from touchstream.schemas.topics import TOUCHPOINTS_TOPIC
from touchstream.schemas.units import Millis
from touchstream.streams.emit.signal import model_signal
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.learner import TickCompleted, pass_tick
from touchstream.streams.outbox import Entry, encode_entry

BATCHES_IN_FLIGHT = 2

LOST_FENCE = LostFencePolicy(
    "refuse",  # a gap in the examples is never closed: there is nothing to go on with
    "Restore its data, or replay into a new namespace",
    "This topic must keep everything: restore it, or replay into a new namespace",
)

log = structlog.get_logger()


class LearnerShard(FencedShard):
    """The learner's own shard, behind the one partition of the examples."""

    def __init__(self, claim: Claim, rules: Rules, shards: Sequence[str]) -> None:
        super().__init__(claim)
        self.checkpoint, self.first_states = restore_checkpoint(claim.record, rules)
        self.held = HeldExamples(self.checkpoint.knowledge.passed, shards)

    def fence_offset(self) -> int:
        """The oldest record that is not learnt yet; reading starts there after a crash."""
        return self.held.oldest_offset(self.offset)


class Learner(FencedAgent[LearnerShard]):
    """Learns from the examples, publishes model versions and writes the ticks.

    One process of its group owns the examples; the others stand by.
    """

    repeats_work: ClassVar[bool] = False  # the examples of a tick leave memory before the commit

    def __init__(
        self,
        topic: str,
        store: Store,
        outbox: Outbox,
        rules: Rules,
        partitions: int,
        tick_secret: bytes | None,
        metrics: Metrics,
    ) -> None:
        super().__init__((topic,), store, outbox, metrics, LOST_FENCE, BATCHES_IN_FLIGHT)
        self._rules = rules
        self._partitions = partitions
        self._tick_secret = tick_secret
        self._serving = Serving(store)

    def shard_name(self, source: TopicPartition) -> str:
        if source.partition:
            raise Refusal(f"{source}: the examples must lie in one partition, to be in one order")
        return LEARNER

    def restore(self, claim: Claim) -> LearnerShard:
        return LearnerShard(claim, self._rules, shard_names(self._partitions))

    async def on_assigned(self) -> None:
        """Store everything that the first tick will name."""
        for shard in self.shards.values():
            # A tick names the rules by digest; a worker parks until it finds them.
            await self.store.put_text(self._rules.digest(), self._rules.to_text())
            if shard.first_states:
                await self._commit(shard, shard.checkpoint, shard.offset, shard.first_states, ())
            show_signals(self.metrics, shard.checkpoint)
            await show_version(self.metrics, self.store, shard.checkpoint.knowledge.version)

    def accept(self, shard: LearnerShard, records: Sequence[Any]) -> None:
        """Hold the records until their tick is complete."""
        now_s = time.monotonic()
        for record in records:
            shard.held.add(record.offset, record.value, now_s)
            shard.offset = record.offset + 1
        # Records that wait for other shards are no fault of the learner.
        self.last_progress = now_s

    async def advance(self) -> None:
        """Learn every tick that is complete."""
        for shard in self.shards.values():
            while shard.held.is_complete(shard.checkpoint.knowledge.tick + 1):
                await self._learn_tick(shard, shard.checkpoint.knowledge.tick + 1)

    async def tick(self, now_ms: Millis) -> None:
        """Write the next tick, at ``now_ms`` or just after the last one; time is monotone."""
        async with self.lock:
            for shard in self.shards.values():
                # Ticks would queue up at slow shards, and versions that they name could be swept.
                behind = shard.checkpoint.written - shard.checkpoint.knowledge.tick
                if behind < MOST_TICKS_AHEAD and not (await wanted(self.store)).is_backfilling:
                    await self.persist(partial(self._write_tick, shard, now_ms))

    async def _learn_tick(self, shard: LearnerShard, number: int) -> None:
        before = shard.checkpoint.knowledge
        popped = shard.held.pop(number, before.passed)
        examples = without_forgotten(popped.examples, shard.checkpoint)
        learnt = pass_tick(
            before,
            number,
            popped.sequences,
            examples,
            self._rules,
            FEATURES,
            popped.completed,
        )
        checkpoint = msgspec.structs.replace(shard.checkpoint, knowledge=learnt.knowledge)
        states = _states(learnt)
        if number % SWEEP_EVERY_TICKS == 0:
            wish = await wanted(self.store)
            checkpoint, removed = sweep(checkpoint, {*wish.keep, wish.serve or 0})
            states.update(dict.fromkeys(id_(n) for n in removed for id_ in (version_id, about_id)))
        # Numbered from the checkpoint, which is committed with them: a crash cannot reuse a number.
        entries = self._signals(checkpoint, learnt, number)
        checkpoint.sent += len(entries)
        checkpoint.signals += len(entries)
        await self._commit(shard, checkpoint, shard.fence_offset(), states, entries)
        show_knowledge(self.metrics, learnt.knowledge)
        if learnt.published is not None:
            version = learnt.knowledge.version
            log.info("version_published", version=version, tick=number)
            await show_version(self.metrics, self.store, version)

    def _signals(
        self, checkpoint: Checkpoint, learnt: TickCompleted, number: int
    ) -> list[tuple[int, bytes]]:
        """The learner's signals about its models, numbered for its outbox.

        All go to one partition, whatever model they concern: a consumer takes the learner's records
        in the order of their sequence, and drops one that seems to come too early.
        """
        entries = []
        for place, signal in enumerate(learnt.signals, 1):
            log.warning("model_signal", **signal._asdict())
            emission = model_signal(signal, number, self._rules.digest())
            sequence = f"{LEARNER}:{checkpoint.signals + place:016d}"
            value = encode_emission(emission, sequence)
            entry = Entry(emission.topic, emission.subject.encode(), value, partition=0)
            entries.append((checkpoint.sent + place, encode_entry(entry)))
        return entries

    async def _write_tick(self, shard: LearnerShard, now_ms: Millis) -> None:
        """Commit the next tick to the outbox, once for each partition of the touchpoints."""
        before = shard.checkpoint
        number = before.newest_tick + 1
        version = await self._serving.version(before)
        # A clock that was set back must not make time run backwards.
        time_ms = max(now_ms, Millis(before.written_ms + 1))
        value = self._encode_tick(number, time_ms, version)
        entries = [
            (place, encode_entry(Entry(TOUCHPOINTS_TOPIC, None, value, partition=partition)))
            for partition, place in enumerate(
                range(before.sent + 1, before.sent + 1 + self._partitions)
            )
        ]
        checkpoint = msgspec.structs.replace(
            named(before, version, number),
            written=number,
            written_ms=time_ms,
            sent=before.sent + len(entries),
        )
        # A tick takes nothing from the examples, so the fence keeps its offset.
        offset = shard.fence.offset if shard.fence else shard.fence_offset()
        await self._commit(shard, checkpoint, offset, {}, entries)
        self.metrics.set("served_version", version)
        self.metrics.set("version_pinned", version != before.knowledge.version)

    def _encode_tick(self, number: int, time_ms: Millis, version: int) -> bytes:
        active_config = ActiveConfig(
            model_version=version, rules=self._rules.digest(), features=FEATURES.digest
        )
        tick = Tick(number=number, time_ms=time_ms, active_config=active_config)
        return encode_tick(tick, self._tick_secret)

    async def _commit(
        self,
        shard: LearnerShard,
        checkpoint: Checkpoint,
        offset: int,
        states: Mapping[str, bytes | None],
        entries: Sequence[tuple[int, bytes]],
    ) -> None:
        record = msgspec.json.encode(checkpoint)
        await self.commit([ShardUpdate(shard, offset, record, states, {}, entries)])
        shard.checkpoint = checkpoint
        show_signals(self.metrics, checkpoint)


def _states(learnt: TickCompleted) -> dict[str, bytes | None]:
    states = position_state(learnt.knowledge)
    if learnt.published is not None:
        states.update(version_states(learnt.knowledge, learnt.published))
    return states
