"""The emission of a crossing between bands of the probability of a return."""

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.emissions.returning import ReturnChanged
from touchstream.schemas.topics import CUSTOMER_SIGNALS_TOPIC
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.emit.identity import emission_id


def return_changed(
    subject: CustomerId, data: ReturnChanged, cause: Cause, now_ms: Millis
) -> Emission:
    """The emission of topic ``customer-signals``; at most one per customer and step."""
    return Emission(
        type="return.probability_changed",
        topic=CUSTOMER_SIGNALS_TOPIC,
        id=emission_id(subject, cause, "return.probability_changed"),
        subject=subject,
        time_ms=now_ms,
        data=data,
    )
