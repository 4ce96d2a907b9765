"""A state as version 3 named it: one set of fields for what is now header, profile and slots."""

from typing import Any

from tests.golden.core import by_name
from tests.golden.worlds import rules
from touchstream.schemas.units import DAY_MS
from touchstream.streams.projections.churn import Churn
from touchstream.streams.projections.decisions import DecisionsState
from touchstream.streams.projections.read import churn_of, decisions_of, relation_of, targets_of
from touchstream.streams.projections.targets import Targets
from touchstream.streams.state import State

NAMES = {
    "outcome_flags": "marks",
    "offer_probability": "offered",
    "last_emitted_contributions": "told",
    "last_emitted_risk": "told_risk",
}


def as_version_3(state: State) -> dict[str, Any]:
    """The fields that are not at their defaults, by their names of then."""
    targets = targets_of(state)
    header = by_name(State(state.profile, state.memory, None, state.erased_ms))
    decisions = DecisionsState(decisions_of(state).recommended_ms)  # which was newest is newer
    whole: dict[str, Any] = header | by_name(churn_of(state)) | by_name(decisions)
    relation = relation_of(state)
    if relation is not None:
        whole["snapshot_due_ms"] = relation.snapshot_due_ms
    wake_at_ms = _wake_at_ms(state)
    if wake_at_ms is not None:
        whole["wake_at_ms"] = wake_at_ms
    if targets.ledgers:
        whole["targets"] = by_name(targets.ledgers)
    if targets.raised:
        whole["raised"] = by_name(targets.raised)
    renamed: dict[str, Any] = _named(whole)
    return renamed


def _wake_at_ms(state: State) -> int | None:
    """The earliest timer of what version 3 knew: churn, targets and the tombstone.

    Projections that were added since have timers of their own, which may come before these.
    """
    timers: list[int] = [
        slot.next_timer_ms
        for slot in state.slots
        if slot.number in (Churn.slot, Targets.slot) and slot.next_timer_ms is not None
    ]
    if state.erased_ms is not None:
        timers.append(state.erased_ms + rules().intake.allowed_lateness_days * DAY_MS + 1)
    return min(timers, default=None)


def _named(value: Any) -> Any:  # noqa: ANN401 - any part of a state
    if isinstance(value, dict):
        return {NAMES.get(name, name): _named(held) for name, held in value.items()}
    if isinstance(value, list):
        return [_named(each) for each in value]
    return value
