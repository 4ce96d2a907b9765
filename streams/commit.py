"""The content of one atomic commit, built from the steps of a batch."""

import base64
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from touchstream.schemas.dead_letter import DeadLetter, DeadStep, encode_letter
from touchstream.schemas.emissions.envelope import Emission, encode_emission, tombstone_headers
from touchstream.schemas.examples import Example, TickCompleted, encode_example
from touchstream.schemas.topics import DEAD_LETTERS_TOPIC, EXAMPLES_TOPIC, TOUCHPOINTS_TOPIC
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.checkpoint import ShardCheckpoint, copy
from touchstream.streams.context import ServingContext
from touchstream.streams.customer import Step
from touchstream.streams.emit.identity import pseudonym
from touchstream.streams.intake.misspelt import count_misspelt
from touchstream.streams.intake.unknown_fields import WITH_UNKNOWN_FIELDS, keep_few
from touchstream.streams.learn.ledger import RECOMMENDED, Matured
from touchstream.streams.measures.tally import Tally, expired
from touchstream.streams.outbox import Entry, encode_entry
from touchstream.streams.outcome import Drop, Reject
from touchstream.streams.projections.projection import RiskStep
from touchstream.streams.records import Record
from touchstream.streams.state import State
from touchstream.streams.state import decode as decode_state
from touchstream.streams.state import encode as encode_state


class CommitBatch(NamedTuple):
    """Everything that one commit writes."""

    checkpoint: ShardCheckpoint
    states: dict[str, bytes | None]
    timers: dict[str, int | None]
    outbox: list[tuple[int, bytes]]
    measures: Mapping[str, Mapping[str, int]] = {}
    """Bucket -> field -> increment."""
    expired_measures: Sequence[str] = ()
    """Buckets to delete before any increment."""
    indexes: Mapping[str, Mapping[str, float | None]] = {}
    """Index -> customer -> score; None takes the customer out of it."""


