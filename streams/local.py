"""The pure core driven in one process, without Kafka or Redis.

Tests compare the worker with it. It is also the shortest way to see how the pieces fit: a log in;
states, emissions and examples out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from touchstream.schemas.emissions.envelope import encode_emission
from touchstream.schemas.examples import Example, TickCompleted, decode_example
from touchstream.schemas.rules import Rules
from touchstream.schemas.shards import shard_name
from touchstream.schemas.tick import ActiveConfig, Phase, Tick
from touchstream.schemas.topics import EXAMPLES_TOPIC
from touchstream.schemas.units import Millis
from touchstream.streams.checkpoint import ShardCheckpoint, log_phase
from touchstream.streams.commit import CommitBatch
from touchstream.streams.context import OnDecision, ServingContext
from touchstream.streams.emit.signal import model_signal
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.intake.decode import Origin
from touchstream.streams.learn.governance import Signal
from touchstream.streams.learn.knowledge import Knowledge
from touchstream.streams.learn.learner import pass_tick, version_of
from touchstream.streams.learn.scorer import Scorer, compile_version
from touchstream.streams.learn.snapshot import Version, unseal
from touchstream.streams.outbox import Entry, decode_entry
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

NO_LIMIT = LetterLimit(0, 1)


@dataclass
class LocalShard:
    """A shard whose store is a few dictionaries."""

    name: str
    partition: int
    checkpoint: ShardCheckpoint = field(default_factory=ShardCheckpoint)
    states: dict[str, bytes] = field(default_factory=dict)
    timers: dict[str, int] = field(default_factory=dict)
    outbox: list[Entry] = field(default_factory=list)
    measures: dict[str, dict[str, int]] = field(default_factory=dict)
    indexes: dict[str, dict[str, float]] = field(default_factory=dict)

    def load(self, customers: Iterable[str]) -> dict[str, bytes | None]:
        """The stored states of these customers."""
        return {customer: self.states.get(customer) for customer in customers}

    def keep(self, commit_batch: CommitBatch) -> None:
        """Apply a commit."""
        self.checkpoint = commit_batch.checkpoint
        for customer, state in commit_batch.states.items():
            if state is None:
                self.states.pop(customer, None)
            else:
                self.states[customer] = state
        for customer, moment in commit_batch.timers.items():
            if moment is None:
                self.timers.pop(customer, None)
            else:
                self.timers[customer] = moment
        self.outbox.extend(decode_entry(entry) for _, entry in commit_batch.outbox)
        self._measure(commit_batch)
        for index, scores in commit_batch.indexes.items():
            members = self.indexes.setdefault(index, {})
            for customer, score in scores.items():
                if score is None:
                    members.pop(customer, None)
                else:
                    members[customer] = score

    def _measure(self, commit_batch: CommitBatch) -> None:
        for bucket in commit_batch.expired_measures:
            self.measures.pop(bucket, None)
        for bucket, fields in commit_batch.measures.items():
            held = self.measures.setdefault(bucket, {})
            for name, amount in fields.items():
                held[name] = held.get(name, 0) + amount


class LocalStream:
    """Shards and the learner in one process, tick by tick."""

    def __init__(
        self,
        rules: Rules,
        partitions: int = 1,
        chunk: int = 1_000_000,
        limit: LetterLimit = NO_LIMIT,
        on_decision: OnDecision | None = None,
    ) -> None:
        self.limit = limit
        self.on_decision = on_decision
        self.rules = rules
        self.partitions = partitions
        self.chunk = chunk
        self.shards = [LocalShard(shard_name(number), number) for number in range(partitions)]
        self.knowledge = Knowledge.new(FEATURES, rules)
        self.scorers = {0: self._compiled(version_of(self.knowledge))}
        self.signals: list[Signal] = []
        self.examples: list[Example] = []
        self.emitted: list[Entry] = []

    def models(self, checkpoint: ShardCheckpoint) -> ServingContext:
        """The serving context of a shard."""
        active_config = checkpoint.active_config
        if active_config is None:
            return ServingContext(
                self.rules, self.rules.digest(), FEATURES, 0, None, None, self.on_decision
            )
        scorer = self.scorers[active_config.model_version]
        return ServingContext(
            self.rules,
            self.rules.digest(),
            FEATURES,
            active_config.model_version,
            scorer,
            checkpoint.watermark_ms,
            self.on_decision,
        )

    def feed(self, partition: int, records: Sequence[Record]) -> None:
        """Process a batch of one partition, ticks included."""
        shard = self.shards[partition]
        origin = Origin(partition, self.partitions, None)
        for unit in split_at_ticks(records, origin, log_phase(shard.checkpoint)):
            match unit:
                case EventBatch():
                    states = shard.load(unit.customers())
                    models = self.models(shard.checkpoint)
                    commit_batch = apply_event_batch(
                        shard.checkpoint, shard.name, partition, unit, states, models, self.limit
                    )
                    shard.keep(commit_batch)
                case TickBatch(tick, _):
                    self.turn(shard, tick)

    def turn(self, shard: LocalShard, tick: Tick) -> None:
        """Process one tick of one shard, chunk by chunk."""
        # The outbox sends at least once, so the log may repeat a tick.
        if tick.number <= shard.checkpoint.tick:
            return
        shard.checkpoint = adopt(shard.checkpoint, tick)
        models = self.models(shard.checkpoint)
        watermark_ms = shard.checkpoint.watermark_ms or tick.time_ms
        last = False
        while not last:
            ready = sorted((at, name) for name, at in shard.timers.items() if at <= watermark_ms)
            chunk = [name for _, name in ready[: self.chunk]]
            last = len(ready) <= self.chunk
            states = shard.load(chunk)
            shard.keep(
                apply_tick(shard.checkpoint, shard.name, tick, chunk, states, models, last=last)
            )

    def next_tick(self, time_ms: int, phase: Phase = "live") -> Tick:
        """The tick the learner would write now."""
        active_config = ActiveConfig(
            model_version=self.knowledge.version,
            rules=self.rules.digest(),
            features=FEATURES.digest,
        )
        return Tick(
            number=self.knowledge.tick + 1,
            time_ms=Millis(time_ms),
            active_config=active_config,
            phase=phase,
        )

    def tick(self, time_ms: int, phase: Phase = "live") -> None:
        """Process one tick on all shards, then in the learner."""
        tick = self.next_tick(time_ms, phase)
        for shard in self.shards:
            self.turn(shard, tick)
        self.learn(tick.number)

    def learn(self, number: int) -> None:
        """Let the learner process a tick that every shard has finished."""
        matured: list[Example] = []
        completed: list[TickCompleted] = []
        for entry in self._sent():
            if entry.topic == EXAMPLES_TOPIC:
                record = decode_example(entry.event)
                if isinstance(record, Example):
                    matured.append(record)
                else:
                    completed.append(record)
            else:
                self.emitted.append(entry)
        self.examples.extend(matured)
        passed = pass_tick(self.knowledge, number, {}, matured, self.rules, FEATURES, completed)
        self.knowledge = passed.knowledge
        if passed.published is not None:
            self.scorers[self.knowledge.version] = self._compiled(unseal(passed.published))
        for signal in passed.signals:
            self.signals.append(signal)
            emission = model_signal(signal, number, self.rules.digest())
            value = encode_emission(emission, f"learner:{len(self.signals):016d}")
            self.emitted.append(Entry(emission.topic, emission.subject.encode(), value))

    def _compiled(self, version: Version) -> dict[str, Scorer]:
        return compile_version(version, self.rules, FEATURES.digest)

    def _sent(self) -> Iterable[Entry]:
        for shard in self.shards:
            yield from shard.outbox
            shard.outbox.clear()
