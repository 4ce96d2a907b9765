"""One step of one customer: the only module that sees every stage.

    advance(state, event, models, now_ms) -> Step(state, emissions, wake_at, examples, counters)

A touchpoint goes: lateness -> duplicates -> tombstone -> fold -> labels -> score -> band -> action.
A tick goes: labels mature -> memory shrinks -> score -> ledger -> band -> action.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.envelope import OWN_SOURCE, Event
from touchstream.schemas.registry import TICK_TYPE, TOUCHPOINTS
from touchstream.schemas.rules import Rules
from touchstream.schemas.touchpoints.customers import CustomerErased
from touchstream.schemas.units import DAY_MS, CustomerId, Millis
from touchstream.streams.context import ServingContext
from touchstream.streams.intake.clock import too_late
from touchstream.streams.intake.decode import Arrival
from touchstream.streams.intake.memory import NOTHING_REMEMBERED, forget_before, recall, remember
from touchstream.streams.learn.ledger import (
    SUBSCRIBED,
    Ledger,
    Matured,
    is_activity,
    is_late,
    mature,
    matures_ms,
    observe,
    observe_target,
)
from touchstream.streams.learn.snapshot import CHURN
from touchstream.streams.measures.activity import count_event
from touchstream.streams.measures.churn import band_entered, label_matured
from touchstream.streams.measures.metric import Measure
from touchstream.streams.measures.observe import on_event
from touchstream.streams.outcome import Drop, Reject
from touchstream.streams.profiles.fold import fold, forget_resolved_tickets
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.scoring import (
    Scored,
    apply_risk_band,
    is_scored_at,
    score_all,
    signal_all,
    snapshot,
    target_rules,
)
from touchstream.streams.snapshot_day import next_snapshot_day_ms
from touchstream.streams.state import State

UNSEEN = State()
"""Who has not been heard of."""


class TimerFired(NamedTuple):
    """A tick reaches one customer."""

    subject: CustomerId
    number: int
    time_ms: Millis


class Step(NamedTuple):
    """What became of one event."""

    state: State | None
    """None: nothing of this customer is kept any more."""
    emissions: Sequence[Emission] = ()
    next_timer: Millis | None = None
    """The first tick at or after this moment concerns him; None: no tick does."""
    examples: Sequence[Matured] = ()
    counters: Sequence[str] = ()
    measures: Sequence[Measure] = ()
    refused: Reject | None = None
    """The event is a dead letter; the state is as before."""


class Unscored(NamedTuple):
    """A step half way: all is taken in, nothing is said of it yet."""

    state: State
    profile: Profile
    """The state's, which is there."""
    event: Event | TimerFired
    cause: Cause
    now_ms: Millis
    counters: Sequence[str] = ()
    matured: Sequence[Matured] = ()
    measures: Sequence[Measure] = ()


def advance(
    state: State | None, event: Arrival | TimerFired, models: ServingContext, now_ms: Millis
) -> Step:
    """Take one event, or one tick, into a customer's state.

    Parameters
    ----------
    state
        As the last step left it; None for a stranger.
    event
        A decoded touchpoint of this customer, or the tick that wakes him.
    models
        What the last tick put in force.
    now_ms
        The event's received stamp, or the tick's time; never a clock.
    """
    return advance_all([(state, event, now_ms)], models)[0]


def advance_all(
    them: Sequence[tuple[State | None, Arrival | TimerFired, Millis]], models: ServingContext
) -> list[Step]:
    """:func:`advance` for many customers at once: what the model's arithmetic shares is done once.

    Each of them another customer. A step does not depend on those beside it.
    """
    steps = [ingest(state, event, models, now_ms) for state, event, now_ms in them]
    halves = [half for half in steps if isinstance(half, Unscored)]
    predictions = iter(_predictions(halves, models))
    return [
        conclude(step, next(predictions), models) if isinstance(step, Unscored) else step
        for step in steps
    ]


def _predictions(halves: Sequence[Unscored], models: ServingContext) -> list[dict[str, Scored]]:
    """What the models say of each: of churn always, of a further target when it is its moment."""
    found: list[dict[str, Scored]] = [{} for _ in halves]
    _ask(CHURN, list(zip(halves, found, strict=True)), models)
    for target in models.rules.targets:
        asked = [
            (half, predictions)
            for half, predictions in zip(halves, found, strict=True)
            if not isinstance(half.event, TimerFired)
            and is_scored_at(target, half.state, half.event, models)
        ]
        _ask(target.name, asked, models)
    return found


def _ask(
    target: str, them: Sequence[tuple[Unscored, dict[str, Scored]]], models: ServingContext
) -> None:
    scores = score_all([half.profile for half, _ in them], models, target)
    for (_, predictions), scored in zip(them, scores, strict=True):
        if scored is not None:
            predictions[target] = scored


