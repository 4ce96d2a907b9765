"""Answers of reps as touchpoints, the same from every front end, and their way into Kafka."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from touchstream.agents import clients
from touchstream.agents.kafka import physical_topics
from touchstream.agents.settings import KafkaSettings
from touchstream.schemas.envelope import SPECVERSION, format_time
from touchstream.schemas.topics import TOUCHPOINTS_TOPIC
from touchstream.schemas.touchpoints.actions import ActionOutcome, AlertFeedback
from touchstream.schemas.units import Millis

FEEDBACK = "alert.feedback"
OUTCOME = "action.outcome"


class Origin(NamedTuple):
    """The request that an answer is part of."""

    source: str
    """The front end, as ``source`` of the event: touchstream/cli."""
    request: str
    """Its id: the same request again gives the same events, which then count once."""
    at_ms: Millis


class Touchpoint(NamedTuple):
    """A CloudEvent for the topic of touchpoints."""

    id: str
    key: bytes
    """The customer, in UTF-8; it decides the partition."""
    value: bytes


def feedback_event(customer: str, answer: AlertFeedback, origin: Origin) -> Touchpoint:
    """An ``alert.feedback`` about an alert of this customer."""
    return touchpoint(customer, FEEDBACK, answer, origin, answer.alert)


def outcome_event(customer: str, outcome: ActionOutcome, origin: Origin) -> Touchpoint:
    """An ``action.outcome`` of an action that was recommended for this customer."""
    return touchpoint(customer, OUTCOME, outcome, origin, outcome.decision)


def touchpoint(
    customer: str,
    kind: str,
    data: msgspec.Struct | Mapping[str, object],
    origin: Origin,
    about: str = "",
) -> Touchpoint:
    """A CloudEvent; ``about`` tells apart those of a kind in one request about one customer."""
    # Names contain no NUL, so different parts never give the same material.
    material = "\0".join((origin.source, origin.request, kind, customer, about))
    event_id = hashlib.blake2b(material.encode(), digest_size=16).hexdigest()
    event = {
        "specversion": SPECVERSION,
        "id": event_id,
        "source": origin.source,
        "type": kind,
        "subject": customer,
        "time": format_time(origin.at_ms),
        "datacontenttype": "application/json",
        "data": data,
    }
    return Touchpoint(event_id, customer.encode(), msgspec.json.encode(event))


def publish(kafka: KafkaSettings, events: Sequence[Touchpoint]) -> None:
    """Return once every event is durable; blocking, so never on an event loop.

    Raises
    ------
    touchstream.agents.clients.NoBroker
        The broker did not take all of them; those it took count once if they are sent again.
    """
    topic = physical_topics(kafka)[TOUCHPOINTS_TOPIC]
    with clients.producer(kafka, topic) as producer:
        sent = [producer.send(topic, key=event.key, value=event.value) for event in events]
        producer.flush()
        for each in sent:
            each.get(kafka.patience_s)
