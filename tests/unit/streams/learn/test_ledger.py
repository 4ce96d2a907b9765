import msgspec
import pytest

from tests.make import event, moment, snapshot
from touchstream.schemas.rules import ChurnRules, TargetRules
from touchstream.streams.learn.ledger import (
    ACTIVE,
    CANCELLED,
    HAPPENED,
    RECOMMENDED,
    TREATED,
    Ledger,
    decided,
    flag_outcomes,
    flag_target_outcomes,
    is_activity,
    is_late,
    label,
    mature,
    matures_ms,
)

RULES = ChurnRules(horizon_days=28, label_grace_days=1)


def marks_after(kind: str, at: str, *, active: bool = True, **data: object) -> int:
    """Marks of a snapshot of d10 after one event."""
    happened = event(kind, at, "ada", None, "shop", **data)
    return flag_outcomes((snapshot("d10"),), happened, active, RULES)[0].outcome_flags


@pytest.mark.parametrize(
    ("at", "outcome_flags"),
    [
        ("d10", 0),
        ("d10 0:01", ACTIVE),
        ("d37 23:59", ACTIVE),
        ("d38", ACTIVE),
        ("d38 0:01", 0),
    ],
)
def test_a_window_opens_after_its_snapshot_and_closes_with_the_horizon(
    at: str, outcome_flags: int
) -> None:
    assert marks_after("web.visit", at) == outcome_flags


def test_a_cancellation_marks_the_window() -> None:
    assert marks_after("subscription.cancelled", "d11", active=False) == CANCELLED


@pytest.mark.parametrize(
    ("outcome", "outcome_flags"),
    [("sent", TREATED), ("delivered", TREATED), ("seen", 0), ("failed", 0)],
)
def test_an_action_that_went_out_marks_the_window_as_treated(
    outcome: str, outcome_flags: int
) -> None:
    assert marks_after("action.outcome", "d11", active=False, outcome=outcome) == outcome_flags


def test_marks_gather() -> None:
    ledger: Ledger = (snapshot("d10", subscribed=True),)
    for happened in (event("web.visit", "d11"), event("subscription.cancelled", "d12")):
        ledger = flag_outcomes(ledger, happened, happened.type == "web.visit", RULES)
    assert (
        ledger[0].outcome_flags
        == snapshot("d10", subscribed=True).outcome_flags | ACTIVE | CANCELLED
    )


def test_an_event_marks_only_the_windows_it_falls_in() -> None:
    ledger = (snapshot("d0"), snapshot("d7"), snapshot("d30"))
    marked = flag_outcomes(ledger, event("web.visit", "d29"), True, RULES)
    assert [row.outcome_flags for row in marked] == [0, ACTIVE, 0]


@pytest.mark.parametrize(
    ("subscribed", "outcome_flags", "churned"),
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
    subscribed: bool, outcome_flags: int, churned: int
) -> None:
    row = snapshot("d0", subscribed=subscribed)
    assert (
        label(msgspec.structs.replace(row, outcome_flags=row.outcome_flags | outcome_flags))
        == churned
    )


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


def test_an_example_says_if_the_customer_was_treated() -> None:
    ledger = flag_outcomes((snapshot("d0"),), event("action.outcome", "d1"), False, RULES)
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


REPEAT = TargetRules(
    name="repeat",
    after=("call.ended",),
    events=("call.ended", "ticket.opened"),
    horizon_hours=24,
    label_grace_hours=48,
)


@pytest.mark.parametrize(
    ("at", "outcome_flags"),
    [("d10", 0), ("d10 0:01", HAPPENED), ("d11", HAPPENED), ("d11 0:01", 0)],
)
def test_a_targets_window_opens_after_its_moment_and_closes_with_the_horizon(
    at: str, outcome_flags: int
) -> None:
    (row,) = flag_target_outcomes((snapshot("d10"),), event("ticket.opened", at), REPEAT)
    assert row.outcome_flags == outcome_flags


def test_what_a_target_does_not_look_for_makes_no_label() -> None:
    ledger = (snapshot("d10"),)
    assert flag_target_outcomes(ledger, event("web.visit", "d10 0:01"), REPEAT) is ledger


def test_an_action_in_a_targets_window_marks_it_as_treated() -> None:
    (row,) = flag_target_outcomes((snapshot("d10"),), event("action.outcome", "d10 5:00"), REPEAT)
    assert row.outcome_flags == TREATED


def test_a_targets_label_is_final_after_its_own_horizon_and_grace() -> None:
    ledger = flag_target_outcomes(
        (snapshot("d10"), snapshot("d12")), event("call.ended", "d10 5:00"), REPEAT
    )
    assert mature(ledger, moment("d12 23:59"), REPEAT) == (ledger, [])
    waiting, ripe = mature(ledger, moment("d13"), REPEAT)
    assert waiting == (snapshot("d12"),)
    assert [(one.label, one.target, one.matured_ms) for one in ripe] == [
        (1, "repeat", moment("d13"))
    ]
    _, later = mature(waiting, moment("d15"), REPEAT)
    assert [one.label for one in later] == [0]


@pytest.mark.parametrize(
    ("at", "noted"),
    [("d9 23:59", False), ("d10", True), ("d20", True), ("d38", True), ("d38 0:01", False)],
)
def test_a_decision_falls_in_the_window_of_its_moment_and_up_to_the_horizon(
    at: str, noted: bool
) -> None:
    (row,) = decided((snapshot("d10"),), moment(at), 0.5, True, RULES)
    assert (row.offer_probability, bool(row.outcome_flags & RECOMMENDED)) == (
        (0.5, True) if noted else (0.0, False)
    )


def test_a_decision_to_do_nothing_was_still_likely_to_do_something() -> None:
    (row,) = decided((snapshot("d10"),), moment("d11"), 0.5, False, RULES)
    assert (row.offer_probability, row.outcome_flags) == (0.5, 0)


def test_of_several_decisions_any_may_have_recommended_something() -> None:
    ledger: Ledger = (snapshot("d10"),)
    for at, offer_probability in (("d11", 0.5), ("d12", 0.2), ("d13", 0.9)):
        ledger = decided(ledger, moment(at), offer_probability, False, RULES)
    assert ledger[0].offer_probability == pytest.approx(1 - 0.5 * 0.8 * 0.1)


def test_who_is_held_out_stays_so_through_several_decisions() -> None:
    ledger: Ledger = (snapshot("d10"),)
    for at in ("d11", "d12"):  # of those not held out (0.8), half are to be offered something
        ledger = decided(ledger, moment(at), 0.4, False, RULES, holdout=0.2)
    assert ledger[0].offer_probability == pytest.approx(0.8 * 0.75)


def test_a_risk_is_kept_to_the_millionth() -> None:
    assert snapshot("d1", risk=0.123457).risk == 0.123457
