"""Verification of reasons by leaving out the events behind them.

All other events are folded again and scored at the same moment: a reason that raised the risk is
verified if the log-odds fall without its events.
"""

from collections.abc import Iterable, Iterator
from math import isnan

import msgspec

from touchstream.schemas.units import Millis
from touchstream.streams.context import ServingContext
from touchstream.streams.explanation import ExplainedReason, Explanation, Proof
from touchstream.streams.features.feature import FeatureList
from touchstream.streams.history import History, Past
from touchstream.streams.learn.numbers import logit
from touchstream.streams.learn.scorer import Scorer
from touchstream.streams.profiles.fold import fold
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.state import State

ACTIVITY = "activity"
"""Stands for every family in features that read all signs of life."""


def verify(
    explanation: Explanation, state: State, history: History, models: ServingContext
) -> Explanation:
    """Verify every reason by the customer's own events.

    The stored state may include events that the log has lost. Verification compares the history
    with itself, so lost events do not distort it.
    """
    scorer, profile = (models.scorers or {})[explanation.target], state.profile
    assert profile is not None  # explain() needs one
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


def _proved(
    reasons: Iterable[ExplainedReason],
    at_ms: Millis,
    profile: Profile,
    history: History,
    scorer: Scorer,
    features: FeatureList,
) -> Iterator[ExplainedReason]:
    """Each reason with the risk without its events."""

    def without(about: tuple[str, ...]) -> tuple[int, float]:
        kept = [past for past in history.events if not _is_about(past, about)]
        vector = features.vector(_folded(profile, kept), at_ms)
        risk = scorer.score(features.unpack(vector), at_ms).risk
        return len(history.events) - len(kept), risk

    # Not the score of the stored state, which may know of lost events.
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
    return past.event.family in about or (past.active and ACTIVITY in about)


def _folded(profile: Profile, events: Iterable[Past]) -> Profile:
    """The profile of a customer with these events alone, known for the same time."""
    found = _nobody(profile)
    for event, active in events:
        found = fold(found, event, active)
    return found


def _nobody(profile: Profile) -> Profile:
    """An empty profile; how long the customer is known stays, as it belongs to no event."""
    return Profile(first_seen_ms=profile.first_seen_ms, last_seen_ms=profile.last_seen_ms)
