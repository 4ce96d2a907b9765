"""Which misspelt event types are recognised, and which others are left alone."""

import pytest

from touchstream.schemas.nearest import nearest
from touchstream.schemas.registry import TOUCHPOINTS

KNOWN = tuple(TOUCHPOINTS)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("order.place", "order.placed"),
        ("orders.placed", "order.placed"),
        ("order-placed", "order.placed"),
        ("OrderPlaced", "order.placed"),
        ("ORDER.PLACED", "order.placed"),
        ("com.example.order.placed", "order.placed"),
        ("com.example.OrderPlaced.v2", "order.placed"),
        ("web.formSubmitted", "web.form_submitted"),
        ("subscription.canceled", "subscription.cancelled"),
        ("call.end", "call.ended"),
        ("email.open", "email.opened"),
        ("ticket.open", "ticket.opened"),
        ("payment.failure", "payment.failed"),
        ("customer.update", "customer.updated"),
    ],
)
def test_a_misspelt_type_is_recognised(name: str, meant: str) -> None:
    assert nearest(name, KNOWN) == meant


@pytest.mark.parametrize(
    "name",
    [
        "ticket.closed",
        "ticket.created",
        "order.refunded",
        "order.shipped",
        "subscription.resumed",
        "subscription.paused",
        "payment.succeeded",
        "email.bounced",
        "call.started",
        "loyalty.stamped",
        "order.placed.reminder",
        "visit",
        "x",
        "...",
        "",
    ],
)
def test_another_type_of_the_same_kind_is_not_taken_for_a_misspelling(name: str) -> None:
    assert nearest(name, KNOWN) is None


def test_an_own_type_is_suggested_like_a_built_in_one() -> None:
    assert nearest("meter.reed", (*KNOWN, "meter.read")) == "meter.read"
