"""The emission of a crossing between risk bands, with its reasons."""

from collections.abc import Sequence

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.emissions.risk import Reason, RiskChanged
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.emit.identity import emission_id
from touchstream.streams.features.feature import FeatureList

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
    features: FeatureList, now: Sequence[float], before: Sequence[float] | None
) -> tuple[Reason, ...]:
    """The feature groups with the largest absolute contributions, largest first.

    ``now`` holds each feature's contribution to the log-odds; ``before`` each group's at the last
    emission, or None before the first.
    """
    groups, sums = features.groups.all, features.groups.sums(now)
    order = sorted(range(len(sums)), key=lambda place: -abs(sums[place]))
    return tuple(
        Reason(
            feature=features.names[lead],
            text=features.features[lead].text,
            contribution=round(sums[place], 4),
            change=None if before is None else round(sums[place] - before[place], 4),
        )
        for place, lead in [
            (place, groups[place].lead(now))
            for place in order[:REASONS]
            if abs(sums[place]) >= LEAST_LOG_ODDS
        ]
    )
