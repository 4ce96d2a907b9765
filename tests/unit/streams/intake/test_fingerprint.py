import pytest

from touchstream.schemas.units import Millis
from touchstream.streams.intake.fingerprint import content_of, identity_of

AT = Millis(1_767_355_200_000)
DATA = {"page": "/pricing", "duration_s": 34.5}


def test_hashes_are_the_same_in_every_process_and_release() -> None:
    # They lie in the states of customers: other values would make duplicates look new.
    assert identity_of("https://shop.example", "e1") == 0x09EC9B019BB08C00
    assert content_of("web.visit", "ada", AT, DATA) == 0xDAF9D166A203443B


def test_where_source_ends_and_id_begins_makes_a_difference() -> None:
    assert identity_of("ab", "c") != identity_of("a", "bc")


def test_the_order_of_fields_makes_no_difference() -> None:
    turned = {"duration_s": 34.5, "page": "/pricing"}
    assert content_of("web.visit", "ada", AT, turned) == content_of("web.visit", "ada", AT, DATA)


def test_the_order_of_fields_inside_an_item_makes_no_difference() -> None:
    one = content_of("order.placed", "ada", AT, {"items": [{"sku": "a", "quantity": 2}]})
    assert content_of("order.placed", "ada", AT, {"items": [{"quantity": 2, "sku": "a"}]}) == one


def test_no_data_says_the_same_as_empty_data() -> None:
    erased = content_of("customer.erased", "ada", AT, None)
    assert content_of("customer.erased", "ada", AT, {}) == erased


@pytest.mark.parametrize(
    ("kind", "subject", "time_ms", "data"),
    [
        ("web.form_submitted", "ada", AT, DATA),
        ("web.visit", "bea", AT, DATA),
        ("web.visit", "ada", Millis(AT + 1), DATA),
        ("web.visit", "ada", AT, {**DATA, "page": "/help"}),
        ("web.visit", "ada", AT, {**DATA, "unknown": 1}),
    ],
)
def test_type_subject_time_and_every_field_are_content(
    kind: str, subject: str, time_ms: Millis, data: dict[str, object]
) -> None:
    assert content_of(kind, subject, time_ms, data) != content_of("web.visit", "ada", AT, DATA)
