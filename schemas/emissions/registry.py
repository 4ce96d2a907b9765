"""Every event type that touchstream emits, and where to."""

from typing import Literal, NamedTuple

from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.alerts import AlertCleared, AlertRaised, AlertUpdated
from touchstream.schemas.emissions.customer_risk import CustomerRisk
from touchstream.schemas.emissions.engagement import EngagementDropping
from touchstream.schemas.emissions.relation import RelationChanged
from touchstream.schemas.emissions.returning import ReturnChanged
from touchstream.schemas.emissions.risk import RiskChanged
from touchstream.schemas.emissions.signals import CustomerSignal
from touchstream.schemas.topics import (
    ALERTS_TOPIC,
    CHURN_RISK_TOPIC,
    CUSTOMER_RISK_TOPIC,
    CUSTOMER_SIGNALS_TOPIC,
    NEXT_BEST_ACTION_TOPIC,
)

EmittedData = (
    RiskChanged
    | ActionRecommended
    | AlertRaised
    | AlertUpdated
    | AlertCleared
    | CustomerSignal
    | EngagementDropping
    | RelationChanged
    | ReturnChanged
    | CustomerRisk
)

EventClass = Literal["descriptive", "diagnostic", "predictive", "prescriptive"]
"""What happened, why it did, what will happen, what to do."""


class EmittedType(NamedTuple):
    """One emitted event type."""

    name: str
    """The CloudEvents type."""
    data: type[EmittedData]
    topic: str
    event_class: EventClass


_TYPES = (
    EmittedType("churn.risk_changed", RiskChanged, CHURN_RISK_TOPIC, "predictive"),
    EmittedType("action.recommended", ActionRecommended, NEXT_BEST_ACTION_TOPIC, "prescriptive"),
    EmittedType("alert.raised", AlertRaised, ALERTS_TOPIC, "prescriptive"),
    EmittedType("alert.updated", AlertUpdated, ALERTS_TOPIC, "prescriptive"),
    EmittedType("alert.cleared", AlertCleared, ALERTS_TOPIC, "descriptive"),
    EmittedType("customer.signal", CustomerSignal, CUSTOMER_SIGNALS_TOPIC, "predictive"),
    EmittedType("engagement.dropping", EngagementDropping, CUSTOMER_SIGNALS_TOPIC, "descriptive"),
    EmittedType(
        "customer.relation_changed", RelationChanged, CUSTOMER_SIGNALS_TOPIC, "descriptive"
    ),
    EmittedType("return.probability_changed", ReturnChanged, CUSTOMER_SIGNALS_TOPIC, "predictive"),
    EmittedType("customer.risk", CustomerRisk, CUSTOMER_RISK_TOPIC, "predictive"),
)

EMITTED: dict[str, EmittedType] = {kind.name: kind for kind in _TYPES}
"""Emitted type by its CloudEvents name."""
