"""The emission of a drop in engagement, with the levels behind it."""

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.engagement import EngagementDropping
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.topics import CUSTOMER_SIGNALS_TOPIC
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.emit.identity import emission_id


def engagement_dropping(
    subject: CustomerId, data: EngagementDropping, cause: Cause, now_ms: Millis
) -> Emission:
    """The emission of topic ``customer-signals``; at most one per customer and tick."""
    return Emission(
        type="engagement.dropping",
        topic=CUSTOMER_SIGNALS_TOPIC,
        id=emission_id(subject, cause, "engagement.dropping"),
        subject=subject,
        time_ms=now_ms,
        data=data,
    )
