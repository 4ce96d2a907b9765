import orjson
import pytest

from tests.unit.streams.intake.records import (
    NOON_MS,
    VISIT,
    VISIT_HEADERS,
    arrive,
    at_home,
    record,
    refuse,
    visit,
)
from touchstream.schemas.dead_letter import Header
from touchstream.schemas.tick import ActiveConfig, Tick
from touchstream.schemas.touchpoints.customers import CustomerErased
from touchstream.streams.intake.decode import decode
from touchstream.streams.outcome import Reject

DATA = orjson.dumps(VISIT["data"])


def with_header(name: str, value: bytes | None) -> tuple[Header, ...]:
    """Headers of the visit with one more, or with another value for one of them."""
    others = tuple(header for header in VISIT_HEADERS if header[0] != name)
    return (*others, (name, value))


def test_the_same_event_in_binary_and_in_structured_mode_is_the_same_arrival() -> None:
    assert arrive(record(DATA, headers=VISIT_HEADERS)) == arrive(record(visit()))


def test_headers_of_others_leave_a_structured_event_as_it_is() -> None:
    traced: tuple[Header, ...] = (("traceparent", b"\xff"), ("content-type", b"application/json"))
    assert arrive(record(visit(), headers=traced)) == arrive(record(visit()))


def test_a_content_type_of_cloudevents_means_structured_mode_whatever_else_the_headers_say() -> (
    None
):
    headers: tuple[Header, ...] = (
        ("Content-Type", b"Application/CloudEvents+json; charset=utf-8"),
        ("ce_id", b"another"),
    )
    assert arrive(record(visit(), headers=headers)).event.id == "e1"


def test_extension_headers_are_ignored() -> None:
    extended = with_header("ce_tenant", b"\xff\xfe")
    assert arrive(record(DATA, headers=extended)) == arrive(record(visit()))


def test_of_a_header_sent_twice_the_last_counts() -> None:
    twice = (*VISIT_HEADERS, ("ce_id", b"e2"))
    assert arrive(record(DATA, headers=twice)).event.id == "e2"


def test_a_content_type_is_not_needed() -> None:
    bare = VISIT_HEADERS[:-1]
    assert arrive(record(DATA, headers=bare)) == arrive(record(visit()))


@pytest.mark.parametrize(
    "content_type", [b"application/vnd.shop+json", b"APPLICATION/JSON", b"text/json", b""]
)
def test_any_json_media_type_serves(content_type: bytes) -> None:
    found = arrive(record(DATA, headers=with_header("content-type", content_type)))
    assert found == arrive(record(visit()))


@pytest.mark.parametrize("content_type", [b"text/xml", b"application/avro", b"\xff"])
def test_another_media_type_is_refused(content_type: bytes) -> None:
    letter = refuse(record(DATA, headers=with_header("content-type", content_type)))
    assert letter == Reject("bad_content_type", "content-type: want application/json")


@pytest.mark.parametrize("kind", [b"application/cloudevents+avro", b"application/cloudevents+x"])
def test_a_cloudevent_that_is_no_json_is_refused(kind: bytes) -> None:
    letter = refuse(record(visit(), headers=(("content-type", kind),)))
    assert letter == Reject("bad_content_type", "content-type: want application/json")


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "subject", "time"])
def test_a_header_without_a_value_is_a_missing_attribute(name: str) -> None:
    letter = refuse(record(DATA, headers=with_header(f"ce_{name}", None)))
    assert letter == Reject("missing_attribute", f"{name}: want it in every event")


@pytest.mark.parametrize("name", ["id", "source", "type", "subject"])
def test_a_header_that_is_not_utf_8_is_refused(name: str) -> None:
    letter = refuse(record(DATA, headers=with_header(f"ce_{name}", b"zo\xeb")))
    assert letter == Reject("bad_string", f"{name}: want UTF-8")


def test_an_event_that_requires_no_data_may_have_an_empty_value() -> None:
    headers = with_header("ce_type", b"customer.erased")
    assert arrive(record(b"", headers=headers)).event.data == CustomerErased()


def test_data_that_is_not_json_is_refused() -> None:
    assert refuse(record(b"{", headers=VISIT_HEADERS)).reason == "not_json"


def test_data_that_is_no_object_is_refused() -> None:
    assert refuse(record(b"[]", headers=VISIT_HEADERS)) == Reject(
        "bad_data", "Expected `object`, got `array`"
    )


def test_a_tick_may_come_in_binary_mode() -> None:
    headers: tuple[Header, ...] = (
        ("ce_specversion", b"1.0"),
        ("ce_id", b"7"),
        ("ce_source", b"touchstream"),
        ("ce_type", b"touchstream.tick"),
        ("ce_time", b"2026-01-02T12:00:00Z"),
    )
    data = orjson.dumps({"number": 7, "model_version": 0, "rules": "r", "features": "f"})
    active_config = ActiveConfig(model_version=0, rules="r", features="f")
    tick = Tick(number=7, time_ms=NOON_MS, active_config=active_config)
    assert decode(record(data, key=None, headers=headers), at_home(None)) == tick
