"""The loop: one customer taken one step on. Which projections there are is the registry's to say.

    advance(state, event, serving, now_ms) -> Step(state, emissions, next_timer, examples, ...)

A touchpoint goes: lateness -> duplicates -> tombstone -> fold -> projections -> scores ->
decision. A tick goes: the memory of ids shrinks -> projections whose timer it passed -> scores ->
decision. In the end the customer's next timer is the earliest of all.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.registry import TOUCHPOINTS
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
from touchstream.streams.learn.ledger import Matured, is_activity
from touchstream.streams.measures.activity import count_event
from touchstream.streams.measures.metric import Measure
from touchstream.streams.outcome import Drop, Reject
from touchstream.streams.profiles.fold import fold, forget_resolved_tickets
from touchstream.streams.projections.projection import (
    TOMBSTONE,
    Context,
    ScoreRequest,
    TimerFired,
    Trigger,
    Update,
)
from touchstream.streams.projections.registered import Registered
from touchstream.streams.projections.registry import (
    BY_NAME,
    DECIDED,
    LISTENERS,
    REGISTERED,
    SCORED,
    last_recommended,
)
from touchstream.streams.projections.slots import Slots
from touchstream.streams.scoring import Scored, score_all
from touchstream.streams.state import UNSEEN, Slot, State


class Step(Struct, frozen=True, gc=False):
    """What became of one event or tick for one customer."""

    state: State | None
    """None: nothing of this customer is kept any more."""
    emissions: Sequence[Emission] = ()
    next_timer: Millis | None = None
    """The first tick at or after this moment concerns them; None: no tick does."""
    examples: Sequence[Matured] = ()
    counters: Sequence[str] = ()
    refused: Reject | None = None
    """The event is a dead letter; the state is as before."""
    measures: Sequence[Measure] = ()
    indexes: Mapping[str, float | None] = {}


class Underway(Struct, gc=False):
    """A step half way: the trigger is taken in, nothing is predicted yet."""

    trigger: Trigger
    ctx: Context
    memory: Memory
    erased_ms: Millis | None
    counters: Sequence[str]
    emissions: Sequence[Emission] = ()
    candidates: Sequence[Candidate] = ()
    examples: Sequence[Matured] = ()
    measures: Sequence[Measure] = ()
    indexes: Mapping[str, float | None] = {}
    requests: Sequence[tuple[Registered, Sequence[ScoreRequest]]] = ()
    """What each projection wants to be predicted."""
    scores: dict[str, Scored] = {}
    """Target -> what its model says."""

    def take(self, registered: Registered, update: "Update[Any]") -> None:
        """Take in what a projection makes of the trigger."""
        slots = self.ctx.slots
        if update.state is not slots.get(registered):  # a slot that stays is copied as it is
            slots.put(registered, update.state)
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
        if update.indexes:
            self.indexes = {**self.indexes, **update.indexes}


def advance(
    state: State | None, event: Arrival | TimerFired, serving: ServingContext, now_ms: Millis
) -> Step:
    """Take one event, or one tick, into a customer's state.

    Parameters
    ----------
    state
        As the last step left it; None for a customer who was not heard of.
    event
        A decoded touchpoint of this customer, or the tick that passed their timer.
    serving
        The configuration and models that the last tick named.
    now_ms
        The event's received stamp, or the tick's time; never a clock.
    """
    return advance_all([(state, event, now_ms)], serving)[0]


def advance_all(
    batch: Sequence[tuple[State | None, Arrival | TimerFired, Millis]], serving: ServingContext
) -> list[Step]:
    """:func:`advance` for many customers at once: the models' arithmetic is done once for all.

    Each of them another customer. A step does not depend on those beside it.
    """
    begun = [_begun(state, event, serving, now_ms) for state, event, now_ms in batch]
    underway = [one for one in begun if isinstance(one, Underway)]
    _score(underway, serving)
    return [conclude(one) if isinstance(one, Underway) else one for one in begun]


def _begun(
    state: State | None, event: Arrival | TimerFired, serving: ServingContext, now_ms: Millis
) -> Step | Underway:
    """Everything up to the scores; a whole step where none is needed."""
    if isinstance(event, TimerFired):
        return _woken(state or UNSEEN, event, serving)
    return _arrived(state, event, serving, now_ms)


def _arrived(
    before: State | None, arrival: Arrival, serving: ServingContext, now_ms: Millis
) -> Step | Underway:
    event, state = arrival.event, before or UNSEEN
    if too_late(event.time_ms, serving.watermark_ms, serving.rules.intake.allowed_lateness_days):
        return _unchanged(before, Drop("too_late"))
    known = recall(state.memory, arrival.identity, arrival.content)
    if known == "duplicate":
        return _unchanged(before, known)
    if known == "conflict":
        return _unchanged(before, Reject("conflicting_id", "id: seen before with other content"))
    if state.erased_ms is not None and event.time_ms <= state.erased_ms:
        return _unchanged(before, Drop("erased"))
    if isinstance(event.data, CustomerErased):
        return _erased(state, arrival, serving)
    return _applied(state, arrival, serving, now_ms)


def _unchanged(before: State | None, outcome: Reject | Drop | Literal["duplicate"]) -> Step:
    """Leave the state as it was; a customer who was not heard of stays so."""
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
    by_customer = TOUCHPOINTS[event.type].by_customer(event.data)
    active = is_activity(event, by_customer, rules.churn)
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
        by_customer,
    )
    counters = _counters(arrival, serving.watermark_ms, full)
    underway = Underway(event, ctx, memory, state.erased_ms, counters)
    for registered in LISTENERS[event.type]:
        update = registered.on_event(slots.get(registered), event, ctx)
        if update is not None:
            underway.take(registered, update)
    return underway


_APPLIED = ("applied",)


def _counters(arrival: Arrival, watermark_ms: Millis | None, full: bool) -> Sequence[str]:
    """What an applied event counts as."""
    late = watermark_ms is not None and arrival.event.time_ms <= watermark_ms
    if not (late or full or arrival.clamped or arrival.unknown_fields):
        return _APPLIED
    counters = ["applied"]
    if arrival.clamped:
        counters.append("clamped")
    if arrival.unknown_fields:
        counters.append("with_unknown_fields")
    if full:
        counters.append("memory_full")
    if late:
        counters.append("late")
    return counters


def _erased(state: State, arrival: Arrival, serving: ServingContext) -> Step:
    """Forget all but the request itself, and its time, until nothing older can come any more.

    The tombstone reaches to the newest event that is forgotten: sent again, its id would be new.
    """
    event, profile = arrival.event, state.profile
    erased_ms = event.time_ms if profile is None else max(event.time_ms, profile.last_seen_ms)
    memory, _ = remember(
        NOTHING_REMEMBERED, arrival.identity, arrival.content, event.time_ms, limit=1
    )
    next_timer = _next_timer((), erased_ms, serving)
    tombstone = State(memory=memory, next_timer_ms=next_timer, erased_ms=erased_ms)
    return Step(
        tombstone,
        next_timer=next_timer,
        counters=("applied", "erased"),
        measures=(count_event(event),),
    )


def _woken(state: State, fired: TimerFired, serving: ServingContext) -> Step | Underway:
    """Shrink to what an event in time can still concern, and call the projections that are due."""
    now_ms = fired.time_ms
    oldest_ms = Millis(now_ms - serving.rules.intake.allowed_lateness_days * DAY_MS)
    memory, erased_ms = forget_before(state.memory, oldest_ms), state.erased_ms
    expired = erased_ms is not None and erased_ms < oldest_ms
    erased_ms = None if expired else erased_ms
    slots = Slots(state.slots, BY_NAME)
    if state.profile is None:
        return _tombstone(memory, erased_ms, serving)
    profile = forget_resolved_tickets(state.profile, oldest_ms)
    timers = slots.fired(now_ms)
    names = {one.name for one in REGISTERED if one.slot in timers}
    ctx = Context(
        fired.subject,
        profile,
        state.profile,
        serving,
        serving.rules,
        now_ms,
        fired,
        slots,
        fired=frozenset(names | {TOMBSTONE} if expired else names),
    )
    underway = Underway(fired, ctx, memory, erased_ms, ())
    for registered in REGISTERED:
        if registered.slot in timers:
            before = slots.get(registered)
            slots.put(registered, before)  # its next timer is another, whatever it does
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
    """Ask the models, target by target, about everybody for whom a projection wants to know."""
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
        assert registered.scored is not None  # SCORED has no other
        state = one.ctx.slots.get(registered)
        requests = registered.scored.score_requests(state, one.trigger, one.ctx)
        if requests:
            one.requests = (*one.requests, (registered, requests))


def conclude(one: Underway) -> Step:
    """What follows from the scores: bands, snapshots, a decision, and the next timer."""
    if one.scores:
        _take_scores(one)
    if one.candidates:
        _decide(one)
    ctx = one.ctx
    slots = ctx.slots.stored(ctx.rules)
    next_timer = _next_timer(slots, one.erased_ms, ctx.serving)
    return Step(
        State(ctx.profile, one.memory, next_timer, one.erased_ms, slots),
        one.emissions,
        next_timer,
        one.examples,
        one.counters,
        None,
        one.measures,
        one.indexes,
    )


def _take_scores(one: Underway) -> None:
    for registered, requests in one.requests:
        assert registered.scored is not None  # nobody else has asked
        scores = {r.target: one.scores[r.target] for r in requests if r.target in one.scores}
        if scores:
            state = one.ctx.slots.get(registered)
            update = registered.scored.on_scores(state, scores, one.ctx, one.trigger)
            if update is not None:
                one.take(registered, update)


def _decide(one: Underway) -> None:
    """One decision for all candidates; every projection that remembers decisions is told."""
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
    emission = action_recommended(
        decision.situation,
        decision.choice,
        serving.rules,
        serving.rules_digest,
        serving.version,
        ctx.cause,
    )
    one.emissions = (*one.emissions, emission)
    for registered in DECIDED:
        assert registered.decided is not None  # DECIDED has no other
        state = ctx.slots.get(registered)
        after = registered.decided.on_decision(state, decision, ctx)
        if after is not state:
            ctx.slots.put(registered, after)


def _next_timer(
    slots: Sequence[Slot], erased_ms: Millis | None, serving: ServingContext
) -> Millis | None:
    """The earliest of all timers, and later than the last tick, or it would fire for ever."""
    earliest: Millis | None = None
    for slot in slots:
        timer_ms = slot.next_timer_ms
        if timer_ms is not None and (earliest is None or timer_ms < earliest):
            earliest = timer_ms
    if erased_ms is not None:
        lateness_ms = serving.rules.intake.allowed_lateness_days * DAY_MS
        forgotten_ms = Millis(erased_ms + lateness_ms + 1)
        earliest = forgotten_ms if earliest is None else min(earliest, forgotten_ms)
    watermark_ms = serving.watermark_ms
    if earliest is not None and watermark_ms is not None and earliest <= watermark_ms:
        return Millis(watermark_ms + 1)
    return earliest
