import pytest

from tests.make import days, event, folded, moment
from touchstream.schemas.envelope import Event
from touchstream.streams.profiles.decay import Lately
from touchstream.streams.profiles.fold import forget_old
from touchstream.streams.profiles.profile import (
    BOUNDS,
    Answer,
    Call,
    Fact,
    Friction,
    Subscription,
    Ticket,
)


def test_first_and_last_seen_are_the_earliest_and_latest_time() -> None:
    profile = folded(event("web.visit", "d3"), event("web.visit", "d1"), event("web.visit", "d2"))
    assert (profile.first_seen_ms, profile.last_seen_ms) == (moment("d1"), moment("d3"))


def test_every_event_counts_for_its_family() -> None:
    profile = folded(
        event("web.visit", "d0"), event("email.opened", "d1"), event("email.delivered", "d2")
    )
    counted = {name: counter.count for name, counter in profile.families.items()}
    assert counted == {"web": 1, "email": 2}


def test_an_event_by_the_customer_is_a_sign_of_life() -> None:
    profile = folded(event("email.opened", "d1"), event("email.delivered", "d2"))
    assert profile.activity is not None
    assert (profile.activity.count, profile.activity.at_ms) == (1, moment("d1"))
    assert profile.first_active_ms == moment("d1")


def test_a_late_sign_of_life_can_become_the_first() -> None:
    profile = folded(event("web.visit", "d2"), event("web.visit", "d1"))
    assert profile.first_active_ms == moment("d1")


def test_a_call_is_a_sign_of_life_only_if_the_customer_called() -> None:
    assert folded(event("call.ended", direction="outbound")).activity is None


def test_orders_and_returns_add_up_by_currency() -> None:
    profile = folded(
        event("order.placed", "d0", amount_minor=500),
        event("order.placed", "d1", amount_minor=700),
        event("order.returned", "d2", amount_minor=200),
        event("order.placed", "d3", amount_minor=900, currency="USD"),
    )
    sums = {
        name: (money.ordered_minor, money.order_count, money.returned_minor)
        for name, money in profile.money.items()
    }
    assert sums == {"EUR": (1_200, 2, 200), "USD": (900, 1, 0)}


def test_a_sum_of_money_stops_where_the_state_could_not_be_written_any_more() -> None:
    profile = folded(
        *(event("order.placed", days(day), amount_minor=2**53) for day in range(1_025)),
        *(event("order.returned", days(day), amount_minor=2**53) for day in range(1_025)),
    )
    assert profile.money["EUR"].ordered_minor == 2**63 - 1
    assert profile.money["EUR"].returned_minor == 2**63 - 1


def test_a_ninth_currency_is_not_counted() -> None:
    currencies = [f"AA{letter}" for letter in "ABCDEFGHI"]
    profile = folded(*(event("order.placed", currency=currency) for currency in currencies))
    assert list(profile.money) == currencies[:8]


def test_a_ticket_stands_as_the_newest_event_about_it_says() -> None:
    profile = folded(event("ticket.resolved", "d5"), event("ticket.opened", "d1"))
    assert profile.tickets == {"t1": Ticket(moment("d5"), 2, moment("d1"), open=False)}


def test_a_ticket_resolved_in_the_moment_it_was_opened_is_resolved() -> None:
    profile = folded(event("ticket.resolved", "d1"), event("ticket.opened", "d1"))
    assert not profile.tickets["t1"].open


def test_a_reopened_ticket_is_open_since_it_was_first_opened() -> None:
    profile = folded(
        event("ticket.opened", "d1"), event("ticket.resolved", "d2"), event("ticket.reopened", "d3")
    )
    assert profile.tickets["t1"] == Ticket(moment("d3"), 1, moment("d1"), open=True)


def test_a_65th_ticket_pushes_out_the_oldest_resolved_one() -> None:
    opened = [event("ticket.opened", days(n), ticket=f"t{n}") for n in range(64)]
    resolved = event("ticket.resolved", "d80", ticket="t7")
    profile = folded(*opened, resolved, event("ticket.opened", "d90", ticket="t64"))
    assert sorted(profile.tickets) == sorted(f"t{n}" for n in range(65) if n != 7)


