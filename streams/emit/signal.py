"""Signals: a value of a customer, or of a model, has changed."""

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.emissions.signals import CustomerSignal
from touchstream.schemas.envelope import OWN_SOURCE
from touchstream.schemas.registry import TICK_TYPE
from touchstream.schemas.topics import CUSTOMER_SIGNALS_TOPIC
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.emit.identity import emission_id
from touchstream.streams.learn.governance import Signal


def customer_signal(
    subject: CustomerId, data: CustomerSignal, cause: Cause, now_ms: Millis
) -> Emission:
    """The emission of topic ``customer-signals``; one per signal and cause."""
    return Emission(
        type="customer.signal",
        topic=CUSTOMER_SIGNALS_TOPIC,
        id=emission_id(subject, cause, f"customer.signal {data.signal}"),
        subject=subject,
        time_ms=now_ms,
        data=data,
    )


def model_signal(data: Signal, tick: int, rules_digest: str) -> Emission:
    """The learner's signal about a target's model; its subject is the model."""
    cause = Cause(type=TICK_TYPE, source=OWN_SOURCE, id=str(tick))
    signal = CustomerSignal(
        signal=data.name, before=data.before, value=data.value, rules=rules_digest, cause=cause
    )
    return customer_signal(CustomerId(f"touchstream.{data.target}"), signal, cause, data.at_ms)
