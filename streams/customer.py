"""The processing loop: one event or tick applied to one customer.

    advance(state, event, serving, now_ms) -> Step(state, emissions, next_timer, examples, ...)

A touchpoint passes lateness -> duplicates -> tombstone -> fold -> projections -> scores ->
decision. A tick passes expiry of remembered ids -> projections whose timer has passed -> scores ->
decision. The customer's next timer is the earliest of all projections' timers.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.touchpoints.customers import CustomerErased
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.context import ServingContext
from touchstream.streams.decide.arbitration import Candidate, arbitrate
from touchstream.streams.emit.action import action_recommended
from touchstream.streams.intake.clock import too_late
from touchstream.streams.intake.decode import Arrival
from touchstream.streams.intake.memory import (
    NOTHING_REMEMBERED,
    Memory,
    forget_before,
    recall,
    remember,
)
from touchstream.streams.intake.unknown_fields import WITH_UNKNOWN_FIELDS, counters_of
from touchstream.streams.learn.ledger import Matured, is_activity
from touchstream.streams.measures.activity import count_event
from touchstream.streams.measures.metric import Measure
from touchstream.streams.outcome import Drop, Reject
from touchstream.streams.profiles.fold import fold, forget_old
from touchstream.streams.projections.projection import (
    TOMBSTONE,
    Context,
    RiskStep,
    ScoreRequest,
    TimerFired,
    Trigger,
    Update,
)
from touchstream.streams.projections.registered import Registered
from touchstream.streams.projections.registry import (
    BY_NAME,
    CONCLUDING,
    DECIDED,
    LISTENERS,
    NUMBERS,
    OWN_LISTENERS,
    REGISTERED,
    SCORED,
    last_recommended,
)
from touchstream.streams.projections.slots import Slots
from touchstream.streams.scoring import Scored, score_all
from touchstream.streams.state import UNSEEN, IntakeCounts, Slot, State


class Step(Struct, frozen=True, gc=False):
    """The result of one event or tick for one customer."""

    state: State | None
    """None: the customer's state is deleted."""
    emissions: Sequence[Emission] = ()
    next_timer: Millis | None = None
    """The first tick at or after this moment wakes the customer; None: no tick does."""
    examples: Sequence[Matured] = ()
    counters: Sequence[str] = ()
    refused: Reject | None = None
    """The event becomes a dead letter; the state is unchanged."""
    measures: Sequence[Measure] = ()
    risk_flow: RiskStep | None = None
    indexes: Mapping[str, float | None] = {}
    """Index -> the customer's score in it; None takes the customer out of it."""


class Underway(Struct, gc=False):
    """A step in progress: the trigger is applied, predictions are pending."""

    trigger: Trigger
    ctx: Context
    memory: Memory
    erased_ms: Millis | None
    counts: IntakeCounts | None
    counters: Sequence[str]
    emissions: Sequence[Emission] = ()
    candidates: Sequence[Candidate] = ()
    examples: Sequence[Matured] = ()
    measures: Sequence[Measure] = ()
    risk_flow: RiskStep | None = None
    indexes: Mapping[str, float | None] = {}
    requests: Sequence[tuple[Registered, Sequence[ScoreRequest]]] = ()
    """Predictions requested by each projection."""
    scores: dict[str, Scored] = {}
    """Target -> prediction."""

    def take(self, registered: Registered, update: "Update[Any]") -> None:
        """Merge a projection's update into the step."""
        slots = self.ctx.slots
        if update.state is not slots.get(registered):  # an unchanged slot is not encoded again
            slots.put(registered, update.state)
        # Mostly empty, and this runs for every projection: test before concatenating.
        if update.emissions:
            self.emissions = (*self.emissions, *update.emissions)
        if update.candidates:
            self.candidates = (*self.candidates, *update.candidates)
        if update.examples:
            self.examples = (*self.examples, *update.examples)
        if update.measures:
            self.measures = (*self.measures, *update.measures)
        if update.counters:
            self.counters = (*self.counters, *update.counters)
        # Each comes from one projection only.
        self.risk_flow = update.risk_flow or self.risk_flow
        self.indexes = {**self.indexes, **update.indexes} if update.indexes else self.indexes


