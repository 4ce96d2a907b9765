"""Own event types on their way through the intake."""

import orjson
import pytest

from tests.make import OWN_TYPES
from tests.unit.streams.intake.records import NOON_MS, at_home, record, visit
from touchstream.schemas.event_types import own_types
from touchstream.schemas.nearest import Suggestion
from touchstream.streams.intake.decode import Arrival, Unresolved, classify, decode, resolve
from touchstream.streams.intake.fingerprint import content_of, identity_of
from touchstream.streams.outcome import Drop, Reject

OWN = own_types(OWN_TYPES)
HOME = at_home(b"ada")


def reading(**data: object) -> bytes:
    return visit(type="meter.read", data=data)


def arrived(value: bytes) -> Arrival:
    found = decode(record(value), HOME, OWN)
    assert isinstance(found, Arrival), found
    return found


def test_a_reading_arrives_whole() -> None:
    arrival = arrived(reading(kwh=7))
    event = arrival.event
    assert (event.type, event.subject, event.time_ms) == ("meter.read", "ada", NOON_MS)
    assert event.data == OWN["meter.read"].data(kwh=7)  # type: ignore[call-arg]  # made at run time
    assert (event.family, event.by_customer) == ("content", True)
    assert arrival.content == content_of("meter.read", "ada", NOON_MS, event.data)
    assert arrival.identity == identity_of("https://shop.example", "e1")
    assert not arrival.unknown_fields


def test_a_type_of_the_business_is_not_by_the_customer() -> None:
    event = arrived(visit(type="contract.ended", data=None)).event
    assert (event.family, event.by_customer) == ("subscription", False)


def test_a_built_in_type_has_the_family_and_the_agent_of_the_registry() -> None:
    call = visit(type="call.ended", data={"call": "c", "direction": "outbound", "duration_s": 1})
    event = arrived(call).event
    assert (event.family, event.by_customer) == ("call", False)


def test_unknown_fields_of_an_own_type_are_counted() -> None:
    assert arrived(reading(kwh=7, colour="red", mood=None)).unknown_fields == ("colour", "mood")


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        ({}, "Object missing required field `kwh`"),
        ({"kwh": "7"}, "Expected `int`, got `str` - at `$.kwh`"),
        ({"kwh": -1}, "Expected `int` >= 0 - at `$.kwh`"),
        ({"kwh": 7, "estimated": 1}, "Expected `bool | null`, got `int` - at `$.estimated`"),
    ],
)
def test_a_dead_letter_of_an_own_type_names_the_field(data: dict[str, object], detail: str) -> None:
    assert decode(record(reading(**data)), HOME, OWN) == Reject("bad_data", detail)


def test_without_the_rules_an_own_type_is_unknown() -> None:
    assert decode(record(reading(kwh=7)), HOME) == Drop("unknown_type")


def test_a_type_that_is_not_built_in_waits_for_the_rules() -> None:
    waiting = classify(record(reading(kwh=7)), HOME)
    assert isinstance(waiting, Unresolved)
    assert waiting.subject == "ada"
    assert resolve(waiting, OWN) == decode(record(reading(kwh=7)), HOME, OWN)
    assert resolve(waiting, {}) == Drop("unknown_type")


def test_a_built_in_type_waits_for_nothing() -> None:
    assert isinstance(classify(record(visit()), HOME), Arrival)


@pytest.mark.parametrize(
    ("name", "known"), [("web.vist", "web.visit"), ("meter.raed", "meter.read")]
)
def test_an_unknown_type_near_a_known_one_is_dropped_with_a_suggestion(
    name: str, known: str
) -> None:
    dropped = decode(record(visit(type=name)), HOME, OWN)
    assert dropped == Drop("unknown_type", Suggestion(name, known))


def test_an_envelope_is_told_before_the_type() -> None:
    assert classify(record(reading(kwh=7), key=b"bea"), HOME) == Reject(
        "key_not_subject", "key: want the UTF-8 bytes of subject"
    )


def test_an_own_type_in_binary_mode_is_the_same_event() -> None:
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", b"e1"),
        ("ce_source", b"https://shop.example"),
        ("ce_type", b"meter.read"),
        ("ce_subject", b"ada"),
        ("ce_time", b"2026-01-02T12:00:00.000Z"),
        ("content-type", b"application/json"),
    )
    binary = record(orjson.dumps({"kwh": 7}), headers=headers)
    assert decode(binary, HOME, OWN) == arrived(reading(kwh=7))
