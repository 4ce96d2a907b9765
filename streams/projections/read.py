"""Access to the states of single projections, for display and explanations."""

from collections.abc import Mapping

from touchstream.schemas.units import Millis
from touchstream.streams.projections import (
    alerts,
    churn,
    customer_risk,
    decisions,
    relation,
    returning,
    targets,
)
from touchstream.streams.projections.alert_state import AlertsState
from touchstream.streams.projections.churn import ChurnState
from touchstream.streams.projections.customer_risk import CustomerRiskState
from touchstream.streams.projections.decisions import DecisionsState
from touchstream.streams.projections.registry import REGISTERED, slots_of
from touchstream.streams.projections.relation import RelationState
from touchstream.streams.projections.returning import ReturnState
from touchstream.streams.projections.targets import TargetsState
from touchstream.streams.state import State


def churn_of(state: State) -> ChurnState:
    """Risk, band and waiting snapshots of a customer."""
    found: ChurnState | None = slots_of(state).read(churn.Churn.name)
    return churn.NOTHING if found is None else found


def relation_of(state: State) -> RelationState | None:
    """The customer's relation; None for an erased one."""
    found: RelationState | None = slots_of(state).read(relation.RELATION)
    return found


def return_of(state: State) -> ReturnState:
    """Probability, band and waiting snapshots of a former customer."""
    found: ReturnState | None = slots_of(state).read(returning.Returning.name)
    return returning.NOTHING if found is None else found


def targets_of(state: State) -> TargetsState:
    """Waiting snapshots of the further targets."""
    found: TargetsState | None = slots_of(state).read(targets.Targets.name)
    return targets.NOTHING if found is None else found


def decisions_of(state: State) -> DecisionsState:
    """When each action was last recommended, and the decisions of a horizon."""
    found: DecisionsState | None = slots_of(state).read(decisions.Decisions.name)
    return DecisionsState() if found is None else found


def customer_risk_of(state: State) -> CustomerRiskState | None:
    """The customer's record on topic ``customer-risk``; None if they are not there."""
    found: CustomerRiskState | None = slots_of(state).read(customer_risk.CustomerRisk.name)
    return found


def alerts_of(state: State) -> AlertsState | None:
    """The customer's alerts; None if there are none."""
    found: AlertsState | None = slots_of(state).read(alerts.ALERTS)
    return found


def described(state: State, now_ms: Millis) -> dict[str, Mapping[str, object]]:
    """Projection -> its fields by name, for all projections with a state."""
    slots = slots_of(state)
    return {
        one.name: one.projection.describe(known, state.profile, now_ms)
        for one in REGISTERED
        if (known := slots.get(one)) is not None
    }
