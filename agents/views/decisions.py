"""A customer's last decisions: every arm, why others were left out, and what came of it.

They are read from the log, because a state keeps what was recommended and not what it was chosen
from.
"""

from collections.abc import Sequence
from typing import NamedTuple

from touchstream.agents.views.event_log import LogReading
from touchstream.agents.views.log_records import (
    OUTCOME,
    Outcome,
    erased_until,
    recommendations_in,
    touchpoints_in,
)
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.units import Millis
from touchstream.streams.decide.policy import DO_NOTHING

MOST_SHOWN = 5


class Arm(NamedTuple):
    """An action that could be chosen."""

    action: str
    probability: float
    """0..1; those of a decision sum to 1."""
    value_minor: float | None
    """Expected value in minor units; None: the log does not say."""


class DecisionView(NamedTuple):
    """A decision about a customer."""

    at_ms: Millis
    data: ActionRecommended
    arms: Sequence[Arm]
    """The likeliest first."""
    outcomes: Sequence[Outcome]
    """So far, the oldest first."""

    @property
    def acts(self) -> bool:
        """Whether an action was recommended."""
        return self.data.action != DO_NOTHING


def last_decisions(
    reading: LogReading, erased_ms: Millis | None, most: int = MOST_SHOWN
) -> list[DecisionView]:
    """The newest decisions of a customer's records, none from before an erasure."""
    touchpoints = list(touchpoints_in(reading.touchpoints.records))
    from_ms = erased_until(touchpoints, erased_ms)
    outcomes: dict[str, list[Outcome]] = {}
    for one in sorted(touchpoints, key=lambda one: one.at_ms):
        if one.kind == OUTCOME:
            step = Outcome(one.at_ms, str(one.data.get("outcome")))
            outcomes.setdefault(str(one.data.get("decision")), []).append(step)
    found = [
        DecisionView(at_ms, data, _arms(data), outcomes.get(data.decision, ()))
        for at_ms, data in recommendations_in(reading.actions.records)
        if at_ms > from_ms
    ]
    return sorted(found, key=lambda one: (-one.at_ms, one.data.decision))[:most]


def _arms(data: ActionRecommended) -> list[Arm]:
    arms = [
        Arm(action, probability, data.values_minor.get(action))
        for action, probability in data.probabilities.items()
    ]
    return sorted(arms, key=lambda arm: (-arm.probability, arm.action))
