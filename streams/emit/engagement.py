"""A drop in engagement, with the levels it is judged by."""

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.engagement import EngagementDropping
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.topics import CUSTOMER_SIGNALS_TOPIC
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.emit.identity import emission_id


def engagement_dropping(
    subject: CustomerId, data: EngagementDropping, cause: Cause, now_ms: Millis
) -> Emission:
    """The emission of topic ``customer-signals``; a tick finds at most one drop of a customer."""
    return Emission(
        type="engagement.dropping",
        topic=CUSTOMER_SIGNALS_TOPIC,
        id=emission_id(subject, cause, "engagement.dropping"),
        subject=subject,
        time_ms=now_ms,
        data=data,
    )
