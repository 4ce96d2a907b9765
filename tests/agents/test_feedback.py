"""Answers as touchpoints: what the intake makes of them, and their ids."""

import msgspec
import orjson
import pytest

from tests.make import moment
from touchstream.agents import clients
from touchstream.agents.cli.publish import Sound, check_line
from touchstream.agents.cli.reading import partitions_of, read, whole
from touchstream.agents.embedded.broker import EmbeddedBroker
from touchstream.agents.feedback import (
    Origin,
    Touchpoint,
    feedback_event,
    outcome_event,
    publish,
    touchpoint,
)
from touchstream.agents.settings import KafkaSettings
from touchstream.schemas.envelope import decode_data, format_time
from touchstream.schemas.touchpoints.actions import ActionOutcome, AlertFeedback
from touchstream.streams.intake.partitioner import partition_of

ORIGIN = Origin("touchstream/cli", "r1", moment("d9"))
SNOOZED = msgspec.convert(
    {"alert": "0a", "verdict": "snoozed", "rep": "ali", "worse_by": 0.1}, AlertFeedback
)
ACCEPTED = ActionOutcome(decision="d1", action="call_by_owner", outcome="accepted")


@pytest.mark.parametrize(
    "event",
    [feedback_event("ada", SNOOZED, ORIGIN), outcome_event("ada", ACCEPTED, ORIGIN)],
    ids=["feedback", "outcome"],
)
def test_an_answer_is_a_sound_touchpoint_of_its_customer(event: Touchpoint) -> None:
    assert check_line(event.value, "f:1") == Sound("f:1", b"ada", event.value, moment("d9"))
    assert event.key == b"ada"


def test_an_answer_is_read_as_it_was_given() -> None:
    found = orjson.loads(feedback_event("ada", SNOOZED, ORIGIN).value)
    assert decode_data(found["type"], found["data"]) == SNOOZED
    assert found["time"] == format_time(moment("d9"))
    found = orjson.loads(outcome_event("ada", ACCEPTED, ORIGIN).value)
    assert decode_data(found["type"], found["data"]) == ACCEPTED


def test_an_event_is_a_cloud_event_of_the_customer() -> None:
    event = touchpoint("cy", "alert.feedback", {"alert": "a"}, ORIGIN)
    assert orjson.loads(event.value) == {
        "specversion": "1.0",
        "id": event.id,
        "source": "touchstream/cli",
        "type": "alert.feedback",
        "subject": "cy",
        "time": format_time(moment("d9")),
        "datacontenttype": "application/json",
        "data": {"alert": "a"},
    }


def test_the_same_request_again_is_the_same_event() -> None:
    later = ORIGIN._replace(at_ms=moment("d10"))
    assert feedback_event("ada", SNOOZED, ORIGIN).id == feedback_event("ada", SNOOZED, later).id


def test_another_request_alert_customer_source_or_kind_is_another_event() -> None:
    other = msgspec.structs.replace(SNOOZED, alert="0b")
    about_the_same = ActionOutcome(decision="0a", action="call", outcome="sent")
    events = [
        feedback_event("ada", SNOOZED, ORIGIN),
        feedback_event("ada", SNOOZED, ORIGIN._replace(request="r2")),
        feedback_event("ada", SNOOZED, ORIGIN._replace(source="touchstream/console")),
        feedback_event("ada", other, ORIGIN),
        feedback_event("bob", SNOOZED, ORIGIN),
        outcome_event("ada", about_the_same, ORIGIN),
    ]
    assert len({event.id for event in events}) == len(events)


def test_published_answers_stand_on_the_customers_partition() -> None:
    events = [feedback_event("ada", SNOOZED, ORIGIN), outcome_event("ada", ACCEPTED, ORIGIN)]
    with EmbeddedBroker({"touchpoints": 2}) as broker:
        kafka = KafkaSettings(bootstrap=broker.bootstrap)
        publish(kafka, events)
        with clients.consumer(kafka, "touchpoints") as consumer:
            places = partitions_of(consumer, "touchpoints")
            records = list(read(consumer, whole(consumer, "touchpoints")))
    assert len(places) == 2
    assert [(one.key, one.value) for one in records] == [(each.key, each.value) for each in events]
    assert {one.partition for one in records} == {partition_of(b"ada", 2)}
