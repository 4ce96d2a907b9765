"""Why a customer's risk is what it is: reasons in words, each put to the proof.

A reason is what all measurements made of the same kinds of events add to the log-odds against the
average example. The proof leaves out these events, folds all others again and scores at the same
moment: a reason that spoke for the risk is borne out if the log-odds fall without its events.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import exp, expm1, isnan
from typing import NamedTuple

import msgspec
from msgspec import Struct

from touchstream.schemas.envelope import Event
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.schemas.units import Millis
from touchstream.streams.context import ServingContext
from touchstream.streams.customer import advance
from touchstream.streams.emit.risk import LEAST_LOG_ODDS
from touchstream.streams.features.feature import Feature, FeatureList
from touchstream.streams.intake.decode import Arrival
from touchstream.streams.learn.basis import NAMES
from touchstream.streams.learn.ledger import is_activity
from touchstream.streams.learn.numbers import logit
from touchstream.streams.learn.scorer import Scorer
from touchstream.streams.learn.snapshot import CHURN
from touchstream.streams.learn.standard import Standard
from touchstream.streams.profiles.fold import fold
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.projection import TimerFired
from touchstream.streams.projections.read import churn_of
from touchstream.streams.scoring import score
from touchstream.streams.state import State

ACTIVITY = "activity"
"""What features about all signs of life name instead of a family of events."""

PLAIN: dict[str, tuple[Callable[[float], float], str]] = {
    "ln(1+d)": (expm1, "days"),
    "ln(d)": (exp, "days"),
    "d": (float, "days"),
    "ln(1+s)": (expm1, "seconds"),
    "ln(1+n)": (expm1, ""),
    "n": (float, ""),
    "ln(1+minor)": (expm1, "minor units"),
    "ln ratio": (exp, "times"),
    "0..1": (float, "of 1"),
    "0/1": (float, "(1 = yes)"),
}
"""A feature's unit -> how its value is made plain, and the unit that people read."""


class Heard(NamedTuple):
    """A touchpoint of the customer as it came along in the log."""

    arrival: Arrival
    received_ms: Millis


class Past(NamedTuple):
    """An event that counted."""

    event: Event
    active: bool
    """It was a sign of life."""


class History(NamedTuple):
    """All that counted of a customer's events, in the order in which they came."""

    events: Sequence[Past]
    profile: Profile | None
    """What they make of him."""


class Part(Struct, frozen=True, kw_only=True):
    """One measurement's part in a reason. Values are in ``unit``, and None where missing."""

    feature: str
    text: str
    """What it is, in words."""
    unit: str
    value: float | None
    typical: float | None
    """The average example's, on the scale on which the model reads it."""
    contribution: float
    """What it adds to the log-odds against the average example."""


class Reason(Part, frozen=True, kw_only=True):
    """What all measurements made of the same kinds of events add to the risk.

    Named after the one among them that pulls most in the direction of all, with its value;
    ``contribution`` is that of all together.
    """

    change: float | None
    """How far the contribution moved since it was last told; None: there is none to compare."""
    about: tuple[str, ...]
    """The events it is made of; none: it is of no event, and cannot be put to the proof."""
    parts: tuple[Part, ...]
    """What each measurement adds, the weightiest first."""
    events: int | None = None
    """So many events it is made of; None: not asked for, or there are none."""
    risk_without: float | None = None
    """The risk without them."""
    moved: float | None = None
    """How far the log-odds of the risk moved without them."""
    verified: bool | None = None
    """They moved against the contribution."""


class Proof(Struct, frozen=True, kw_only=True):
    """What leaving out events shows."""

    events: int
    """So many counted in the history that was read."""
    first_ms: Millis | None
    differing: tuple[str, ...]
    """Features that this history gives another value than the kept state; none: it is whole."""


class Before(Struct, frozen=True, kw_only=True):
    """The last emission."""

    at_ms: Millis
    risk: float | None


class Explanation(Struct, frozen=True, kw_only=True):
    """A risk, how sure it is, and why."""

    target: str
    at_ms: Millis
    """As of when."""
    risk: float
    low: float
    high: float
    """What can be known of the probability lies between ``low`` and ``high`` with 90 %."""
    n: int
    """Matured examples behind the model."""
    log_odds: float
    rest: float
    """What is of no measurement: the average example's log-odds, and the season."""
    before: Before | None
    reasons: tuple[Reason, ...]
    """The weightiest first."""
    proof: Proof | None = None


def relive(log: Iterable[Heard | TimerFired], models: ServingContext) -> History:
    """Take a customer through his log again, step by step as the workers did.

    ``log`` has his touchpoints and every tick of his partition, in order. Under today's rules: what
    was in force once is gone.
    """
    state: State | None = None
    events: list[Past] = []
    then = models._replace(watermark_ms=None)
    for happening in log:
        if isinstance(happening, TimerFired):
            watermark_ms = max(happening.time_ms, then.watermark_ms or happening.time_ms)
            then = then._replace(watermark_ms=watermark_ms)
            if state is not None and _is_due(state, watermark_ms):
                state = advance(
                    state, happening._replace(time_ms=watermark_ms), then, watermark_ms
                ).state
            continue
        event = happening.arrival.event
        step = advance(state, happening.arrival, then, happening.received_ms)
        state = step.state
        if "erased" in step.counters:
            events.clear()
        elif "applied" in step.counters:
            by_customer = TOUCHPOINTS[event.type].by_customer(event.data)
            events.append(Past(event, is_activity(event, by_customer, models.rules.churn)))
    return History(events, None if state is None else state.profile)


def _is_due(state: State, watermark_ms: Millis) -> bool:
    return state.next_timer_ms is not None and state.next_timer_ms <= watermark_ms


