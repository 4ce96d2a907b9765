import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstream.schemas.envelope import decode_data, known_fields, optional_fields, unknown_fields
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.schemas.touchpoints.orders import OrderItem, OrderPlaced
from touchstream.schemas.touchpoints.sales import DemoHeld
from touchstream.schemas.touchpoints.stores import StoreVisited
from touchstream.schemas.touchpoints.web import WebVisit

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_an_order_decodes_with_its_items() -> None:
    order = decode_data(
        "order.placed",
        {
            "order": "7",
            "amount_minor": 1999,
            "currency": "EUR",
            "items": [{"sku": "book", "quantity": 1}],
        },
    )
    assert order == OrderPlaced(
        order="7", amount_minor=1999, currency="EUR", items=(OrderItem(sku="book", quantity=1),)
    )


def test_whole_seconds_are_taken_for_a_duration() -> None:
    visit = decode_data("store.visited", {"store": "tartu", "duration_s": 60})
    assert visit == StoreVisited(store="tartu", duration_s=60.0)
    assert isinstance(visit, StoreVisited)
    assert isinstance(visit.duration_s, float)


def test_null_says_the_same_as_leaving_an_optional_field_out() -> None:
    assert decode_data("web.visit", {"page": "/", "device": None}) == WebVisit(page="/")


def test_an_event_that_needs_no_data_may_have_none() -> None:
    assert decode_data("demo.held", None) == DemoHeld()


def test_an_event_that_needs_data_is_refused_without() -> None:
    with pytest.raises(msgspec.ValidationError, match="page"):
        decode_data("web.visit", None)


def test_unknown_fields_are_ignored_and_named() -> None:
    data = {"page": "/", "mood": "dim", "colour": "red"}
    assert decode_data("web.visit", data) == WebVisit(page="/")
    assert unknown_fields("web.visit", data) == ("colour", "mood")


def test_data_that_is_no_object_has_no_unknown_fields() -> None:
    assert unknown_fields("demo.held", None) == ()


def test_required_fields_are_not_optional_and_an_unknown_type_has_none() -> None:
    assert optional_fields("action.outcome") == {"value_minor", "currency"}
    assert optional_fields("web.vist") == frozenset()


def test_the_known_fields_are_those_of_the_table() -> None:
    assert known_fields(StoreVisited) == {"store", "duration_s"}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("store.visited", {"store": "s", "duration_s": -0.5}),
        ("store.visited", {"store": "s", "duration_s": 1e10}),
        ("store.visited", {"store": ""}),
        ("store.visited", {"store": "s" * 257}),
        ("store.visited", {"store": 7}),
        ("store.visited", {"store": "s", "duration_s": True}),
        ("store.visited", {"store": "s", "duration_s": "60"}),
        ("deal.won", {"amount_minor": -1, "currency": "EUR"}),
        ("deal.won", {"amount_minor": 2**53 + 1, "currency": "EUR"}),
        ("deal.won", {"amount_minor": 1.5, "currency": "EUR"}),
        ("deal.won", {"amount_minor": 1, "currency": "eur"}),
        ("deal.won", {"amount_minor": 1, "currency": "EURO"}),
        ("deal.won", {"amount_minor": 1, "currency": "EUR\n"}),
        ("web.form_submitted", {"form": "f", "intent": "joke"}),
        ("web.form_submitted", {"form": "f", "text": "x" * 32_769}),
        ("call.ended", {"call": "1", "direction": "sideways", "duration_s": 1}),
        (
            "subscription.started",
            {"plan": "p", "amount_minor": 1, "currency": "EUR", "term_days": 0},
        ),
        ("survey.answered", {"survey": "s", "kind": "nps", "score": 9, "score_max": 0}),
        ("customer.updated", {"attributes": {f"a{n}": n for n in range(65)}}),
        ("customer.updated", {"attributes": {"nested": {}}}),
        ("consent.changed", {"purpose": "marketing", "granted": 1}),
    ],
)
def test_data_outside_its_bounds_is_refused(kind: str, data: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_data(kind, data)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("store.visited", {"store": "s" * 256, "duration_s": 0}),
        ("deal.won", {"amount_minor": 2**53, "currency": "EUR"}),
        ("web.form_submitted", {"form": "f", "text": "x" * 32_768}),
        ("web.visit", {"page": "/" * 2048, "referrer": "", "search": ""}),
        ("customer.updated", {"attributes": {f"a{n}": n for n in range(64)}}),
    ],
)
def test_data_at_its_bounds_is_taken(kind: str, data: dict[str, object]) -> None:
    assert msgspec.to_builtins(decode_data(kind, data)).items() >= data.items()


@given(
    st.sampled_from(sorted(TOUCHPOINTS)),
    json_values | st.dictionaries(st.sampled_from(["page", "store", "by", "score"]), json_values),
)
def test_any_json_is_data_or_a_validation_error(kind: str, data: object) -> None:
    try:
        decoded = decode_data(kind, data)
    except msgspec.ValidationError:
        return
    assert isinstance(decoded, TOUCHPOINTS[kind].data)
    assert decode_data(kind, msgspec.to_builtins(decoded)) == decoded
