"""One shard's share of the log: records and ticks in, one commit's content out.

The shell reads a run of touchpoints, or one chunk of a tick, loads the states it names, and hands
both here. What comes back is everything that one atomic commit writes. Pure, so batches do not
show.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from touchstream.schemas.dead_letter import DeadLetter, DeadStep, encode_letter
from touchstream.schemas.emissions.envelope import Emission, encode_emission
from touchstream.schemas.examples import Example, TickCompleted, encode_example
from touchstream.schemas.tick import ActiveConfig, Tick
from touchstream.schemas.topics import DEAD_LETTERS_TOPIC, EXAMPLES_TOPIC, TOUCHPOINTS_TOPIC
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.context import ServingContext
from touchstream.streams.emit.identity import pseudonym
from touchstream.streams.intake.decode import Arrival, Origin, decode
from touchstream.streams.learn.ledger import RECOMMENDED, Matured
from touchstream.streams.measures.tally import Tally, expired
from touchstream.streams.outbox import Entry, encode_entry
from touchstream.streams.outcome import Drop, Reject
from touchstream.streams.records import Record
from touchstream.streams.state import State
from touchstream.streams.state import decode as decode_state
from touchstream.streams.state import encode as encode_state
from touchstream.streams.step import Step, TimerFired, advance_all

FORMAT = 2


class ShardCheckpoint(Struct, kw_only=True, omit_defaults=True):
    """A shard's own record: where it stands in the log, and what it counts.

    Mutable only while a work is made.
    """

    format: int = FORMAT
    tick: int = 0
    """The last tick that is finished."""
    watermark_ms: Millis | None = None
    """Its time, or that of the one under way."""
    active_config: ActiveConfig | None = None
    """What the last tick put in force; None before the first."""
    sent: int = 0
    """Number of the newest outbox entry."""
    sequences: dict[str, int] = {}
    """Topic -> sequence of the newest record for it."""
    counters: dict[str, int] = {}
    taken: int = 0
    """Records other than ticks so far."""
    recent_dead: list[int] = []
    """``taken`` at each dead letter that is still in the window."""
    measured_since: dict[str, int] = {}
    """Retention of measures (days) -> the oldest day (since 1970-01-01) that may have any."""


class LetterLimit(NamedTuple):
    """More than ``letters`` dead letters among ``window`` records stop the shard; 0: never."""

    letters: int
    window: int


class TooManyLetters(Exception):
    """A producer sends poison in bulk: the shard stops before it commits, until somebody looked."""


class EventBatch(NamedTuple):
    """Touchpoints, and what is none, up to the next tick."""

    records: Sequence[tuple[Record, Arrival | Reject | Drop]]

    def customers(self) -> list[CustomerId]:
        """Whose states it needs, each once."""
        found = (found for _, found in self.records)
        return list(dict.fromkeys(a.event.subject for a in found if isinstance(a, Arrival)))

    @property
    def next_offset(self) -> int:
        """Where the log goes on."""
        return self.records[-1][0].offset + 1


class TickBatch(NamedTuple):
    """One tick."""

    tick: Tick
    offset: int


class CommitBatch(NamedTuple):
    """What one commit writes."""

    checkpoint: ShardCheckpoint
    states: dict[str, bytes | None]
    timers: dict[str, int | None]
    outbox: list[tuple[int, bytes]]
    measures: Mapping[str, Mapping[str, int]] = {}
    """Bucket -> field -> what is added to it."""
    expired_measures: Sequence[str] = ()
    """Buckets that are deleted whole, before anything is added."""


def split_at_ticks(records: Sequence[Record], origin: Origin) -> Iterator[EventBatch | TickBatch]:
    """Decode a batch and cut it at its ticks: a tick is a commit of its own."""
    run: list[tuple[Record, Arrival | Reject | Drop]] = []
    for record in records:
        found = decode(record, origin)
        if isinstance(found, Tick):
            if run:
                yield EventBatch(run)
                run = []
            yield TickBatch(found, record.offset)
        else:
            run.append((record, found))
    if run:
        yield EventBatch(run)


def apply_event_batch(
    before: ShardCheckpoint,
    shard: str,
    partition: int,
    run: EventBatch,
    states: Mapping[str, bytes | None],
    models: ServingContext,
    limit: LetterLimit,
) -> CommitBatch:
    """Apply a run of touchpoints in order; raises :class:`TooManyLetters` past the limit."""
    builder = CommitBuilder(before, shard, states, models)
    steps = _steps(run, builder, models)
    for place, (record, found) in enumerate(run.records):
        builder.checkpoint.taken += 1
        match found:
            case Arrival():
                subject, step = found.event.subject, steps[place]
                if step.refused is None:
                    builder.keep(subject, step, 0, record.received_ms)
                else:
                    builder.dead_letter(record, partition, "profiles", step.refused)
            case Reject():
                builder.dead_letter(record, partition, "intake", found)
            case Drop(reason):
                builder.count("dropped", f"dropped.{reason}")
        _check_limit(builder.checkpoint, limit, shard)
    return builder.commit_batch()


def _steps(run: EventBatch, builder: "CommitBuilder", models: ServingContext) -> dict[int, Step]:
    """The steps of a run by place: first each customer's first event, then their second ones.

    So a customer's events stay in order, and the model's arithmetic is done for many at once.
    """
    waves: list[list[int]] = []
    met: dict[CustomerId, int] = {}
    for place, (_, found) in enumerate(run.records):
        if isinstance(found, Arrival):
            subject = found.event.subject
            wave = met[subject] = met.get(subject, -1) + 1
            if wave == len(waves):
                waves.append([])
            waves[wave].append(place)
    steps: dict[int, Step] = {}
    states: dict[CustomerId, State | None] = {}
    for places in waves:
        them = []
        for place in places:
            record, found = run.records[place]
            assert isinstance(found, Arrival)  # waves are made of nothing else
            subject = found.event.subject
            state = states[subject] if subject in states else builder.state(subject)
            them.append((state, found, record.received_ms))
        for place, (_, found, _), step in zip(places, them, advance_all(them, models), strict=True):
            steps[place] = step
            states[found.event.subject] = step.state
    return steps


def adopt(before: ShardCheckpoint, tick: Tick) -> ShardCheckpoint:
    """The standing with the tick's time and what it puts in force; the first thing a tick does."""
    after = _copy(before)
    after.active_config = tick.active_config
    after.watermark_ms = max(tick.time_ms, before.watermark_ms or tick.time_ms)
    return after