def advance(
    state: State | None, event: Arrival | TimerFired, serving: ServingContext, now_ms: Millis
) -> Step:
    """Apply one event or tick to a customer's state.

    Parameters
    ----------
    state
        State after the previous step; None for an unknown customer.
    event
        A decoded touchpoint of this customer, or the tick that passed their timer.
    serving
        The configuration and models activated by the last tick.
    now_ms
        The event's received stamp, or the tick's time; never a clock.
    """
    return advance_all([(state, event, now_ms)], serving)[0]


def advance_all(
    batch: Sequence[tuple[State | None, Arrival | TimerFired, Millis]], serving: ServingContext
) -> list[Step]:
    """Apply :func:`advance` to many customers, with one model call per target.

    The customers must be distinct. A step does not depend on the rest of its batch.
    """
    begun = [_begun(state, event, serving, now_ms) for state, event, now_ms in batch]
    underway = [one for one in begun if isinstance(one, Underway)]
    _score(underway, serving)
    return [conclude(one) if isinstance(one, Underway) else one for one in begun]


def _begun(
    state: State | None, event: Arrival | TimerFired, serving: ServingContext, now_ms: Millis
) -> Step | Underway:
    """Run a step up to its scores; the finished step if it needs none."""
    if isinstance(event, TimerFired):
        return _woken(state or UNSEEN, event, serving)
    return _arrived(state, event, serving, now_ms)


def _arrived(
    before: State | None, arrival: Arrival, serving: ServingContext, now_ms: Millis
) -> Step | Underway:
    event, state = arrival.event, before or UNSEEN
    # Lateness first: older ids are forgotten, so a late duplicate would look new.
    if too_late(event.time_ms, serving.watermark_ms, serving.rules.intake.allowed_lateness_days):
        return _unchanged(before, Drop("too_late"))
    known = recall(state.memory, arrival.identity, arrival.content)
    if known == "duplicate":
        return _unchanged(before, known)
    if known == "conflict":
        return _unchanged(before, Reject("conflicting_id", "id: seen before with other content"))
    # An older event that arrives now must not revive the erased customer.
    if state.erased_ms is not None and event.time_ms <= state.erased_ms:
        return _unchanged(before, Drop("erased"))
    if isinstance(event.data, CustomerErased):
        return _erased(state, arrival, serving, now_ms)
    return _applied(state, arrival, serving, now_ms)


def _unchanged(before: State | None, outcome: Reject | Drop | Literal["duplicate"]) -> Step:
    """Keep the state; an unknown customer stays unknown."""
    next_timer = None if before is None else before.next_timer_ms
    match outcome:
        case Reject():
            return Step(before, next_timer=next_timer, refused=outcome)
        case Drop(reason):
            return Step(before, next_timer=next_timer, counters=("dropped", f"dropped.{reason}"))
        case name:
            return Step(before, next_timer=next_timer, counters=(name,))


def _applied(state: State, arrival: Arrival, serving: ServingContext, now_ms: Millis) -> Underway:
    event, rules = arrival.event, serving.rules
    active = is_activity(event, event.by_customer, rules.churn)
    memory, full = remember(
        state.memory,
        arrival.identity,
        arrival.content,
        event.time_ms,
        rules.intake.ids_per_customer,
    )
    profile = fold(state.profile, event, active)
    slots = Slots(state.slots, BY_NAME)
    ctx = Context(
        event.subject,
        profile,
        state.profile,
        serving,
        rules,
        now_ms,
        event,
        slots,
        active,
        event.by_customer,
    )
    counters = _counters(arrival, serving.watermark_ms, full)
    counts = state.counts
    if counters is not _APPLIED:
        counts = (counts or IntakeCounts()).plus(counters)
    underway = Underway(event, ctx, memory, state.erased_ms, counts, counters)
    built_in = event.type in LISTENERS
    heard_by = LISTENERS[event.type] if built_in else OWN_LISTENERS[event.by_customer]
    for registered in heard_by:
        update = registered.on_event(slots.get(registered), event, ctx)
        if update is not None:
            underway.take(registered, update)
    return underway


_APPLIED = ("applied",)


