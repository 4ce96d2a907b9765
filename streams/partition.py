"""Batch processing of one partition: records and ticks in, commits out.

The shell reads a batch of touchpoints, or one chunk of a tick, loads the states it names, and
passes both in. The result is the content of one atomic commit. All functions are pure, and results
do not depend on batch boundaries.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from touchstream.schemas.event_types import own_types
from touchstream.schemas.rules import Rules
from touchstream.schemas.tick import Tick
from touchstream.schemas.units import CustomerId
from touchstream.streams.checkpoint import ShardCheckpoint, copy
from touchstream.streams.commit import CommitBatch, CommitBuilder
from touchstream.streams.context import ServingContext
from touchstream.streams.customer import Step, advance_all
from touchstream.streams.intake.decode import Arrival, Origin, Unresolved, classify, resolve
from touchstream.streams.intake.log_phase import LogPhase
from touchstream.streams.outcome import Drop, Reject
from touchstream.streams.projections.projection import TimerFired
from touchstream.streams.records import Record
from touchstream.streams.state import State

LIVE = LogPhase()


class LetterLimit(NamedTuple):
    """More than ``letters`` dead letters among ``window`` records stop the shard; 0: never."""

    letters: int
    window: int


class TooManyLetters(Exception):
    """A producer sends invalid records in bulk: the shard stops before it commits."""


class EventBatch(NamedTuple):
    """Decoded records up to the next tick."""

    records: Sequence[tuple[Record, Arrival | Reject | Drop]]
    unresolved: Mapping[int, Unresolved] = {}
    """Place -> the touchpoint there, of a type that is not built in; ``records`` drop it."""

    def customers(self) -> list[CustomerId]:
        """Customers whose states are needed, each once."""
        found = (found for _, found in self.records)
        subjects = dict.fromkeys(a.event.subject for a in found if isinstance(a, Arrival))
        if self.unresolved:
            subjects |= dict.fromkeys(one.subject for one in self.unresolved.values())
        return list(subjects)

    def resolved(self, rules: Rules) -> "EventBatch":
        """The batch with the types that the rules add."""
        if not self.unresolved:
            return self
        own, records = own_types(rules.event_types), list(self.records)
        for place, found in self.unresolved.items():
            records[place] = (records[place][0], resolve(found, own))
        return EventBatch(records)

    @property
    def next_offset(self) -> int:
        """Offset of the next record."""
        return self.records[-1][0].offset + 1


class TickBatch(NamedTuple):
    """One tick."""

    tick: Tick
    offset: int


def split_at_ticks(
    records: Sequence[Record], origin: Origin, before: LogPhase = LIVE
) -> Iterator[EventBatch | TickBatch]:
    """Decode a batch and split it at its ticks: a tick is a commit of its own.

    ``before`` is the phase of the log where the batch begins.
    """
    log_phase = before
    run: list[tuple[Record, Arrival | Reject | Drop]] = []
    unresolved: dict[int, Unresolved] = {}
    for stored in records:
        record = log_phase.stamped(stored)
        found = classify(record, origin)
        if isinstance(found, Arrival):  # first, because almost every record is one
            run.append((record, found))
        elif isinstance(found, Tick):
            if run:
                yield EventBatch(run, unresolved)
                run, unresolved = [], {}
            yield TickBatch(found, record.offset)
            log_phase = log_phase.after(found)
        elif isinstance(found, Unresolved):
            unresolved[len(run)] = found
            run.append((record, _UNKNOWN_TYPE))
        else:
            run.append((record, found))
    if run:
        yield EventBatch(run, unresolved)


_UNKNOWN_TYPE = Drop("unknown_type")


def apply_event_batch(
    before: ShardCheckpoint,
    shard: str,
    partition: int,
    run: EventBatch,
    states: Mapping[str, bytes | None],
    serving: ServingContext,
    limit: LetterLimit,
) -> CommitBatch:
    """Apply a batch of touchpoints in order; raises :class:`TooManyLetters` past the limit."""
    run = run.resolved(serving.rules)
    builder = CommitBuilder(before, shard, states, serving)
    steps = _steps(run, builder, serving)
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
            case Drop():
                builder.drop(found)
        # After every record: by the end of a batch early letters may have left the window.
        _check_limit(builder.checkpoint, limit, shard)
    return builder.commit_batch()


def _steps(run: EventBatch, builder: "CommitBuilder", serving: ServingContext) -> dict[int, Step]:
    """The steps of a batch by place, computed in waves: first events, then second ones, and so on.

    A wave has one event per customer, so order is kept and the models are called once per wave.
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
            assert isinstance(found, Arrival)  # by construction of waves
            subject = found.event.subject
            state = states[subject] if subject in states else builder.state(subject)
            them.append((state, found, record.received_ms))
        for place, (_, found, _), step in zip(
            places, them, advance_all(them, serving), strict=True
        ):
            steps[place] = step
            # The customer's next event is in the next wave, before any commit.
            states[found.event.subject] = step.state
    return steps


def adopt(before: ShardCheckpoint, tick: Tick) -> ShardCheckpoint:
    """The checkpoint with the tick's time and configuration; the first stage of a tick."""
    after = copy(before)
    after.active_config = tick.active_config
    # The watermark never goes back, even if the learner's clock does.
    after.watermark_ms = max(tick.time_ms, before.watermark_ms or tick.time_ms)
    return after


def apply_tick(
    adopted: ShardCheckpoint,
    shard: str,
    tick: Tick,
    customers: Sequence[str],
    states: Mapping[str, bytes | None],
    serving: ServingContext,
    *,
    last: bool,
) -> CommitBatch:
    """Wake ``customers`` (in the order of the store); the ``last`` chunk finishes the tick."""
    builder = CommitBuilder(adopted, shard, states, serving)
    now_ms = adopted.watermark_ms or tick.time_ms
    all_fired = [TimerFired(CustomerId(customer), tick.number, now_ms) for customer in customers]
    them = [(builder.state(fired.subject), fired, now_ms) for fired in all_fired]
    for fired, step in zip(all_fired, advance_all(them, serving), strict=True):
        builder.keep(fired.subject, step, tick.number, now_ms)
    # Only after the last chunk: a crash in between must resume the tick.
    if last:
        builder.passed(tick.number, now_ms)
        builder.checkpoint.tick = tick.number
        # Only now: what a tick finds belongs to the phase before it.
        builder.checkpoint.phase = tick.phase
    return builder.commit_batch()


def _check_limit(checkpoint: ShardCheckpoint, limit: LetterLimit, shard: str) -> None:
    recent = checkpoint.recent_dead
    while recent and recent[0] <= checkpoint.taken - limit.window:
        del recent[0]
    if limit.letters and len(recent) > limit.letters:
        raise TooManyLetters(
            f"shard {shard}: more than {limit.letters} dead letters among the last {limit.window} "
            "records; look at the topic dead-letters, fix the producer, "
            "or raise worker.dead_letter_limit"
        )