def explain(state: State, models: ServingContext, target: str = CHURN) -> Explanation | None:
    """The risk as of the last tick, and its reasons; None where nothing can be scored."""
    scored = None if state.profile is None else score(state.profile, models, target)
    if scored is None:
        return None
    low, high = scored.prediction.interval()
    values, now = models.features.unpack(scored.vector), scored.contributions()
    features, is_churn = models.features, target == CHURN
    before = churn_of(state).last_emitted_by(features.groups) if is_churn else None
    return Explanation(
        target=target,
        at_ms=scored.at_ms,
        risk=scored.risk,
        low=low,
        high=high,
        n=scored.scorer.model.examples,
        log_odds=round(scored.prediction.logit, 4),
        rest=round(scored.prediction.logit - sum(now), 4),
        before=_before(state) if is_churn else None,
        reasons=tuple(_reasons(values, now, before, scored.scorer, features)),
    )


def verify(
    explanation: Explanation, state: State, history: History, models: ServingContext
) -> Explanation:
    """The same with every reason put to the proof by the customer's own events.

    The kept state knows of events that the log has lost; the proof compares the history with
    itself, so that what is lost does not show in it.
    """
    scorer, profile = (models.scorers or {})[explanation.target], state.profile
    assert profile is not None  # who is explained has a profile
    names = models.features.names
    whole = models.features.vector(profile, explanation.at_ms)
    again = models.features.vector(history.profile or _nobody(profile), explanation.at_ms)
    differing = tuple(
        name
        for name, kept, found in zip(
            names, models.features.unpack(whole), models.features.unpack(again), strict=True
        )
        if kept != found and not (isnan(kept) and isnan(found))
    )
    proof = Proof(
        events=len(history.events),
        first_ms=min((past.event.time_ms for past in history.events), default=None),
        differing=differing,
    )
    proved = _proved(
        explanation.reasons, explanation.at_ms, profile, history, scorer, models.features
    )
    return msgspec.structs.replace(explanation, reasons=tuple(proved), proof=proof)


def plain(unit: str, value: float) -> float | None:
    """A feature's value as people count; None where it is missing.

    >>> plain("ln(1+d)", 2.3978952727983707), plain("ln(1+d)", float("nan"))
    (10.0, None)
    """
    undo, _ = PLAIN[unit]
    return None if isnan(value) else round(float(f"{undo(value):.3g}"), 2)


def _before(state: State) -> Before | None:
    churn = churn_of(state)
    if churn.crossing is None:
        return None
    return Before(at_ms=churn.crossing.at_ms, risk=churn.last_emitted_risk)


def _reasons(
    values: Sequence[float],
    now: Sequence[float],
    before: Sequence[float] | None,
    scorer: Scorer,
    features: FeatureList,
) -> Iterator[Reason]:
    groups, sums = features.groups.all, features.groups.sums(now)
    parts = [_part(*one, scorer) for one in zip(features.features, values, now, strict=True)]
    for number in sorted(range(len(sums)), key=lambda number: (-abs(sums[number]), number)):
        group, change = groups[number], None if before is None else sums[number] - before[number]
        if max(abs(sums[number]), abs(change or 0.0)) < LEAST_LOG_ODDS:
            continue
        lead = parts[group.lead(now)]
        its = sorted((parts[place] for place in group.places), key=lambda p: -abs(p.contribution))
        yield Reason(
            feature=lead.feature,
            text=lead.text,
            unit=lead.unit,
            value=lead.value,
            typical=lead.typical,
            contribution=round(sums[number], 4),
            change=None if change is None else round(change, 4),
            about=group.about,
            parts=tuple(part for part in its if abs(part.contribution) >= LEAST_LOG_ODDS),
        )


def _part(feature: Feature, value: float, added: float, scorer: Scorer) -> Part:
    standard, column = Standard(scorer.model.standard), NAMES.index(feature.name)
    typical = float(standard.means[column]) if standard.counts[column] else float("nan")
    return Part(
        feature=feature.name,
        text=feature.text,
        unit=PLAIN[feature.unit][1],
        value=plain(feature.unit, value),
        typical=plain(feature.unit, typical),
        contribution=round(added, 4),
    )


def _proved(
    reasons: Iterable[Reason],
    at_ms: Millis,
    profile: Profile,
    history: History,
    scorer: Scorer,
    features: FeatureList,
) -> Iterator[Reason]:
    """Each reason with what becomes of the risk without the events that it is made of."""

    def without(about: tuple[str, ...]) -> tuple[int, float]:
        kept = [past for past in history.events if not _is_about(past, about)]
        vector = features.vector(_folded(profile, kept), at_ms)
        risk = scorer.score(features.unpack(vector), at_ms).risk
        return len(history.events) - len(kept), risk

    _, whole = without(())
    for reason in reasons:
        events, risk = without(reason.about)
        if not events:
            yield reason
            continue
        moved = logit(risk) - logit(whole)
        yield msgspec.structs.replace(
            reason,
            events=events,
            risk_without=risk,
            moved=round(moved, 4),
            verified=moved * reason.contribution < 0 if reason.contribution else None,
        )


def _is_about(past: Past, about: tuple[str, ...]) -> bool:
    return TOUCHPOINTS[past.event.type].family in about or (past.active and ACTIVITY in about)


def _folded(profile: Profile, events: Iterable[Past]) -> Profile:
    """What only these events make of a customer who is known for as long."""
    found = _nobody(profile)
    for event, active in events:
        found = fold(found, event, active)
    return found


def _nobody(profile: Profile) -> Profile:
    """Since when he is known is of no event: it stays whatever is left out."""
    return Profile(first_seen_ms=profile.first_seen_ms, last_seen_ms=profile.last_seen_ms)
