"""A crossing of risk bands, told with its reasons."""

from collections.abc import Sequence

from schemas.emissions.cause import Cause
from schemas.emissions.envelope import Emission
from schemas.emissions.risk import Reason, RiskChanged
from schemas.units import CustomerId, Millis
from streams.emit.identity import emission_id
from streams.features.feature import FeatureList

REASONS = 5  # more than a rep reads
LEAST_LOG_ODDS = 0.01  # below it a feature explains nothing


def risk_changed(subject: CustomerId, told: RiskChanged, cause: Cause, now_ms: Millis) -> Emission:
    """The emission of topic ``churn-risk``."""
    return Emission(
        type="churn.risk_changed",
        topic="churn-risk",
        id=emission_id(subject, cause, "churn.risk_changed"),
        subject=subject,
        time_ms=now_ms,
        data=told,
    )


def reasons(
    features: FeatureList, now: Sequence[float], before: Sequence[float] | None
) -> tuple[Reason, ...]:
    """The features that add most to or take most from the log-odds, largest first.

    ``now`` and ``before`` are contributions in the order of ``features``; ``before`` those of the
    last emission, under the same model, or None where there was none.
    """
    order = sorted(range(len(now)), key=lambda position: (-abs(now[position]), position))
    return tuple(
        Reason(
            feature=features.names[position],
            text=features.features[position].text,
            contribution=round(now[position], 4),
            change=None if before is None else round(now[position] - before[position], 4),
        )
        for position in order[:REASONS]
        if abs(now[position]) >= LEAST_LOG_ODDS
    )
