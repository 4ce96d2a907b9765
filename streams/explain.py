"""Why a customer's risk is what it is: reasons in words, each put to the proof.

A reason is what one measurement adds to the ln odds against the average example. The proof leaves
out the events that the measurement is made of, folds all others again and scores at the same
moment: a reason that spoke for the risk is borne out if the ln odds fall without its events.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import exp, expm1, isnan
from typing import NamedTuple

import msgspec
from msgspec import Struct

from schemas.envelope import Event
from schemas.registry import TOUCHPOINTS
from schemas.units import Millis
from streams.emit.risk import LEAST_LOG_ODDS
from streams.intake.decode import Arrival
from streams.learn.basis import NAMES
from streams.learn.ledger import is_activity
from streams.learn.numbers import logit
from streams.learn.scorer import Scorer
from streams.learn.snapshot import CHURN
from streams.learn.standard import Standard
from streams.models import Models
from streams.profiles.fold import fold
from streams.profiles.profile import Profile
from streams.state import State
from streams.step import Wake, advance
from streams.verdict import Scored, score

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


class Reason(Struct, frozen=True, kw_only=True):
    """One measurement's part in the risk. Values are in ``unit``, and None where missing."""

    feature: str
    text: str
    """The reason in words."""
    unit: str
    value: float | None
    typical: float | None
    """The average example's, on the scale on which the model reads it."""
    contribution: float
    """What it adds to the ln odds against the average example."""
    value_before: float | None
    change: float | None
    """How far the contribution moved since the last emission; None: there was none."""
    about: tuple[str, ...]
    """The events it is made of; none: it is of no event, and cannot be put to the proof."""
    risk_without: float | None = None
    """The risk without these events; None: not asked for, or there are none."""
    verified: bool | None = None
    """Without these events the ln odds of the risk moved against the contribution."""


class Removal(Struct, frozen=True, kw_only=True):
    """What becomes of the risk without the events that some features are made of."""

    about: tuple[str, ...]
    events: int
    contribution: float
    """What all reasons add together that are made of nothing but these events."""
    risk: float
    moved: float
    """How far the ln odds of the risk moved without them."""
    verified: bool | None
    """Against the contribution; None: nothing was said of them."""


class Proof(Struct, frozen=True, kw_only=True):
    """What leaving out events shows."""

    events: int
    """So many counted in the history that was read."""
    first_ms: Millis | None
    differing: tuple[str, ...]
    """Features that this history gives another value than the kept state; none: it is whole."""
    removals: tuple[Removal, ...]


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
    """What is of no measurement: the average example's ln odds, and the season."""
    before: Before | None
    reasons: tuple[Reason, ...]
    """The weightiest first."""
    proof: Proof | None = None


def relive(log: Iterable[Heard | Wake], models: Models) -> History:
    """Take a customer through his log again, step by step as the workers did.

    ``log`` has his touchpoints and every tick of his partition, in order. Under today's rules: what
    was in force once is gone.
    """
    state: State | None = None
    events: list[Past] = []
    then = models._replace(clock_ms=None)
    for happening in log:
        if isinstance(happening, Wake):
            clock_ms = max(happening.time_ms, then.clock_ms or happening.time_ms)
            then = then._replace(clock_ms=clock_ms)
            if state is not None and _is_due(state, clock_ms):
                state = advance(state, happening._replace(time_ms=clock_ms), then, clock_ms).state
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


def _is_due(state: State, clock_ms: Millis) -> bool:
    return state.wake_at_ms is not None and state.wake_at_ms <= clock_ms


def explain(state: State, models: Models, target: str = CHURN) -> Explanation | None:
    """The risk as of the last tick, and its reasons; None where nothing can be scored."""
    scored = None if state.profile is None else score(state.profile, models, target)
    if scored is None:
        return None
    low, high = scored.said.interval()
    values = models.features.unpack(scored.vector)
    now = scored.scorer.contributions(values, scored.at_ms)
    before = _before(state, scored) if target == CHURN else None
    return Explanation(
        target=target,
        at_ms=scored.at_ms,
        risk=scored.risk,
        low=low,
        high=high,
        n=scored.scorer.model.examples,
        log_odds=round(scored.said.logit, 4),
        rest=round(scored.said.logit - sum(now), 4),
        before=None if before is None else Before(at_ms=before[0], risk=state.told_risk),
        reasons=tuple(_reasons(values, now, before, scored.scorer, models)),
    )