class CommitBuilder:
    """Collects the steps of a batch into one commit."""

    def __init__(
        self,
        before: ShardCheckpoint,
        shard: str,
        loaded: Mapping[str, bytes | None],
        serving: ServingContext,
    ) -> None:
        self.checkpoint = copy(before)
        self._shard = shard
        self._loaded = loaded
        self._serving = serving
        self._now: dict[str, State | None] = {}
        self._changed: set[str] = set()
        self._timers: dict[str, int | None] = {}
        self._outbox: list[tuple[int, bytes]] = []
        self._tally = Tally()
        self._indexes: dict[str, dict[str, float | None]] = {}
        self._with_unknown_fields = before.counters.get(WITH_UNKNOWN_FIELDS)

    def state(self, customer: str) -> State | None:
        # Decoded once per batch, however many events of the customer it holds.
        if customer not in self._now:
            data = self._loaded[customer]
            self._now[customer] = None if data is None else decode_state(data)
        return self._now[customer]

    def keep(self, customer: CustomerId, step: Step, tick: int, now_ms: Millis) -> None:
        before = self.state(customer)
        # Rejected and dropped events return the same object, which is not written again.
        if step.state is not before:
            self._now[customer] = step.state
            self._changed.add(customer)
        # After a tick always: a timer that stays in the store would fire again.
        if tick or step.next_timer != (None if before is None else before.next_timer_ms):
            self._timers[customer] = step.next_timer
        # The last step of a batch counts.
        for index, score in step.indexes.items():
            self._indexes.setdefault(index, {})[customer] = score
        self.count(*step.counters)
        watermark_ms = self.checkpoint.watermark_ms
        self._tally.add(step.measures, now_ms if watermark_ms is None else watermark_ms)
        for emission in step.emissions:
            self._emit(emission)
        for matured in step.examples:
            self._example(customer, matured, tick)
        if step.risk_flow is not None:
            self._count_flow(step.risk_flow)

    def _count_flow(self, flow: RiskStep) -> None:
        """Count a rise of the risk for bands by capacity; integers, so batches do not show."""
        checkpoint, rises = self.checkpoint, self.checkpoint.rises
        checkpoint.entered += flow.entered
        checkpoint.scored += flow.rise is not None
        if flow.rise is not None and flow.rise[0] != flow.rise[1]:
            for place, amount in zip(map(str, flow.rise), (1, -1), strict=True):
                rises[place] = rises.get(place, 0) + amount

    def count(self, *names: str) -> None:
        counters = self.checkpoint.counters
        for name in names:
            counters[name] = counters.get(name, 0) + 1

    def drop(self, dropped: Drop) -> None:
        self.count("dropped", f"dropped.{dropped.reason}")
        if dropped.suggestion is not None:
            count_misspelt(self.checkpoint.misspelt_types, dropped.suggestion)

    def dead_letter(self, record: Record, partition: int, step: DeadStep, why: Reject) -> None:
        self.count("dead", f"dead.{why.reason}")
        self.checkpoint.recent_dead.append(self.checkpoint.taken)
        letter = DeadLetter(
            original=record.value,
            key=record.key,
            original_headers=record.headers,
            topic=TOUCHPOINTS_TOPIC,
            partition=partition,
            offset=record.offset,
            step=step,
            reason=why.reason,
            detail=why.detail,
        )
        laid_out = encode_letter(letter)
        self._put(Entry(DEAD_LETTERS_TOPIC, laid_out.key, laid_out.value, tuple(laid_out.headers)))

    def passed(self, tick: int, time_ms: Millis) -> None:
        checkpoint = self.checkpoint
        passed = TickCompleted(
            shard=self._shard,
            sequence=self._sequence(EXAMPLES_TOPIC),
            tick=tick,
            time_ms=time_ms,
            scored=checkpoint.scored,
            entered=checkpoint.entered,
            history=checkpoint.phase == "history",
            rises={place: count for place, count in sorted(checkpoint.rises.items()) if count},
        )
        checkpoint.scored, checkpoint.entered, checkpoint.rises = 0, 0, {}
        # Tells the learner that the shard has sent all examples of the tick.
        self._put(Entry(EXAMPLES_TOPIC, None, encode_example(passed), partition=0))

    def commit_batch(self) -> CommitBatch:
        states = {
            customer: None if state is None else encode_state(state)
            for customer, state in self._now.items()
            if customer in self._changed
        }
        counters = self.checkpoint.counters
        if counters.get(WITH_UNKNOWN_FIELDS) != self._with_unknown_fields:
            keep_few(counters)
        gone = self._expire_measures()
        buckets = self._tally.buckets()
        return CommitBatch(
            self.checkpoint, states, self._timers, self._outbox, buckets, gone, self._indexes
        )

    def _expire_measures(self) -> list[str]:
        """Drop the days whose retention ended before the watermark."""
        oldest_days = self._tally.oldest_days()
        for retention, day in self.checkpoint.measured_since.items():
            oldest_days[retention] = min(day, oldest_days.get(retention, day))
        gone, self.checkpoint.measured_since = expired(oldest_days, self.checkpoint.watermark_ms)
        return gone

    def _emit(self, emission: Emission) -> None:
        # The state remembers it as emitted: nobody wants alarms about the past.
        if self.checkpoint.phase == "history":
            self.count("withheld")
            return
        self.count(f"emitted.{emission.type}")
        # Padded, so that the sequences of a shard and topic also sort as text.
        sequence = f"{self._shard}:{self._sequence(emission.topic):016d}"
        key = emission.subject.encode()
        if emission.data is None:
            headers = tombstone_headers(emission, sequence)
            self._put(Entry(emission.topic, key, None, headers))
        else:
            self._put(Entry(emission.topic, key, encode_emission(emission, sequence)))

    def _example(self, customer: str, matured: Matured, tick: int) -> None:
        row = matured.snapshot
        example = Example(
            shard=self._shard,
            sequence=self._sequence(EXAMPLES_TOPIC),
            tick=tick,
            # The topic is kept for ever, so it must not hold customers' ids.
            customer=pseudonym(customer, self._serving.rules.seed),
            at_ms=row.at_ms,
            matured_ms=matured.matured_ms,
            label=matured.label,
            treated=matured.treated,
            probability=row.risk,
            model_version=row.model_version,
            features=row.features,
            vector=base64.b64encode(row.vector).decode(),
            target=matured.target,
            offer_probability=row.offer_probability,
            recommended=bool(row.outcome_flags & RECOMMENDED),
            late=matured.late,
        )
        self.count("examples")
        self._put(Entry(EXAMPLES_TOPIC, None, encode_example(example), partition=0))

    def _sequence(self, topic: str) -> int:
        sequences = self.checkpoint.sequences
        sequences[topic] = sequences.get(topic, 0) + 1
        return sequences[topic]

    def _put(self, entry: Entry) -> None:
        self.checkpoint.sent += 1
        self._outbox.append((self.checkpoint.sent, encode_entry(entry)))
