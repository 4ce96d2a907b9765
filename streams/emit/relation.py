"""The emission of a change of the relation."""

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.emissions.relation import RelationChanged
from touchstream.schemas.topics import CUSTOMER_SIGNALS_TOPIC
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.emit.identity import emission_id


def relation_changed(
    subject: CustomerId, data: RelationChanged, cause: Cause, now_ms: Millis
) -> Emission:
    """The emission of topic ``customer-signals``; at most one per customer and step."""
    return Emission(
        type="customer.relation_changed",
        topic=CUSTOMER_SIGNALS_TOPIC,
        id=emission_id(subject, cause, "customer.relation_changed"),
        subject=subject,
        time_ms=now_ms,
        data=data,
    )
