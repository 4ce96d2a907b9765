"""The newest risk of a customer, and its withdrawal, on the compacted topic ``customer-risk``."""

from datetime import UTC, datetime, timedelta

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.customer_risk import CustomerRisk
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.topics import CUSTOMER_RISK_TOPIC
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.emit.identity import emission_id

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def customer_risk(
    subject: CustomerId, data: CustomerRisk, cause: Cause, now_ms: Millis
) -> Emission:
    """The record that replaces the customer's one before; at most one per customer and step."""
    return _emission(subject, data, cause, now_ms)


def withdrawn(subject: CustomerId, cause: Cause, now_ms: Millis) -> Emission:
    """The tombstone that removes the customer from the topic."""
    return _emission(subject, None, cause, now_ms)


def moment(at_ms: Millis) -> datetime:
    """A moment as the data of an emission holds it.

    >>> moment(Millis(1_500)).isoformat()
    '1970-01-01T00:00:01.500000+00:00'
    """
    return _EPOCH + timedelta(milliseconds=at_ms)


def _emission(
    subject: CustomerId, data: CustomerRisk | None, cause: Cause, now_ms: Millis
) -> Emission:
    return Emission(
        type="customer.risk",
        topic=CUSTOMER_RISK_TOPIC,
        id=emission_id(subject, cause, "customer.risk"),
        subject=subject,
        time_ms=now_ms,
        data=data,
    )
