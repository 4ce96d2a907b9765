from math import log, log1p

import pytest

from tests.make import event, seen
from touchstream.streams.features import engagement, frequency, money, recency, service
from touchstream.streams.features.feature import Measure

NEWSLETTER = event("email.delivered", "d0")
"""Not by the customer: they are known, and never gave a sign of life."""


def test_silence_is_counted_from_the_last_sign_of_life() -> None:
    view = seen("d10", event("web.visit", "d1"), event("email.delivered", "d9"))
    assert recency.silence_days(view) == log1p(9)


def test_known_days_are_counted_from_the_first_event() -> None:
    assert recency.known_days(seen("d10", NEWSLETTER)) == log1p(10)


def test_signs_of_life_are_counted_in_all_and_lately() -> None:
    view = seen("d28", event("web.visit", "d0"), event("web.visit", "d28"))
    assert frequency.activity_count(view) == log1p(2)
    assert frequency.activity_week(view) == log1p(1 + 2**-4)
    assert frequency.activity_month(view) == log1p(1.5)
    assert frequency.activity_quarter(view) == pytest.approx(log1p(1 + 2 ** (-28 / 91)))
    assert frequency.activity_year(view) == pytest.approx(log1p(1 + 2 ** (-28 / 364)))


def test_money_is_told_in_the_currency_of_most_orders() -> None:
    view = seen(
        "d3",
        event("order.placed", "d0", amount_minor=100),
        event("order.placed", "d1", amount_minor=300),
        event("order.placed", "d2", amount_minor=90_000, currency="USD"),
        event("order.returned", "d3", amount_minor=100),
    )
    assert money.spend_minor(view) == log1p(400)
    assert money.order_value_minor(view) == log1p(200)
    assert money.returned_share(view) == 0.25


def test_recent_spending_fades_with_a_quarters_half_life() -> None:
    view = seen("d91", event("order.placed", "d0", amount_minor=1_000))
    assert money.spend_quarter_minor(view) == log1p(500)


def test_more_returned_than_ordered_is_all_of_it() -> None:
    view = seen("d1", event("order.placed", amount_minor=1), event("order.returned"))
    assert money.returned_share(view) == 1.0


def test_a_return_without_an_order_is_no_money() -> None:
    assert money.spend_minor(seen("d1", event("order.returned"))) is None


def test_free_orders_have_no_share_that_was_returned() -> None:
    assert money.returned_share(seen("d1", event("order.placed", amount_minor=0))) is None


def test_open_tickets_are_counted_and_the_oldest_is_told() -> None:
    view = seen(
        "d9",
        event("ticket.opened", "d2", ticket="t1"),
        event("ticket.opened", "d1", ticket="t2"),
        event("ticket.resolved", "d3", ticket="t2"),
    )
    assert service.open_ticket_count(view) == 1.0
    assert service.oldest_open_ticket_days(view) == log1p(7)


@pytest.mark.parametrize(
    ("measure", "kind"),
    [
        (service.ticket_month, "ticket.opened"),
        (service.call_month, "call.ended"),
        (service.payment_failed_month, "payment.failed"),
        (engagement.web_month, "web.visit"),
        (engagement.email_month, "email.delivered"),
        (engagement.content_month, "content.streamed"),
    ],
)
def test_a_familys_events_fade_with_a_months_half_life(measure: Measure, kind: str) -> None:
    assert measure(seen("d28", event(kind, "d0"))) == log1p(0.5)
    assert measure(seen("d28", event("order.placed", "d0"))) == 0.0


def test_looks_at_the_way_out_fade_with_a_months_half_life() -> None:
    look = event("web.visit", "d0", page="/account/cancel")
    assert engagement.leaving_month(seen("d28", look)) == log1p(0.5)
    assert engagement.leaving_month(seen("d28", event("web.visit", "d0", page="/"))) == 0.0


