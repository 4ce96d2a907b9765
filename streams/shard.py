"""One shard's share of the log: records and ticks in, one commit's content out.

The shell reads a run of touchpoints, or one chunk of a tick, loads the states it names, and hands
both here. What comes back is everything that one atomic commit writes. Pure, so batches do not
show.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from touchstream.schemas.dead_letter import DeadLetter, DeadStep, encode_letter
from touchstream.schemas.emissions.envelope import Emission, encode_emission
from touchstream.schemas.examples import Example, Passed, encode_example
from touchstream.schemas.tick import InForce, Tick
from touchstream.schemas.topics import DEAD_LETTERS_TOPIC, EXAMPLES_TOPIC, TOUCHPOINTS_TOPIC
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.emit.identity import pseudonym
from touchstream.streams.intake.decode import Arrival, Origin, decode
from touchstream.streams.learn.ledger import RECOMMENDED, Matured
from touchstream.streams.models import Models
from touchstream.streams.outbox import Entry, encode_entry
from touchstream.streams.outcome import Drop, Reject
from touchstream.streams.records import Record
from touchstream.streams.state import State
from touchstream.streams.state import decode as decode_state
from touchstream.streams.state import encode as encode_state
from touchstream.streams.step import Step, Wake, advance_all

FORMAT = 1


class Standing(Struct, kw_only=True, omit_defaults=True):
    """A shard's own record: where it stands in the log, and what it counts.

    Mutable only while a work is made.
    """

    format: int = FORMAT
    tick: int = 0
    """The last tick that is finished."""
    clock_ms: Millis | None = None
    """Its time, or that of the one under way."""
    in_force: InForce | None = None
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


class LetterLimit(NamedTuple):
    """More than ``letters`` dead letters among ``window`` records stop the shard; 0: never."""

    letters: int
    window: int


class TooManyLetters(Exception):
    """A producer sends poison in bulk: the shard stops before it commits, until somebody looked."""


class Run(NamedTuple):
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


class Turn(NamedTuple):
    """One tick."""

    tick: Tick
    offset: int


class Work(NamedTuple):
    """What one commit writes."""

    standing: Standing
    states: dict[str, bytes | None]
    due: dict[str, int | None]
    outbox: list[tuple[int, bytes]]


def cut(records: Sequence[Record], origin: Origin) -> Iterator[Run | Turn]:
    """Decode a batch and cut it at its ticks: a tick is a commit of its own."""
    run: list[tuple[Record, Arrival | Reject | Drop]] = []
    for record in records:
        found = decode(record, origin)
        if isinstance(found, Tick):
            if run:
                yield Run(run)
                run = []
            yield Turn(found, record.offset)
        else:
            run.append((record, found))
    if run:
        yield Run(run)


def take_run(
    before: Standing,
    shard: str,
    partition: int,
    run: Run,
    states: Mapping[str, bytes | None],
    models: Models,
    limit: LetterLimit,
) -> Work:
    """Apply a run of touchpoints in order; raises :class:`TooManyLetters` past the limit."""
    making = _Making(before, shard, states, models)
    steps = _steps(run, making, models)
    for place, (record, found) in enumerate(run.records):
        making.standing.taken += 1
        match found:
            case Arrival():
                subject, step = found.event.subject, steps[place]
                if step.refused is None:
                    making.keep(subject, step, 0)
                else:
                    making.dead_letter(record, partition, "profiles", step.refused)
            case Reject():
                making.dead_letter(record, partition, "intake", found)
            case Drop(reason):
                making.count("dropped", f"dropped.{reason}")
        _check_limit(making.standing, limit, shard)
    return making.work()


def _steps(run: Run, making: "_Making", models: Models) -> dict[int, Step]:
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
            state = states[subject] if subject in states else making.state(subject)
            them.append((state, found, record.received_ms))
        for place, (_, found, _), step in zip(places, them, advance_all(them, models), strict=True):
            steps[place] = step
            states[found.event.subject] = step.state
    return steps


def adopt(before: Standing, tick: Tick) -> Standing:
    """The standing with the tick's time and what it puts in force; the first thing a tick does."""
    after = _copy(before)
    after.in_force = tick.in_force
    after.clock_ms = max(tick.time_ms, before.clock_ms or tick.time_ms)
    return after


