import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.streams.intake.records import VISIT, arrive, at_home, record, visit
from touchstream.schemas.envelope import decode_data
from touchstream.schemas.event_types import EventTypeRules, FieldRules, own_types
from touchstream.schemas.touchpoints.customers import CustomerErased
from touchstream.schemas.touchpoints.web import WebVisit
from touchstream.schemas.units import Millis
from touchstream.streams.intake.decode import Arrival, decode
from touchstream.streams.intake.fingerprint import content_of, identity_of

AT = Millis(1_767_355_200_000)
CONTENT_OF_VISIT = 0xACB557E1A49C5D92
CONTENT_OF_UPDATE = 0x3F2FC515130C3BF2
DATA = WebVisit(page="/pricing", duration_s=34.5)
ORDER = {"order": "o1", "amount_minor": 5_000, "currency": "EUR"}
ITEM = {"sku": "a", "quantity": 2}

METER = own_types(
    (
        EventTypeRules(
            name="meter.read",
            family="content",
            by_customer=True,
            fields=(
                FieldRules(name="kwh", type="integer"),
                FieldRules(name="flow", type="number"),
                FieldRules(name="read_at", type="time"),
                FieldRules(name="due", type="date"),
            ),
        ),
    )
)


def content(kind: str, data: object, **attributes: object) -> int:
    """The content of an event as a producer writes it."""
    value = orjson.dumps({**VISIT, "type": kind, "data": data, **attributes})
    found = decode(record(value), at_home(b"ada"), METER)
    assert isinstance(found, Arrival), found
    return found.content


def test_hashes_are_the_same_in_every_process_and_release() -> None:
    # They lie in the states of customers: other values would make duplicates look new.
    assert identity_of("https://shop.example", "e1") == 0x09EC9B019BB08C00
    assert content_of("web.visit", "ada", AT, DATA) == CONTENT_OF_VISIT
    answers = decode_data("customer.updated", {"attributes": {"age": 42, "ratio": 0.5}})
    assert content_of("customer.updated", "ada", AT, answers) == CONTENT_OF_UPDATE


