"""A customer's last decisions: every arm, why others were left out, and what came of it.

They are read from the log, because a state keeps what was recommended and not what it was chosen
from.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from touchstream.agents.views.event_log import LogReading
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.envelope import decode_emission
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.units import Millis
from touchstream.streams.decide.policy import DO_NOTHING
from touchstream.streams.intake.modes import attributes_of
from touchstream.streams.records import Record

OUTCOME, ERASED = "action.outcome", "customer.erased"
MOST_SHOWN = 5


class Arm(NamedTuple):
    """An action that could be chosen."""

    action: str
    probability: float
    """0..1; those of a decision sum to 1."""
    value_minor: float | None
    """Expected value in minor units; None: the log does not say."""


class Outcome(NamedTuple):
    """A step of what came of an action."""

    at_ms: Millis
    outcome: str


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
    happened = list(_happened(reading.touchpoints.records))
    erasures = [at_ms for at_ms, kind, _ in happened if kind == ERASED]
    from_ms = max([*erasures, -1 if erased_ms is None else erased_ms])
    outcomes: dict[str, list[Outcome]] = {}
    for at_ms, kind, data in sorted(happened, key=lambda one: one[0]):
        if kind == OUTCOME:
            step = Outcome(at_ms, str(data.get("outcome")))
            steps = outcomes.setdefault(str(data.get("decision")), [])
            # A repeated event tells nothing new.
            if step not in steps:
                steps.append(step)
    found = [
        DecisionView(at_ms, data, _arms(data), outcomes.get(data.decision, ()))
        for at_ms, data in _decided(reading.actions.records)
        if at_ms > from_ms
    ]
    return sorted(found, key=lambda one: (-one.at_ms, one.data.decision))[:most]


def _decided(records: Iterable[Record]) -> Iterator[tuple[Millis, ActionRecommended]]:
    seen: set[str] = set()
    for record in records:
        try:
            emission, _ = decode_emission(record.value)
        except ValueError:
            continue  # of a later build
        data = emission.data
        if isinstance(data, ActionRecommended) and data.decision not in seen:
            seen.add(data.decision)
            yield emission.time_ms, data


def _happened(records: Iterable[Record]) -> Iterator[tuple[Millis, str, dict[str, object]]]:
    """Outcomes and erasures; what is no event is a dead letter elsewhere."""
    for record in records:
        attributes = attributes_of(record)
        if not isinstance(attributes, dict):
            continue
        kind, said, data = (attributes.get(name) for name in ("type", "time", "data"))
        if kind not in (OUTCOME, ERASED) or not isinstance(said, str):
            continue
        try:
            at_ms = parse_time(said)
        except ValueError:
            continue
        yield at_ms, str(kind), data if isinstance(data, dict) else {}


def _arms(data: ActionRecommended) -> list[Arm]:
    arms = [
        Arm(action, probability, data.values_minor.get(action))
        for action, probability in data.probabilities.items()
    ]
    return sorted(arms, key=lambda arm: (-arm.probability, arm.action))