def ingest(
    state: State | None, event: Arrival | TimerFired, models: ServingContext, now_ms: Millis
) -> Step | Unscored:
    """The first half of a step: everything up to the score; a whole step where none is needed."""
    if isinstance(event, TimerFired):
        return _woken(state or UNSEEN, event, models)
    return _arrived(state, event, models, now_ms)


def conclude(half: Unscored, predictions: Mapping[str, Scored], models: ServingContext) -> Step:
    """The second half: what follows from the scores (by target; none before the first tick)."""
    event, state, scored = half.event, half.state, predictions.get(CHURN)
    subject, further = event.subject, len(predictions) > 1
    band = state.band
    # Rows first: what is decided now falls in their windows.
    if isinstance(event, TimerFired):
        state = _noted(state, subject, scored, models)
    elif further:
        state = target_rules(state, predictions, models)
    state, emissions = apply_risk_band(state, subject, scored, models, half.cause, half.now_ms)
    if further:
        state, signals = signal_all(state, subject, predictions, models, half.cause, half.now_ms)
        emissions = (*emissions, *signals)
    measures = (*half.measures, *band_entered(band, state.band, half.now_ms))
    return _step(state, models, emissions, half.matured, half.counters, measures)


def _arrived(
    before: State | None, arrival: Arrival, models: ServingContext, now_ms: Millis
) -> Step | Unscored:
    event, state = arrival.event, before or UNSEEN
    if too_late(event.time_ms, models.watermark_ms, models.rules.intake.allowed_lateness_days):
        return _unchanged(before, Drop("too_late"))
    known = recall(state.memory, arrival.identity, arrival.content)
    if known == "duplicate":
        return _unchanged(before, known)
    if known == "conflict":
        return _unchanged(before, Reject("conflicting_id", "id: seen before with other content"))
    if state.erased_ms is not None and event.time_ms <= state.erased_ms:
        return _unchanged(before, Drop("erased"))
    if isinstance(event.data, CustomerErased):
        return _erased(state, arrival, models)
    return _applied(state, arrival, models, now_ms)


def _unchanged(before: State | None, outcome: Reject | Drop | Literal["duplicate"]) -> Step:
    """Leave the state as it was: of a stranger nothing is kept."""
    next_timer = None if before is None else before.next_timer_ms
    match outcome:
        case Reject():
            return Step(before, next_timer=next_timer, refused=outcome)
        case Drop(reason):
            return Step(before, next_timer=next_timer, counters=("dropped", f"dropped.{reason}"))
        case name:
            return Step(before, next_timer=next_timer, counters=(name,))


def _applied(state: State, arrival: Arrival, models: ServingContext, now_ms: Millis) -> Unscored:
    event, rules = arrival.event, models.rules
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
    measures_state, measures = on_event(
        state.measures, event, state.profile, active=active, oldest_ms=_oldest_ms(models)
    )
    late_for_label = is_late(event, active, state.labelled_ms, rules.churn)
    due_ms = state.snapshot_due_ms
    if due_ms is None:
        due_ms = _next_snapshot_ms(event.subject, models.watermark_ms or now_ms, models)
    after = msgspec.structs.replace(
        state,
        profile=profile,
        memory=memory,
        ledger=observe(state.ledger, event, active, rules.churn),
        targets=_observed(state.targets, event, rules) if state.targets else state.targets,
        snapshot_due_ms=due_ms,
        late_for_label=state.late_for_label + late_for_label,
        measures=measures_state,
    )
    cause = Cause(type=event.type, source=event.source, id=event.id)
    remarks = _remarks(arrival, models.watermark_ms, full, late_for_label)
    return Unscored(after, profile, event, cause, now_ms, remarks, measures=measures)


def _oldest_ms(models: ServingContext) -> Millis | None:
    """The oldest moment that an event may have from now on; None before the first tick."""
    if models.watermark_ms is None:
        return None
    return Millis(models.watermark_ms - models.rules.intake.allowed_lateness_days * DAY_MS)


def _observed(ledgers: Mapping[str, Ledger], event: Event, rules: Rules) -> dict[str, Ledger]:
    """Mark what waits for the truth of the further targets; one that is no more is forgotten."""
    return {
        target.name: observe_target(ledgers[target.name], event, target)
        for target in rules.targets
        if target.name in ledgers
    }


def _remarks(
    arrival: Arrival, watermark_ms: Millis | None, full: bool, late_for_label: bool
) -> Sequence[str]:
    """What an applied event counts as."""
    counters = ["applied"]
    if arrival.clamped:
        counters.append("clamped")
    if arrival.unknown_fields:
        counters.append("with_unknown_fields")
    if full:
        counters.append("memory_full")
    if watermark_ms is not None and arrival.event.time_ms <= watermark_ms:
        counters.append("late")
    if late_for_label:
        counters.append("late_for_label")
    return counters