def test_resolved_tickets_are_forgotten_when_nothing_late_can_reopen_them() -> None:
    profile = folded(
        event("ticket.opened", "d1", ticket="open"),
        event("ticket.resolved", "d1", ticket="done"),
        event("ticket.resolved", "d2", ticket="fresh"),
    )
    assert list(forget_old(profile, moment("d2")).tickets) == ["open", "fresh"]


def test_a_profile_without_old_tickets_stays_the_very_same() -> None:
    profile = folded(event("ticket.opened", "d1"))
    assert forget_old(profile, moment("d2")) is profile


def test_counts_are_forgotten_when_nothing_can_bring_them_into_the_window_again() -> None:
    profile = folded(event("call.ended", "d1"))
    assert forget_old(profile, moment("d28")) is profile
    assert forget_old(profile, moment("d29")).recent is None


def test_a_subscription_runs_to_the_end_of_its_term() -> None:
    subscription = folded(event("subscription.started", "d1", term_days=30)).subscription
    assert subscription is not None
    assert subscription.ends_ms == moment("d31")
    assert subscription.running(moment("d30 23:59"))
    assert not subscription.running(moment("d31"))


def test_a_cancelled_subscription_does_not_run() -> None:
    profile = folded(event("subscription.started", "d1"), event("subscription.cancelled", "d2"))
    assert profile.subscription == Subscription(
        moment("d2"), 3, None, 0, None, moment("d2"), cancelled=True
    )


def test_a_cancellation_that_comes_late_does_not_end_a_later_subscription() -> None:
    profile = folded(event("subscription.started", "d3"), event("subscription.cancelled", "d2"))
    assert profile.subscription is not None
    assert not profile.subscription.cancelled


@pytest.mark.parametrize("plans", [("basic", "large"), ("large", "basic")])
def test_of_two_plans_in_one_moment_the_same_holds_in_either_order(plans: tuple[str, str]) -> None:
    profile = folded(*(event("subscription.changed", "d1", plan=plan) for plan in plans))
    assert profile.subscription is not None
    assert profile.subscription.plan == "large"


def test_a_survey_score_is_a_share_of_the_best_mark() -> None:
    profile = folded(
        event("survey.answered", "d1", kind="nps", score=9.0),
        event("survey.answered", "d2", kind="csat", score=3.0, score_max=4.0),
    )
    assert profile.surveys == {"nps": Answer(moment("d1"), 0.9), "csat": Answer(moment("d2"), 0.75)}


def test_a_score_beyond_its_scale_counts_as_the_end_of_the_scale() -> None:
    profile = folded(event("survey.answered", "d1", kind="nps", score=12.0))
    assert profile.surveys["nps"].score == 1.0


@pytest.mark.parametrize("data", [{"kind": "nps"}, {"kind": "profile", "score": 3.0}])
def test_an_answer_without_a_mark_on_a_known_scale_tells_nothing(data: dict[str, object]) -> None:
    assert folded(event("survey.answered", "d1", "ada", None, "shop", **data)).surveys == {}


def test_the_newest_consent_holds_whatever_came_first() -> None:
    profile = folded(
        event("consent.changed", "d5", granted=False), event("consent.changed", "d1", granted=True)
    )
    assert profile.consent == {"marketing": Fact(moment("d5"), value=False)}


@pytest.mark.parametrize("answers", [(True, False), (False, True)])
def test_of_a_consent_and_a_refusal_in_one_moment_the_refusal_holds(
    answers: tuple[bool, bool],
) -> None:
    profile = folded(*(event("consent.changed", "d1", granted=answer) for answer in answers))
    assert profile.consent["marketing"].value is False


def test_whoever_unsubscribes_from_mails_refuses_marketing() -> None:
    profile = folded(event("consent.changed", "d1"), event("email.unsubscribed", "d2"))
    assert profile.consent == {"marketing": Fact(moment("d2"), value=False)}


def test_whoever_consents_after_unsubscribing_has_consented() -> None:
    profile = folded(event("email.unsubscribed", "d2"), event("consent.changed", "d3"))
    assert profile.consent["marketing"].value is True