def test_the_newest_survey_speaks_whatever_its_kind() -> None:
    view = seen(
        "d9",
        event("survey.answered", "d2", kind="nps", score=3.0),
        event("survey.answered", "d1", kind="csat", score=5.0),
    )
    assert engagement.survey_score(view) == 0.3


def test_a_subscription_runs_until_it_ends() -> None:
    started = event("subscription.started", "d0", term_days=10)
    assert engagement.subscription_running(seen("d9", started)) == 1.0
    assert engagement.subscription_running(seen("d10", started)) == 0.0


def test_days_left_are_counted_to_the_end_of_the_term_up_to_a_year() -> None:
    started = event("subscription.started", "d0", term_days=400)
    assert engagement.subscription_days_left(seen("d100", started)) == 300.0
    assert engagement.subscription_days_left(seen("d1", started)) == 365.0


def test_a_subscription_without_an_end_has_no_days_left() -> None:
    view = seen("d1", event("subscription.started", "d0"))
    assert engagement.subscription_days_left(view) is None


def test_a_subscription_that_is_over_has_no_days_left() -> None:
    view = seen("d11", event("subscription.started", "d0", term_days=10))
    assert engagement.subscription_days_left(view) is None


@pytest.mark.parametrize(
    "measure",
    [
        recency.silence_days,
        recency.gap_usual,
        recency.gap_spread,
        recency.gap_last,
        service.call_last_s,
        service.call_last_wait_s,
        money.spend_minor,
        money.spend_quarter_minor,
        money.order_value_minor,
        money.returned_share,
        service.oldest_open_ticket_days,
        engagement.survey_score,
        engagement.subscription_running,
        engagement.subscription_days_left,
    ],
)
def test_what_never_happened_is_missing_and_not_zero(measure: Measure) -> None:
    assert measure(seen("d5", NEWSLETTER)) is None


def test_gaps_of_two_and_eight_days_are_usually_four() -> None:
    view = seen("d30", *(event("web.visit", at) for at in ("d0", "d2", "d10")))
    assert recency.gap_count(view) == log1p(2)
    assert recency.gap_usual(view) == pytest.approx(log(4))
    assert recency.gap_spread(view) == pytest.approx(log(2) * 2**0.5)  # of one freedom
    assert recency.gap_last(view) == pytest.approx(log(8))


def test_a_single_sign_of_life_has_no_rhythm() -> None:
    view = seen("d5", event("web.visit", "d0"))
    assert (recency.gap_count(view), recency.gap_usual(view), recency.gap_last(view)) == (
        0.0,
        None,
        None,
    )


def test_one_gap_has_no_spread() -> None:
    view = seen("d5", event("web.visit", "d0"), event("web.visit", "d1"))
    assert (recency.gap_usual(view), recency.gap_spread(view)) == (0.0, None)


def test_the_newest_call_is_told_with_its_waiting() -> None:
    view = seen(
        "d9",
        event("call.ended", "d2", call="c2", duration_s=60.0, queue_s=30.0, hold_s=10.0),
        event("call.ended", "d1", call="c1", duration_s=900.0, queue_s=600.0),
    )
    assert service.call_last_s(view) == log1p(60)
    assert service.call_last_wait_s(view) == log1p(40)


def test_a_call_in_which_nobody_spoke_is_a_call_all_the_same() -> None:
    view = seen("d1", event("call.ended", "d0", duration_s=0.0))
    assert (service.call_last_s(view), service.call_last_wait_s(view)) == (0.0, 0.0)


def test_friction_fades_with_a_months_half_life() -> None:
    view = seen(
        "d28",
        event("ticket.reopened", "d0"),
        event("call.ended", "d0", queue_s=50.0, hold_s=50.0, transfers=3),
    )
    assert service.reopened_month(view) == log1p(0.5)
    assert service.transfers_month(view) == log1p(1.5)
    assert service.wait_month_s(view) == log1p(50)


def test_who_never_called_was_never_handed_on() -> None:
    view = seen("d28", event("web.visit", "d0"))
    assert (service.transfers_month(view), service.wait_month_s(view)) == (0.0, 0.0)
