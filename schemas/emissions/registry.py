"""Every event type that touchstream emits, and where to."""

from typing import NamedTuple

from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.alerts import AlertRaised
from touchstream.schemas.emissions.risk import RiskChanged
from touchstream.schemas.emissions.signals import CustomerSignal
from touchstream.schemas.topics import (
    ALERTS_TOPIC,
    CHURN_RISK_TOPIC,
    CUSTOMER_SIGNALS_TOPIC,
    NEXT_BEST_ACTION_TOPIC,
)

EmittedData = RiskChanged | ActionRecommended | AlertRaised | CustomerSignal


class EmittedType(NamedTuple):
    """One emitted event type."""

    name: str
    """The CloudEvents type."""
    data: type[EmittedData]
    topic: str


_TYPES = (
    EmittedType("churn.risk_changed", RiskChanged, CHURN_RISK_TOPIC),
    EmittedType("action.recommended", ActionRecommended, NEXT_BEST_ACTION_TOPIC),
    EmittedType("alert.raised", AlertRaised, ALERTS_TOPIC),
    EmittedType("customer.signal", CustomerSignal, CUSTOMER_SIGNALS_TOPIC),
)

EMITTED: dict[str, EmittedType] = {kind.name: kind for kind in _TYPES}
"""Emitted type by its CloudEvents name."""