def apply_tick(
    adopted: ShardCheckpoint,
    shard: str,
    tick: Tick,
    customers: Sequence[str],
    states: Mapping[str, bytes | None],
    models: ServingContext,
    *,
    last: bool,
) -> CommitBatch:
    """Wake ``customers`` (in the order of the store); the ``last`` chunk finishes the tick."""
    builder = CommitBuilder(adopted, shard, states, models)
    now_ms = adopted.watermark_ms or tick.time_ms
    timers = [TimerFired(CustomerId(customer), tick.number, now_ms) for customer in customers]
    them = [(builder.state(fired.subject), fired, now_ms) for fired in timers]
    for fired, step in zip(timers, advance_all(them, models), strict=True):
        builder.keep(fired.subject, step, tick.number, now_ms)
    if last:
        builder.checkpoint.tick = tick.number
        builder.passed(tick.number)
    return builder.commit_batch()


class CommitBuilder:
    """The work while it is being made."""

    def __init__(
        self,
        before: ShardCheckpoint,
        shard: str,
        loaded: Mapping[str, bytes | None],
        models: ServingContext,
    ) -> None:
        self.checkpoint = _copy(before)
        self._shard = shard
        self._loaded = loaded
        self._models = models
        self._now: dict[str, State | None] = {}
        self._changed: set[str] = set()
        self._timers: dict[str, int | None] = {}
        self._outbox: list[tuple[int, bytes]] = []
        self._tally = Tally()

    def state(self, customer: str) -> State | None:
        if customer not in self._now:
            data = self._loaded[customer]
            self._now[customer] = None if data is None else decode_state(data)
        return self._now[customer]

    def keep(self, customer: CustomerId, step: Step, tick: int, now_ms: Millis) -> None:
        before = self.state(customer)
        if step.state is not before:
            self._now[customer] = step.state
            self._changed.add(customer)
        if tick or step.next_timer != (None if before is None else before.next_timer_ms):
            self._timers[customer] = (
                step.next_timer
            )  # after a tick always, or it would be woken again
        self.count(*step.counters)
        watermark_ms = self.checkpoint.watermark_ms
        self._tally.add(step.measures, now_ms if watermark_ms is None else watermark_ms)
        for emission in step.emissions:
            self._emit(emission)
        for matured in step.examples:
            self._example(customer, matured, tick)

    def count(self, *names: str) -> None:
        counters = self.checkpoint.counters
        for name in names:
            counters[name] = counters.get(name, 0) + 1

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

    def passed(self, tick: int) -> None:
        passed = TickCompleted(
            shard=self._shard, sequence=self._sequence(EXAMPLES_TOPIC), tick=tick
        )
        self._put(Entry(EXAMPLES_TOPIC, None, encode_example(passed), partition=0))

    def commit_batch(self) -> CommitBatch:
        states = {
            customer: None if state is None else encode_state(state)
            for customer, state in self._now.items()
            if customer in self._changed
        }
        gone = self._expire_measures()
        buckets = self._tally.buckets()
        return CommitBatch(self.checkpoint, states, self._timers, self._outbox, buckets, gone)

    def _expire_measures(self) -> list[str]:
        """Drop the days that the watermark has left behind by their retention."""
        oldest_days = self._tally.oldest_days()
        for retention, day in self.checkpoint.measured_since.items():
            oldest_days[retention] = min(day, oldest_days.get(retention, day))
        gone, self.checkpoint.measured_since = expired(oldest_days, self.checkpoint.watermark_ms)
        return gone

    def _emit(self, emission: Emission) -> None:
        self.count(f"emitted.{emission.type}")
        sequence = f"{self._shard}:{self._sequence(emission.topic):016d}"
        value = encode_emission(emission, sequence)
        self._put(Entry(emission.topic, emission.subject.encode(), value))

    def _example(self, customer: str, matured: Matured, tick: int) -> None:
        row = matured.snapshot
        example = Example(
            shard=self._shard,
            sequence=self._sequence(EXAMPLES_TOPIC),
            tick=tick,
            customer=pseudonym(customer, self._models.rules.seed),
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


def _check_limit(checkpoint: ShardCheckpoint, limit: LetterLimit, shard: str) -> None:
    recent = checkpoint.recent_dead
    while recent and recent[0] <= checkpoint.taken - limit.window:
        del recent[0]
    if limit.letters and len(recent) > limit.letters:
        raise TooManyLetters(
            f"shard {shard}: more than {limit.letters} dead letters among the last {limit.window} "
            "records; look at the topic dead-letters, mend the producer, "
            "or raise worker.dead_letter_limit"
        )


def _copy(checkpoint: ShardCheckpoint) -> ShardCheckpoint:
    return msgspec.structs.replace(
        checkpoint,
        sequences=dict(checkpoint.sequences),
        counters=dict(checkpoint.counters),
        recent_dead=list(checkpoint.recent_dead),
    )


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(ShardCheckpoint)


def encode_checkpoint(checkpoint: ShardCheckpoint) -> bytes:
    """Bytes for the store; readable, because operators look at them."""
    return _encoder.encode(checkpoint)


def decode_checkpoint(data: bytes | None) -> ShardCheckpoint:
    """Read :func:`encode_standing` back; a shard that never committed stands at the beginning."""
    if data is None:
        return ShardCheckpoint()
    if any(name in data for name in _NAMES_OF_1):
        fields = msgspec.json.decode(data, type=dict[str, Any])
        fields |= {
            "format": FORMAT,
            **{new: fields.pop(old) for old, new in _RENAMED if old in fields},
        }
        return msgspec.convert(fields, ShardCheckpoint)
    return _decoder.decode(data)


_RENAMED = (("clock_ms", "watermark_ms"), ("in_force", "active_config"))
_NAMES_OF_1 = tuple(f'"{old}":'.encode() for old, _ in _RENAMED)