def _erased(state: State, arrival: Arrival, models: ServingContext) -> Step:
    """Forget all but that he asked for it, and when, until nothing older can come any more.

    The tombstone reaches to the newest event that is forgotten: sent again, its id would be new.
    """
    event, profile = arrival.event, state.profile
    erased_ms = event.time_ms if profile is None else max(event.time_ms, profile.last_seen_ms)
    memory, _ = remember(
        NOTHING_REMEMBERED, arrival.identity, arrival.content, event.time_ms, limit=1
    )
    tombstone = State(memory=memory, erased_ms=erased_ms)
    counters, measures = ("applied", "erased"), (count_event(event),)
    return _step(tombstone, models, (), counters=counters, measures=measures)


def _woken(state: State, fired: TimerFired, models: ServingContext) -> Step | Unscored:
    rules, now_ms = models.rules, fired.time_ms
    oldest_ms = Millis(now_ms - rules.intake.allowed_lateness_days * DAY_MS)
    state, matured = _labelled(_aged(state, oldest_ms), now_ms, rules)
    if state.profile is None:
        return _step(state, models, ()) if state.erased_ms is not None else Step(None)
    cause = Cause(type=TICK_TYPE, source=OWN_SOURCE, id=str(fired.number))
    labels = [
        label_matured(each.label, treated=each.treated, matured_ms=each.matured_ms)
        for each in matured
        if each.target == CHURN
    ]
    return Unscored(state, state.profile, fired, cause, now_ms, matured=matured, measures=labels)


def _aged(state: State, oldest_ms: Millis) -> State:
    """Shrink to what an event no older than ``oldest_ms`` can still concern."""
    profile, erased_ms = state.profile, state.erased_ms
    return msgspec.structs.replace(
        state,
        profile=None if profile is None else forget_resolved_tickets(profile, oldest_ms),
        memory=forget_before(state.memory, oldest_ms),
        erased_ms=None if erased_ms is None or erased_ms < oldest_ms else erased_ms,
    )


def _labelled(state: State, now_ms: Millis, rules: Rules) -> tuple[State, Sequence[Matured]]:
    """Split off the snapshots whose truth is known; the first takes the late events along."""
    matured: list[Matured] = []
    for target in rules.targets if state.targets else ():
        waiting, ripe = mature(state.targets.get(target.name, ()), now_ms, target)
        if ripe:
            kept = {name: rows for name, rows in state.targets.items() if name != target.name}
            kept |= {target.name: waiting} if waiting else {}
            state = msgspec.structs.replace(state, targets=kept)
            matured += ripe
    waiting, ripe = mature(state.ledger, now_ms, rules.churn)
    if not ripe:
        return state, matured
    after = msgspec.structs.replace(
        state, ledger=waiting, labelled_ms=ripe[-1].snapshot.at_ms, late_for_label=0
    )
    return after, [ripe[0]._replace(late=state.late_for_label), *ripe[1:], *matured]


def _noted(
    state: State, subject: CustomerId, scored: Scored | None, models: ServingContext
) -> State:
    """On the customer's day: what was said goes into the ledger and waits for its label."""
    watermark_ms, due_ms = models.watermark_ms, state.snapshot_due_ms
    if scored is None or watermark_ms is None or due_ms is None or due_ms > watermark_ms:
        return state
    row = snapshot(scored, models, SUBSCRIBED if scored.subscribed else 0)
    return msgspec.structs.replace(
        state,
        ledger=(*state.ledger, row),
        snapshot_due_ms=_next_snapshot_ms(subject, watermark_ms, models),
    )


def _next_snapshot_ms(subject: str, after_ms: Millis, models: ServingContext) -> Millis:
    return next_snapshot_day_ms(subject, after_ms, models.rules.churn.snapshot_every_days)


def _step(
    state: State,
    models: ServingContext,
    emissions: Sequence[Emission],
    examples: Sequence[Matured] = (),
    counters: Sequence[str] = (),
    measures: Sequence[Measure] = (),
) -> Step:
    """Close a step: work out when a tick has to wake this customer."""
    moments = [matures_ms(row, models.rules.churn) for row in state.ledger[:1]]
    for target in models.rules.targets if state.targets else ():
        moments += [matures_ms(row, target) for row in state.targets.get(target.name, ())[:1]]
    if state.snapshot_due_ms is not None:
        moments.append(state.snapshot_due_ms)
    if state.erased_ms is not None:
        lateness_ms = models.rules.intake.allowed_lateness_days * DAY_MS
        moments.append(Millis(state.erased_ms + lateness_ms + 1))
    next_timer = min(moments) if moments else None
    if (
        next_timer is not None
        and models.watermark_ms is not None
        and next_timer <= models.watermark_ms
    ):
        next_timer = Millis(
            models.watermark_ms + 1
        )  # later than the tick, or it would wake him for ever
    if next_timer != state.next_timer_ms:
        state = msgspec.structs.replace(state, next_timer_ms=next_timer)
    return Step(state, emissions, next_timer, examples, counters, measures)
