"""The emission of a crossing between risk bands, with its reasons."""

from collections.abc import Sequence
from math import floor

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.emissions.risk import Bound, Direction, Reason, RiskChanged
from touchstream.schemas.envelope import format_time
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.emit.identity import emission_id
from touchstream.streams.emit.sentences import Sentence, Teller
from touchstream.streams.features.feature import FeatureList
from touchstream.streams.features.groups import FeatureGroup

REASONS = 5  # more than a person reads
LEAST_LOG_ODDS = 0.01  # a smaller contribution explains nothing


def risk_changed(subject: CustomerId, data: RiskChanged, cause: Cause, now_ms: Millis) -> Emission:
    """The emission of topic ``churn-risk``."""
    return Emission(
        type="churn.risk_changed",
        topic="churn-risk",
        id=emission_id(subject, cause, "churn.risk_changed"),
        subject=subject,
        time_ms=now_ms,
        data=data,
    )


def reasons(
    features: FeatureList,
    added: Sequence[float],
    sums: Sequence[float],
    before: Sequence[float] | None,
    teller: Teller,
    direction: Direction,
) -> tuple[Reason, ...]:
    """The facts of the feature groups that pull most in ``direction``, the strongest first.

    A group without a fact to tell is left out, and the next one takes its place. A group that has
    fallen since the last emission lowers the risk even if it still speaks for leaving: a customer
    who is back after a month has been away for longer than most.

    Parameters
    ----------
    added
        Each feature's contribution to the log-odds.
    sums
        Each group's: :meth:`FeatureGroups.sums` of ``added``.
    before
        Each group's at the last emission; None before the first.
    """
    found: list[Reason] = []
    for place in _by_pull(sums, before, direction):
        lead = strongest(features, features.groups.all[place], added, teller, direction)
        if lead is not None:
            feature, words = lead
            total = sums[place]
            change = None if before is None else round(total - before[place], 4)
            name = features.names[feature]
            found.append(typed_reason(name, words, round(total, 4), change, direction))
            if len(found) == REASONS:
                break
    return tuple(found)


def _by_pull(
    sums: Sequence[float], before: Sequence[float] | None, direction: Direction
) -> list[int]:
    """The groups that pull in a direction, the strongest first."""
    if direction == "raises":
        pulls = [-one for one in sums]
    elif before is None:
        pulls = list(sums)
    else:
        pulls = [min(now, now - then) for now, then in zip(sums, before, strict=True)]
    strong = [(pull, place) for place, pull in enumerate(pulls) if pull <= -LEAST_LOG_ODDS]
    return [place for _, place in sorted(strong)]


def strongest(
    features: FeatureList,
    group: FeatureGroup,
    added: Sequence[float],
    teller: Teller,
    direction: Direction,
) -> tuple[int, Sentence] | None:
    """The feature of a group that pulls most of those that can be told, with its sentence."""
    for place in group.by_pull(added, LEAST_LOG_ODDS, raises=direction == "raises"):
        words = teller.sentence(features.features[place], direction)
        if words is not None:
            return place, words
    return None


def typed_reason(
    feature: str, words: Sentence, contribution: float, change: float | None, direction: Direction
) -> Reason:
    """A sentence and its parts as emissions carry them."""
    fact = words.fact
    return Reason(
        feature=feature,
        text=words.text,
        contribution=contribution,
        change=change,
        kind=fact.kind,
        value=_rounded(words.value, words.bound),
        bound=words.bound,
        unit=fact.unit,
        usual=None if words.usual is None else round(words.usual, 4),
        compared_with=words.compared_with,
        direction=direction,
        at=None if fact.at_ms is None else format_time(fact.at_ms),
        currency=fact.currency,
    )


def _rounded(value: float, bound: Bound) -> float:
    """Four decimals; a lower bound stays one (upper bounds are whole)."""
    return floor(value * 10_000) / 10_000 if bound == "at_least" else round(float(value), 4)