def _counters(arrival: Arrival, watermark_ms: Millis | None, full: bool) -> Sequence[str]:
    """Counters that an applied event increments."""
    late = watermark_ms is not None and arrival.event.time_ms <= watermark_ms
    # The common case, without building a list.
    if not (late or full or arrival.clamped or arrival.unknown_fields):
        return _APPLIED
    counters = ["applied"]
    if arrival.clamped:
        counters.append("clamped")
    if arrival.unknown_fields:
        counters.append(WITH_UNKNOWN_FIELDS)
        counters += counters_of(arrival.event.type, arrival.unknown_fields)
    if full:
        counters.append("memory_full")
    if late:
        counters.append("late")
    return counters


def _erased(state: State, arrival: Arrival, serving: ServingContext, now_ms: Millis) -> Step:
    """Keep only the request's id and time, until no older event can arrive.

    The tombstone covers the newest forgotten event: its id is forgotten too, so a resend would
    otherwise count as new.
    """
    event, profile = arrival.event, state.profile
    erased_ms = event.time_ms if profile is None else max(event.time_ms, profile.last_seen_ms)
    memory, _ = remember(
        NOTHING_REMEMBERED, arrival.identity, arrival.content, event.time_ms, limit=1
    )
    next_timer = _next_timer((), erased_ms, serving)
    tombstone = State(memory=memory, next_timer_ms=next_timer, erased_ms=erased_ms)
    cause = Cause(type=event.type, source=event.source, id=event.id)
    slots = Slots(state.slots, BY_NAME)
    retracted = [
        registered.concluding.on_erasure(slots.get(registered), event.subject, cause, now_ms)
        for registered, _ in CONCLUDING
        if registered.concluding is not None
    ]
    return Step(
        tombstone,
        [emission for update in retracted for emission in update.emissions],
        next_timer,
        counters=("applied", "erased"),
        # No projection sees the erasure, so it is counted here.
        measures=(count_event(event), *(one for update in retracted for one in update.measures)),
        indexes={name: gone for update in retracted for name, gone in update.indexes.items()},
    )


def _woken(state: State, fired: TimerFired, serving: ServingContext) -> Step | Underway:
    """Drop data that no accepted event can affect any more; call the projections that are due."""
    now_ms = fired.time_ms
    oldest_ms = Millis(now_ms - serving.rules.intake.allowed_lateness_days * DAY_MS)
    # Safe: duplicates of the ids forgotten here would be dropped as too late.
    memory, erased_ms = forget_before(state.memory, oldest_ms), state.erased_ms
    expired = erased_ms is not None and erased_ms < oldest_ms
    erased_ms = None if expired else erased_ms
    slots = Slots(state.slots, BY_NAME)
    if state.profile is None:
        return _tombstone(memory, erased_ms, serving)
    profile = forget_old(state.profile, oldest_ms)
    timers = slots.fired(now_ms)
    names = frozenset(one.name for one in REGISTERED if one.slot in timers)
    ctx = Context(
        fired.subject,
        profile,
        state.profile,
        serving,
        serving.rules,
        now_ms,
        fired,
        slots,
        fired=names | {TOMBSTONE} if expired else names,
    )
    underway = Underway(fired, ctx, memory, erased_ms, state.counts, ())
    for registered in REGISTERED:
        # Readers are woken with what they read, because it may have changed.
        if registered.slot in timers or not registered.reads.isdisjoint(names):
            before = slots.get(registered)
            if before is None:
                continue
            slots.put(registered, before)  # its timer may have passed: compute the next one
            update = registered.on_timer(before, now_ms, ctx)
            if update is not None:
                underway.take(registered, update)
    return underway


def _tombstone(memory: Memory, erased_ms: Millis | None, serving: ServingContext) -> Step:
    if erased_ms is None:
        return Step(None)
    next_timer = _next_timer((), erased_ms, serving)
    state = State(memory=memory, next_timer_ms=next_timer, erased_ms=erased_ms)
    return Step(state, next_timer=next_timer)