def test_where_source_ends_and_id_begins_makes_a_difference() -> None:
    assert identity_of("ab", "c") != identity_of("a", "bc")


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("customer.erased", None, {}),
        ("customer.erased", {}, {"sent_at": "today"}),
        ("web.visit", {"page": "/", "duration_s": 3}, {"duration_s": 3.0, "page": "/"}),
        ("web.visit", {"page": "/", "duration_s": 0}, {"page": "/", "duration_s": -0.0}),
        ("web.visit", {"page": "-0.0", "duration_s": 0}, {"page": "-0.0", "duration_s": -0.0}),
        ("order.placed", ORDER, {**ORDER, "channel": None}),
        ("order.placed", ORDER, {**ORDER, "items": None, "sent_at": 7}),
        ("order.placed", ORDER, {**ORDER, "amount_minor": 5_000.0}),
        ("order.placed", ORDER, dict(reversed(ORDER.items()))),
        ("order.placed", {**ORDER, "items": [ITEM]}, {**ORDER, "items": [{**ITEM, "x": [1]}]}),
        (
            "order.placed",
            {**ORDER, "items": [ITEM]},
            {**ORDER, "items": [{"category": None, "quantity": 2.0, "sku": "a"}]},
        ),
        (
            "customer.updated",
            {"attributes": {"age": 42, "debt": 0, "far": 10**16, "left": None}},
            {"attributes": {"left": None, "far": 1e16, "debt": -0.0, "age": 42.0}},
        ),
        ("survey.answered", {"survey": "s", "kind": "nps"}, {"survey": "s", "kind": "nps",
                                                             "answers": None, "score": None}),
        ("meter.read", {"kwh": 42}, {"kwh": 42.0, "flow": None, "colour": "red"}),
        ("meter.read", {"flow": 0}, {"flow": -0.0}),
        ("meter.read", {"flow": 42}, {"flow": 42.0}),
        (
            "meter.read",
            {"read_at": "2026-03-05T09:30:00Z", "due": "2026-03-05"},
            {"due": "2026-03-05", "read_at": "2026-03-05T10:30:00.000+01:00"},
        ),
        (
            "meter.read",
            {"read_at": "0001-01-01T00:00:00+23:00"},
            {"read_at": "0001-01-01T00:30:00.0+23:30"},
        ),
    ],
)  # fmt: skip
def test_spelling_makes_no_difference(kind: str, one: object, other: object) -> None:
    assert content(kind, one) == content(kind, other)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("order.placed", ORDER, {**ORDER, "amount_minor": 5_001}),
        ("order.placed", ORDER, {**ORDER, "channel": "store"}),
        ("order.placed", ORDER, {**ORDER, "items": []}),
        ("order.placed", {**ORDER, "items": [ITEM]}, {**ORDER, "items": [{**ITEM, "sku": "b"}]}),
        ("order.placed", {**ORDER, "items": [ITEM]}, {**ORDER, "items": [ITEM, ITEM]}),
        ("web.visit", {"page": "-0.0"}, {"page": "0.0"}),
        ("web.visit", {"page": "/", "duration_s": 3}, {"page": "/", "duration_s": 3.5}),
        ("customer.updated", {"attributes": {"a": 1}}, {"attributes": {"a": True}}),
        ("customer.updated", {"attributes": {"a": 1}}, {"attributes": {"a": "1"}}),
        ("customer.updated", {"attributes": {"a": 1}}, {"attributes": {"a": 1.5}}),
        # Null takes an attribute away, so it is content there.
        ("customer.updated", {"attributes": {}}, {"attributes": {"a": None}}),
        ("meter.read", {"kwh": 42}, {"kwh": 43}),
        ("meter.read", {"flow": 0.1}, {"flow": 0.2}),
        (
            "meter.read",
            {"read_at": "2026-03-05T09:30:00Z"},
            {"read_at": "2026-03-05T09:30:00.000001Z"},
        ),
        ("meter.read", {"due": "2026-03-05"}, {"due": "2026-03-06"}),
    ],
)
def test_a_real_difference_is_one(kind: str, one: object, other: object) -> None:
    assert content(kind, one) != content(kind, other)


@pytest.mark.parametrize(
    "time",
    [
        "2026-01-02T12:00:00Z",
        "2026-01-02t12:00:00.0z",
        "2026-01-02T12:00:00.000000000Z",
        "2026-01-02T13:30:00+01:30",
        "2026-01-02T12:00:00-00:00",
    ],
)
def test_the_spelling_of_the_time_makes_no_difference(time: str) -> None:
    assert arrive(record(visit(time=time))).content == arrive(record(visit())).content


@pytest.mark.parametrize(
    ("kind", "subject", "time_ms", "data"),
    [
        ("web.form_submitted", "ada", AT, DATA),
        ("web.visit", "bea", AT, DATA),
        ("web.visit", "ada", Millis(AT + 1), DATA),
        ("web.visit", "ada", AT, WebVisit(page="/help", duration_s=34.5)),
        ("web.visit", "ada", AT, CustomerErased()),
    ],
)
def test_type_subject_time_and_every_field_are_content(
    kind: str, subject: str, time_ms: Millis, data: WebVisit | CustomerErased
) -> None:
    assert content_of(kind, subject, time_ms, data) != content_of("web.visit", "ada", AT, DATA)


NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)


@given(NUMBERS, NUMBERS)
def test_numbers_of_a_map_are_the_same_content_exactly_if_they_are_equal(
    one: float, other: float
) -> None:
    first, second = ({"attributes": {"n": number}} for number in (one, other))
    assert (content("customer.updated", first) == content("customer.updated", second)) == (
        one == other
    )


@given(st.integers(-(2**53), 2**53))
def test_an_integer_is_the_same_with_a_decimal_point(number: int) -> None:
    assert content("meter.read", {"kwh": number}) == content("meter.read", {"kwh": float(number)})