def take_turn(
    adopted: Standing,
    shard: str,
    tick: Tick,
    customers: Sequence[str],
    states: Mapping[str, bytes | None],
    models: Models,
    *,
    last: bool,
) -> Work:
    """Wake ``customers`` (in the order of the store); the ``last`` chunk finishes the tick."""
    making = _Making(adopted, shard, states, models)
    now_ms = adopted.clock_ms or tick.time_ms
    wakes = [Wake(CustomerId(customer), tick.number, now_ms) for customer in customers]
    them = [(making.state(wake.subject), wake, now_ms) for wake in wakes]
    for wake, step in zip(wakes, advance_all(them, models), strict=True):
        making.keep(wake.subject, step, tick.number)
    if last:
        making.standing.tick = tick.number
        making.passed(tick.number)
    return making.work()


class _Making:
    """The work while it is being made."""

    def __init__(
        self, before: Standing, shard: str, loaded: Mapping[str, bytes | None], models: Models
    ) -> None:
        self.standing = _copy(before)
        self._shard = shard
        self._loaded = loaded
        self._models = models
        self._now: dict[str, State | None] = {}
        self._changed: set[str] = set()
        self._due: dict[str, int | None] = {}
        self._outbox: list[tuple[int, bytes]] = []

    def state(self, customer: str) -> State | None:
        if customer not in self._now:
            data = self._loaded[customer]
            self._now[customer] = None if data is None else decode_state(data)
        return self._now[customer]

    def keep(self, customer: CustomerId, step: Step, tick: int) -> None:
        before = self.state(customer)
        if step.state is not before:
            self._now[customer] = step.state
            self._changed.add(customer)
        if tick or step.wake_at != (None if before is None else before.wake_at_ms):
            self._due[customer] = step.wake_at  # after a tick always, or it would be woken again
        self.count(*step.counters)
        for emission in step.emissions:
            self._emit(emission)
        for matured in step.examples:
            self._example(customer, matured, tick)

    def count(self, *names: str) -> None:
        counters = self.standing.counters
        for name in names:
            counters[name] = counters.get(name, 0) + 1

    def dead_letter(self, record: Record, partition: int, step: DeadStep, why: Reject) -> None:
        self.count("dead", f"dead.{why.reason}")
        self.standing.recent_dead.append(self.standing.taken)
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
        passed = Passed(shard=self._shard, sequence=self._sequence(EXAMPLES_TOPIC), tick=tick)
        self._put(Entry(EXAMPLES_TOPIC, None, encode_example(passed), partition=0))

    def work(self) -> Work:
        states = {
            customer: None if state is None else encode_state(state)
            for customer, state in self._now.items()
            if customer in self._changed
        }
        return Work(self.standing, states, self._due, self._outbox)

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
            offered=row.offered,
            recommended=bool(row.marks & RECOMMENDED),
            late=matured.late,
        )
        self.count("examples")
        self._put(Entry(EXAMPLES_TOPIC, None, encode_example(example), partition=0))

    def _sequence(self, topic: str) -> int:
        sequences = self.standing.sequences
        sequences[topic] = sequences.get(topic, 0) + 1
        return sequences[topic]

    def _put(self, entry: Entry) -> None:
        self.standing.sent += 1
        self._outbox.append((self.standing.sent, encode_entry(entry)))


def _check_limit(standing: Standing, limit: LetterLimit, shard: str) -> None:
    recent = standing.recent_dead
    while recent and recent[0] <= standing.taken - limit.window:
        del recent[0]
    if limit.letters and len(recent) > limit.letters:
        raise TooManyLetters(
            f"shard {shard}: more than {limit.letters} dead letters among the last {limit.window} "
            "records; look at the topic dead-letters, mend the producer, "
            "or raise worker.dead_letter_limit"
        )


def _copy(standing: Standing) -> Standing:
    return msgspec.structs.replace(
        standing,
        sequences=dict(standing.sequences),
        counters=dict(standing.counters),
        recent_dead=list(standing.recent_dead),
    )


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Standing)


def encode_standing(standing: Standing) -> bytes:
    """Bytes for the store; readable, because operators look at them."""
    return _encoder.encode(standing)


def decode_standing(data: bytes | None) -> Standing:
    """Read :func:`encode_standing` back; a shard that never committed stands at the beginning."""
    return Standing() if data is None else _decoder.decode(data)