def _score(underway: Sequence[Underway], serving: ServingContext) -> None:
    """Compute all requested predictions, with one model call per target."""
    if serving.scorers is None or serving.watermark_ms is None:
        return
    asked: dict[str, list[Underway]] = {}
    for one in underway:
        _request(one)
        for _, requests in one.requests:
            for request in requests:
                asked.setdefault(request.target, []).append(one)
    for target, those in asked.items():
        profiles = [one.ctx.profile for one in those]
        for one, scored in zip(those, score_all(profiles, serving, target), strict=True):
            if scored is not None:
                one.scores[target] = scored


def _request(one: Underway) -> None:
    for registered in SCORED:
        assert registered.scored is not None  # by construction of SCORED
        state = one.ctx.slots.get(registered)
        requests = registered.scored.score_requests(state, one.trigger, one.ctx)
        if requests:
            one.requests = (*one.requests, (registered, requests))


def conclude(one: Underway) -> Step:
    """Finish a step after scoring: bands, snapshots, a decision, and the next timer."""
    if one.scores:
        _take_scores(one)
    if one.candidates:
        _decide(one)
    _conclude(one)
    ctx = one.ctx
    slots = ctx.slots.stored(ctx.rules)
    next_timer = _next_timer(slots, one.erased_ms, ctx.serving)
    return Step(
        State(ctx.profile, one.memory, next_timer, one.erased_ms, slots, one.counts),
        one.emissions,
        next_timer,
        one.examples,
        one.counters,
        None,
        one.measures,
        one.risk_flow,
        one.indexes,
    )


def _take_scores(one: Underway) -> None:
    for registered, requests in one.requests:
        assert registered.scored is not None  # only scored projections request
        scores = {r.target: one.scores[r.target] for r in requests if r.target in one.scores}
        if scores:
            state = one.ctx.slots.get(registered)
            update = registered.scored.on_scores(state, scores, one.ctx, one.trigger)
            if update is not None:
                one.take(registered, update)


def _decide(one: Underway) -> None:
    """Make one decision for all candidates; pass it to the projections that record decisions."""
    ctx = one.ctx
    decision = arbitrate(
        one.candidates,
        ctx.subject,
        ctx.profile,
        last_recommended(ctx.slots),
        ctx.now_ms,
        f"{ctx.cause.source} {ctx.cause.id}",
        ctx.rules,
    )
    serving = ctx.serving
    # Doing nothing is emitted too: off-policy evaluation needs every decision.
    emission = action_recommended(
        decision, serving.rules, serving.rules_digest, serving.version, ctx.cause
    )
    one.emissions = (*one.emissions, emission)
    if serving.on_decision is not None:
        serving.on_decision(decision, emission)
    for registered in DECIDED:
        assert registered.decided is not None  # by construction of DECIDED
        state = ctx.slots.get(registered)
        after = registered.decided.on_decision(state, decision, ctx)
        if after is not state:
            ctx.slots.put(registered, after)


def _conclude(one: Underway) -> None:
    """Let projections look at the step, if one that they read was written in it."""
    slots = one.ctx.slots
    for registered, numbers in CONCLUDING:
        if registered.concluding is not None and slots.wrote_any(numbers):
            state = slots.get(registered)
            update = registered.concluding.on_conclusion(state, one.scores, one.emissions, one.ctx)
            if update is not None:
                one.take(registered, update)


def _next_timer(
    slots: Sequence[Slot], erased_ms: Millis | None, serving: ServingContext
) -> Millis | None:
    """The earliest timer, moved past the last tick: an older one would fire at every tick."""
    earliest: Millis | None = None
    for slot in slots:
        timer_ms = slot.next_timer_ms
        if timer_ms is None or slot.number not in NUMBERS:
            continue
        if earliest is None or timer_ms < earliest:
            earliest = timer_ms
    if erased_ms is not None:
        lateness_ms = serving.rules.intake.allowed_lateness_days * DAY_MS
        # One millisecond more: an event exactly at the bound is still accepted.
        forgotten_ms = Millis(erased_ms + lateness_ms + 1)
        earliest = forgotten_ms if earliest is None else min(earliest, forgotten_ms)
    watermark_ms = serving.watermark_ms
    if earliest is not None and watermark_ms is not None and earliest <= watermark_ms:
        return Millis(watermark_ms + 1)
    return earliest