def test_the_newest_value_of_each_attribute_holds() -> None:
    profile = folded(
        event("customer.updated", "d2", attributes={"plan": "large"}),
        event("customer.updated", "d1", attributes={"plan": "basic", "region": "north"}),
    )
    assert profile.attributes == {
        "plan": Fact(moment("d2"), "large"),
        "region": Fact(moment("d1"), "north"),
    }


def test_the_text_of_an_attribute_is_cut_at_256_characters() -> None:
    profile = folded(event("customer.updated", attributes={"note": "x" * 30_000}))
    assert profile.attributes["note"].value == "x" * 256


def test_a_65th_attribute_pushes_out_the_oldest() -> None:
    profile = folded(
        *(event("customer.updated", days(n), attributes={f"a{n}": n}) for n in range(65))
    )
    assert len(profile.attributes) == BOUNDS.attributes
    assert "a0" not in profile.attributes


def test_an_alias_is_recorded_until_it_is_taken_back() -> None:
    profile = folded(
        event("customer.identified", "d1", alias="cookie-1"),
        event("customer.identified", "d1", alias="cookie-2"),
        event("customer.unlinked", "d2", alias="cookie-1"),
    )
    assert profile.aliases == {
        "cookie-1": Fact(moment("d2"), value=False),
        "cookie-2": Fact(moment("d1"), value=True),
    }


def test_a_reopened_ticket_is_friction() -> None:
    profile = folded(event("ticket.opened", "d0"), event("ticket.reopened", "d1"))
    assert profile.friction == Friction(moment("d1"), reopened=1.0)


def test_waiting_is_the_queue_and_the_hold_together() -> None:
    profile = folded(event("call.ended", "d1", queue_s=30.0, hold_s=12.0, transfers=2))
    assert profile.friction == Friction(moment("d1"), transfers=2.0, wait_s=42.0)


def test_a_call_without_waiting_is_no_friction() -> None:
    assert folded(event("call.ended", "d1", queue_s=0.0, transfers=0)).friction is None


def test_friction_halves_in_a_month() -> None:
    profile = folded(
        event("call.ended", "d0", call="c1", queue_s=80.0),
        event("ticket.reopened", "d28"),
    )
    assert profile.friction == Friction(moment("d28"), reopened=1.0, wait_s=40.0)


def test_late_friction_weighs_what_it_would_weigh_by_now() -> None:
    profile = folded(
        event("ticket.reopened", "d28"),
        event("call.ended", "d0", call="c1", queue_s=80.0),
    )
    assert profile.friction == Friction(moment("d28"), reopened=1.0, wait_s=40.0)


def test_the_newest_call_stays_whatever_comes_late() -> None:
    profile = folded(
        event("call.ended", "d2", call="c2", duration_s=60.9, queue_s=1.5, hold_s=2.0),
        event("call.ended", "d1", call="c1", duration_s=900.0),
    )
    assert profile.call == Call(moment("d2"), 60, 3)


@pytest.mark.parametrize("lengths", [(5.0, 7.0), (7.0, 5.0)])
def test_of_two_calls_in_one_moment_the_longer_stays_in_either_order(
    lengths: tuple[float, float],
) -> None:
    profile = folded(
        *(event("call.ended", "d1", call=f"c{length}", duration_s=length) for length in lengths)
    )
    assert profile.call == Call(moment("d1"), 7, 0)


@pytest.mark.parametrize(
    "look",
    [
        event("web.visit", "d1", page="/Account/CANCEL"),
        event("web.visit", "d1", page="/", search="what does the big plan cost"),
        event("web.form_submitted", "d1", form="termination-2026"),
    ],
)
def test_a_look_at_prices_or_at_the_way_out_is_counted(look: Event) -> None:
    assert folded(look).leaving == Lately(moment("d1"), 1.0, 1)


@pytest.mark.parametrize("page", ["/", "/plants", "/planet", "/priceless", "/caprice"])
def test_a_page_that_only_looks_like_the_way_out_is_none(page: str) -> None:
    assert folded(event("web.visit", "d1", page=page)).leaving is None


def test_a_call_of_more_than_a_day_is_kept_as_a_day() -> None:
    profile = folded(event("call.ended", "d1", duration_s=1e9, queue_s=1e9))
    assert profile.call == Call(moment("d1"), 86_400, 86_400)
    assert profile.friction == Friction(moment("d1"), wait_s=86_400.0)