def verify(told: Explanation, state: State, history: History, models: Models) -> Explanation:
    """The same with every reason put to the proof by the customer's own events.

    The kept state knows of events that the log has lost; the proof compares the history with
    itself, so that what is lost does not show in it.
    """
    scorer, profile = (models.scorers or {})[told.target], state.profile
    assert profile is not None  # who is explained has a profile
    names = models.features.names
    whole = models.features.vector(profile, told.at_ms)
    again = models.features.vector(history.profile or _nobody(profile), told.at_ms)
    differing = tuple(
        name
        for name, kept, found in zip(
            names, models.features.unpack(whole), models.features.unpack(again), strict=True
        )
        if kept != found and not (isnan(kept) and isnan(found))
    )
    removals = {
        removal.about: removal for removal in _removals(told, profile, history, scorer, models)
    }
    proof = Proof(
        events=len(history.events),
        first_ms=min((past.event.time_ms for past in history.events), default=None),
        differing=differing,
        removals=tuple(removals.values()),
    )
    reasons = tuple(_proved(reason, removals.get(reason.about)) for reason in told.reasons)
    return msgspec.structs.replace(told, reasons=reasons, proof=proof)


def plain(unit: str, value: float) -> float | None:
    """A feature's value as people count; None where it is missing.

    >>> plain("ln(1+d)", 2.3978952727983707), plain("ln(1+d)", float("nan"))
    (10.0, None)
    """
    undo, _ = PLAIN[unit]
    return None if isnan(value) else round(float(f"{undo(value):.3g}"), 2)


def _before(state: State, scored: Scored) -> tuple[Millis, bytes] | None:
    """When the last emission was, and the vector that it told of, if this list can read it."""
    if state.told is None or state.crossing is None or len(state.told) != len(scored.vector):
        return None
    return state.crossing.at_ms, state.told


def _reasons(
    values: Sequence[float],
    now: Sequence[float],
    before: tuple[Millis, bytes] | None,
    scorer: Scorer,
    models: Models,
) -> Iterator[Reason]:
    features, standard = models.features, Standard(scorer.model.standard)
    once: Sequence[float] = () if before is None else features.unpack(before[1])
    then = None if before is None else scorer.contributions(once, before[0])
    for place in sorted(range(len(now)), key=lambda place: (-abs(now[place]), place)):
        change = None if then is None else now[place] - then[place]
        if max(abs(now[place]), abs(change or 0.0)) < LEAST_LOG_ODDS:
            continue
        feature = features.features[place]
        column = NAMES.index(feature.name)
        typical = float(standard.means[column]) if standard.counts[column] else float("nan")
        yield Reason(
            feature=feature.name,
            text=feature.text,
            unit=PLAIN[feature.unit][1],
            value=plain(feature.unit, values[place]),
            typical=plain(feature.unit, typical),
            contribution=round(now[place], 4),
            value_before=plain(feature.unit, once[place]) if once else None,
            change=None if change is None else round(change, 4),
            about=feature.about,
        )


def _removals(
    told: Explanation, profile: Profile, history: History, scorer: Scorer, models: Models
) -> Iterator[Removal]:
    """Without the events of each kind that a feature is made of, if there are any."""

    def ln_odds(gone: frozenset[int]) -> tuple[float, float]:
        kept = [past for place, past in enumerate(history.events) if place not in gone]
        vector = models.features.vector(_folded(profile, kept), told.at_ms)
        risk = scorer.score(models.features.unpack(vector), told.at_ms).risk
        return risk, logit(risk)

    _, whole = ln_odds(frozenset())
    made_of = {
        about: frozenset(
            place for place, past in enumerate(history.events) if _is_about(past, about)
        )
        for about in dict.fromkeys(feature.about for feature in models.features.features)
    }
    for about, gone in made_of.items():
        if not gone:
            continue
        added = sum(
            reason.contribution
            for reason in told.reasons
            if made_of[reason.about] and made_of[reason.about] <= gone
        )
        risk, without = ln_odds(gone)
        yield Removal(
            about=about,
            events=len(gone),
            contribution=round(added, 4),
            risk=risk,
            moved=round(without - whole, 4),
            verified=_against(without - whole, added),
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


def _proved(reason: Reason, removal: Removal | None) -> Reason:
    if removal is None:
        return reason
    return msgspec.structs.replace(
        reason,
        risk_without=removal.risk,
        verified=_against(removal.moved, reason.contribution),
    )


def _against(moved: float, contribution: float) -> bool | None:
    """Whether leaving out took back at least some of what was added; None where nothing was."""
    return moved * contribution < 0 if contribution else None
