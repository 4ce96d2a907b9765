import msgspec
import pytest

from schemas.rules import ChurnRules
from streams.learn.ledger import (
    ACTIVE,
    CANCELLED,
    TREATED,
    Ledger,
    is_activity,
    is_late,
    label,
    mature,
    matures_ms,
    observe,
)
from tests.make import event, moment, snapshot

RULES = ChurnRules(horizon_days=28, label_grace_days=1)


def marks_after(kind: str, at: str, *, active: bool = True, **data: object) -> int:
    """Marks of a snapshot of d10 after one event."""
    happened = event(kind, at, "ada", None, "shop", **data)
    return observe((snapshot("d10"),), happened, active, RULES)[0].marks


@pytest.mark.parametrize(
    ("at", "marks"),
    [
        ("d10", 0),
        ("d10 0:01", ACTIVE),
        ("d37 23:59", ACTIVE),
        ("d38", ACTIVE),
        ("d38 0:01", 0),
    ],
)
def test_a_window_opens_after_its_snapshot_and_closes_with_the_horizon(at: str, marks: int) -> None:
    assert marks_after("web.visit", at) == marks


def test_a_cancellation_marks_the_window() -> None:
    assert marks_after("subscription.cancelled", "d11", active=False) == CANCELLED


@pytest.mark.parametrize(
    ("outcome", "marks"), [("sent", TREATED), ("delivered", TREATED), ("seen", 0), ("failed", 0)]
)
def test_an_action_that_went_out_marks_the_window_as_treated(outcome: str, marks: int) -> None:
    assert marks_after("action.outcome", "d11", active=False, outcome=outcome) == marks


def test_marks_gather() -> None:
    ledger: Ledger = (snapshot("d10", subscribed=True),)
    for happened in (event("web.visit", "d11"), event("subscription.cancelled", "d12")):
        ledger = observe(ledger, happened, happened.type == "web.visit", RULES)
    assert ledger[0].marks == snapshot("d10", subscribed=True).marks | ACTIVE | CANCELLED


def test_an_event_marks_only_the_windows_it_falls_in() -> None:
    ledger = (snapshot("d0"), snapshot("d7"), snapshot("d30"))
    marked = observe(ledger, event("web.visit", "d29"), True, RULES)
    assert [row.marks for row in marked] == [0, ACTIVE, 0]


@pytest.mark.parametrize(
    ("subscribed", "marks", "churned"),
    [
        (False, 0, 1),
        (False, ACTIVE, 0),
        (False, CANCELLED, 1),
        (False, ACTIVE | CANCELLED, 1),
        (False, TREATED, 1),
        (True, 0, 0),
        (True, ACTIVE, 0),
        (True, CANCELLED, 1),
        (True, ACTIVE | CANCELLED, 1),
    ],
)
def test_churn_is_a_cancellation_or_without_a_subscription_silence(
    subscribed: bool, marks: int, churned: int
) -> None:
    row = snapshot("d0", subscribed=subscribed)
    assert label(msgspec.structs.replace(row, marks=row.marks | marks)) == churned


def test_a_label_is_final_after_horizon_and_grace() -> None:
    assert matures_ms(snapshot("d10"), RULES) == moment("d39")


def test_nothing_matures_a_millisecond_early() -> None:
    ledger = (snapshot("d10"),)
    assert mature(ledger, moment("d38 23:59"), RULES) == (ledger, [])


def test_what_is_final_leaves_the_ledger_and_the_rest_waits() -> None:
    ledger = (snapshot("d3"), snapshot("d10"), snapshot("d17"))
    waiting, ripe = mature(ledger, moment("d39"), RULES)
    assert waiting == (snapshot("d17"),)
    assert [(one.snapshot, one.label, one.matured_ms) for one in ripe] == [
        (snapshot("d3"), 1, moment("d32")),
        (snapshot("d10"), 1, moment("d39")),
    ]


def test_an_example_says_whether_he_was_treated() -> None:
    ledger = observe((snapshot("d0"),), event("action.outcome", "d1"), False, RULES)
    _, ripe = mature(ledger, moment("d29"), RULES)
    assert ripe[0].treated is True


@pytest.mark.parametrize(
    ("at", "late"), [("d10", False), ("d10 0:01", True), ("d38", True), ("d38 0:01", False)]
)
def test_an_event_is_late_for_the_newest_window_that_has_its_label(at: str, late: bool) -> None:
    assert is_late(event("web.visit", at), True, moment("d10"), RULES) is late


def test_an_event_that_makes_no_label_is_late_for_none() -> None:
    assert not is_late(event("email.delivered", "d11"), False, moment("d10"), RULES)


def test_before_the_first_label_nothing_is_late_for_one() -> None:
    assert not is_late(event("web.visit", "d11"), True, None, RULES)


def test_the_rules_say_what_a_sign_of_life_is() -> None:
    only_orders = ChurnRules(activity=("order.placed",))
    assert is_activity(event("order.placed"), True, only_orders)
    assert not is_activity(event("web.visit"), True, only_orders)


def test_what_somebody_else_did_is_no_sign_of_life() -> None:
    assert not is_activity(event("ticket.replied", by="agent"), False, ChurnRules())
