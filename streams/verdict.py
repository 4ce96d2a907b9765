"""From a profile to a risk, from a risk to what is said of it."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from schemas.emissions.cause import Cause
from schemas.emissions.envelope import Emission
from schemas.emissions.risk import RiskChanged
from schemas.rules import Band
from schemas.units import CustomerId, Millis
from streams.decide.bands import Crossing, held_back, next_band, rises
from streams.decide.policy import DO_NOTHING, Situation, choose
from streams.emit.action import action_recommended
from streams.emit.risk import reasons, risk_changed
from streams.learn.scorer import Scorer
from streams.models import Models
from streams.profiles.profile import Profile
from streams.state import State


class Scored(NamedTuple):
    """What a model says of a profile at a moment."""

    at_ms: Millis
    """Nothing that is known of the customer lies after it."""
    risk: float
    vector: bytes
    """The features as the ledger stores them: what is learnt later is what was seen now."""
    contributions: Sequence[float]
    subscribed: bool
    """A subscription was running."""
    scorer: Scorer


def score(profile: Profile, models: Models) -> Scored | None:
    """Score a profile as of the last tick or its newest event; None before the first tick."""
    scorer = models.scorer
    if scorer is None or models.clock_ms is None:
        return None
    at_ms = max(profile.last_seen_ms, models.clock_ms)
    vector = models.features.vector(profile, at_ms)
    found = scorer.score(models.features.unpack(vector))
    running = profile.subscription is not None and profile.subscription.running(at_ms)
    return Scored(at_ms, found.risk, vector, found.contributions, running, scorer)


def judge(
    state: State,
    subject: CustomerId,
    scored: Scored | None,
    models: Models,
    cause: Cause,
    now_ms: Millis,
) -> tuple[State, Sequence[Emission]]:
    """Take the score into the state; say so when it crosses into another band, and what to do."""
    if scored is None:
        return state, ()
    state = msgspec.structs.replace(state, risk=scored.risk)
    band = _band(state, scored, models, now_ms)
    if band is None or band == state.band:
        return state, ()
    if state.band is None and band == "low":
        return msgspec.structs.replace(state, band=band), ()
    crossed, told = _cross(state, band, subject, scored, models, cause, now_ms)
    if not rises(state.band, band):
        return crossed, (told,)
    decided, action = _decide(crossed, band, subject, scored, models, cause, now_ms)
    return decided, (told, action)


def _band(state: State, scored: Scored, models: Models, now_ms: Millis) -> Band | None:
    """The band to be in now; None while too little was learnt to put anybody anywhere."""
    rules = models.rules
    if scored.scorer.model.examples < rules.learning.minimum_examples:
        return state.band
    band = next_band(state.band, scored.risk, rules.bands)
    if state.band is None or band == state.band:
        return band
    turned = held_back(state.band, band, state.crossing, now_ms, rules.bands)
    return state.band if turned else band


def _cross(
    state: State,
    band: Band,
    subject: CustomerId,
    scored: Scored,
    models: Models,
    cause: Cause,
    now_ms: Millis,
) -> tuple[State, Emission]:
    changed = RiskChanged(
        horizon_days=models.rules.churn.horizon_days,
        risk_before=state.told_risk,
        risk=scored.risk,
        band_before=state.band,
        band=band,
        n=scored.scorer.model.examples,
        model_version=models.version,
        rules=models.policy,
        reasons=reasons(models.features, scored.contributions, _before(state, scored, models)),
        cause=cause,
    )
    crossed = msgspec.structs.replace(
        state,
        band=band,
        crossing=Crossing(now_ms, rises(state.band, band)),
        told=scored.vector,
        told_risk=scored.risk,
    )
    return crossed, risk_changed(subject, changed, cause, now_ms)


def _before(state: State, scored: Scored, models: Models) -> Sequence[float] | None:
    """Contributions at the last emission, by today's model; None where there is none to compare."""
    if state.told is None or len(state.told) != len(scored.vector):
        return None
    return scored.scorer.contributions(models.features.unpack(state.told))


def _decide(
    state: State,
    band: Band,
    subject: CustomerId,
    scored: Scored,
    models: Models,
    cause: Cause,
    now_ms: Millis,
) -> tuple[State, Emission]:
    assert state.profile is not None  # who is scored has a profile
    situation = Situation(
        subject=subject,
        profile=state.profile,
        risk=scored.risk,
        band=band,
        recommended_ms=state.recommended_ms,
        now_ms=now_ms,
        cause=f"{cause.source} {cause.id}",
    )
    choice = choose(situation, models.rules)
    emission = action_recommended(
        situation, choice, models.rules, models.policy, models.version, cause
    )
    if choice.action == DO_NOTHING:
        return state, emission
    names = {rule.name for rule in models.rules.actions}  # what is no action any more is forgotten
    recommended = {name: at for name, at in state.recommended_ms.items() if name in names}
    recommended[choice.action] = now_ms
    return msgspec.structs.replace(state, recommended_ms=recommended), emission
