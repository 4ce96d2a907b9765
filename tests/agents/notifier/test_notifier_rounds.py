"""Who is sent what, and when: capacity, quiet hours, digests, snooze, absence, escalation."""

import random
from datetime import date
from typing import Any

import pytest

from tests.agents.notifier.harness import CONSOLE, NotifierUnderTest, ms
from touchstream.agents.channels.message import Delivery as Outcome
from touchstream.agents.notifier.capacity import Recent, chosen, remembered, threshold
from touchstream.agents.notifier.directory import Directory
from touchstream.agents.settings import Settings
from touchstream.schemas.emissions.alerts import AlertChange
from touchstream.schemas.units import DAY_MS, HOUR_MS, Millis

HOOK = {"name": "hook", "kind": "slack", "url": "https://hooks.example.com/x"}
OTHER = {"name": "other", "kind": "slack", "url": "https://hooks.example.com/y"}


def settings(
    ada: dict[str, Any] | None = None,
    bob: dict[str, Any] | None = None,
    queue: dict[str, Any] | None = None,
) -> Settings:
    base = {"channels": ("hook",)}
    return Settings.model_validate(
        {
            "channels": [HOOK, OTHER],
            "reps": [
                {"id": "ada", **base, **(ada or {})},
                {"id": "bob", "role": "lead", **base, **(bob or {})},
            ],
            "queues": [{"id": "support", **base, **(queue or {})}],
        }
    )


def harness(now: str = "2026-12-01 09:00", **reps: dict[str, Any]) -> NotifierUnderTest:
    return NotifierUnderTest(settings(**reps), now)


def test_an_alert_goes_to_its_owner_once() -> None:
    one = harness()
    one.raise_alert("c1")
    one.run().run()
    [(recipient, message)] = one.sent
    assert recipient == "ada"
    assert message.subject == "c1 may leave (high risk, 80 %)"
    assert "silent for 19 days" in message.text
    assert f"{CONSOLE}/alerts/alert-c1" in message.text
    assert message.payload["alerts"] == ["alert-c1"]


def test_without_an_owner_or_with_one_nobody_knows_it_goes_to_the_queue() -> None:
    one = harness()
    one.raise_alert("c1", owner=None)
    one.raise_alert("c2", owner="zoe")
    one.run()
    assert [recipient for recipient, _ in one.sent] == ["support", "support"]


def test_a_queue_that_is_not_in_the_settings_is_sent_nothing() -> None:
    one = harness()
    one.raise_alert("c1", owner=None, queue="elsewhere")
    assert one.run().sent == []


def test_what_clears_before_it_is_sent_is_never_sent() -> None:
    one = harness()
    one.answer = Outcome("retry", 500)
    one.raise_alert("c1")
    one.run()
    one.answer = Outcome("delivered", 200)
    one.clear("c1")
    assert one.at("2026-12-02 09:00").sent == []


@pytest.mark.parametrize("order", [1, -1], ids=["rising", "falling"])
def test_capacity_goes_to_the_highest_priority_whatever_came_first(order: int) -> None:
    one = harness(ada={"capacity_per_day": 3})
    for score in range(10)[::order]:
        one.raise_alert(f"c{score}", float(score))
    one.run()
    pushed = sorted(message.payload["alerts"][0] for _, message in one.sent)
    assert pushed == ["alert-c7", "alert-c8", "alert-c9"]


def test_a_new_day_has_its_own_capacity_and_the_rest_stays_in_the_digest() -> None:
    one = harness(ada={"capacity_per_day": 2, "digest_hours": [17]})
    for score in range(5):
        one.raise_alert(f"c{score}", float(score))
    one.run()
    assert len(one.sent) == 2
    one.at("2026-12-01 17:10")
    assert one.types()[-1] == "alert.digest"
    assert all(f"c{score}" in one.sent[-1][1].text for score in range(5))


def test_pushes_under_capacity_are_nearly_as_good_as_chosen_in_hindsight() -> None:
    """Thirty alerts a day, of which five may be pushed, as they come one by one."""
    rng = random.Random(4)
    recent: Recent = ()
    pushed, best, first = 0.0, 0.0, 0.0
    for day in range(60):
        left, scores = 5, [rng.expovariate(1.0) for _ in range(30)]
        for hour, score in enumerate(scores):
            now_ms = Millis(day * DAY_MS + hour * HOUR_MS // 2)
            recent = remembered(recent, now_ms, score)
            count = chosen([score], recent, now_ms, left, 5)
            left -= count
            pushed += count * score
        best += sum(sorted(scores)[-5:])
        first += sum(scores[:5])
    assert pushed > 0.8 * best
    assert first < 0.6 * best


def test_no_priority_is_too_low_while_no_more_come_than_may_be_pushed() -> None:
    recent = tuple((Millis(hour * HOUR_MS), float(hour)) for hour in range(20))
    assert threshold(recent, Millis(DAY_MS), 20) == 0.0
    assert threshold((), Millis(0), 0) == 0.0
    assert threshold(recent, Millis(DAY_MS), 0) == float("inf")


QUIET = {"quiet_hours": "18:00-08:00", "time_zone": "Europe/Istanbul"}
"""UTC+3 all year: quiet from 15:00 to 05:00 UTC."""


def test_quiet_hours_hold_messages_and_end_with_one_that_sums_up() -> None:
    one = harness("2026-12-01 16:00", ada=QUIET)
    for customer in ("c1", "c2", "c3"):
        one.raise_alert(customer)
    one.run()
    one.now_ms = ms("2026-12-01 22:00")
    one.clear("c2")
    one.run()
    assert one.sent == []
    one.at("2026-12-02 05:00").at("2026-12-02 05:01")
    [(recipient, message)] = one.sent
    assert (recipient, message.type) == ("ada", "alert.summary")
    assert message.payload["alerts"] == ["alert-c1", "alert-c3"]
    assert "c2" in message.text


def test_a_night_in_which_nothing_happened_ends_without_a_message() -> None:
    one = harness("2026-12-01 16:00", ada=QUIET).run()
    assert one.at("2026-12-02 05:00").sent == []


@pytest.mark.parametrize(
    ("day", "quiet_utc", "loud_utc"),
    [
        ("2026-03-28", "06:59", "07:00"),
        ("2026-03-29", "05:59", "06:00"),
        ("2026-10-24", "05:59", "06:00"),
        ("2026-10-25", "06:59", "07:00"),
    ],
)
def test_quiet_hours_end_by_the_clock_on_the_wall(day: str, quiet_utc: str, loud_utc: str) -> None:
    """Berlin changes clocks on 29 March and 25 October 2026."""
    one = harness(f"{day} 02:00", ada={"quiet_hours": "22:00-08:00", "time_zone": "Europe/Berlin"})
    one.raise_alert("c1")
    assert one.at(f"{day} {quiet_utc}").sent == []
    assert len(one.at(f"{day} {loud_utc}").sent) == 1


def test_quiet_days_hold_messages_over_the_weekend() -> None:
    one = harness("2026-12-05 10:00", ada={"quiet_days": ["sat", "sun"]})
    one.raise_alert("c1")
    assert one.run().at("2026-12-06 23:59").sent == []
    assert one.at("2026-12-07 00:00").types() == ["alert.summary"]


def test_a_digest_comes_at_most_once_in_a_local_hour() -> None:
    one = harness("2026-12-01 07:59", ada={"digest_hours": [8], "capacity_per_day": 0})
    one.raise_alert("c1")
    one.at("2026-12-01 08:00").restart().at("2026-12-01 08:30").at("2026-12-01 09:00")
    assert one.types() == ["alert.digest"]
    assert one.at("2026-12-02 08:00").types() == ["alert.digest"] * 2


def test_the_hour_that_comes_twice_has_one_digest() -> None:
    """Berlin, 25 October 2026: 02:00 to 03:00 comes twice."""
    hours = {"digest_hours": [2], "time_zone": "Europe/Berlin", "capacity_per_day": 0}
    one = harness("2026-10-24 23:00", ada=hours)
    one.raise_alert("c1")
    one.at("2026-10-25 00:30").at("2026-10-25 01:30")
    assert one.types() == ["alert.digest"]


def test_a_digest_with_nothing_in_it_is_not_sent() -> None:
    assert harness("2026-12-01 07:59", ada={"digest_hours": [8]}).at("2026-12-01 08:00").sent == []


def test_a_long_digest_is_capped() -> None:
    one = harness("2026-12-01 07:59", ada={"digest_hours": [8], "capacity_per_day": 0})
    for number in range(30):
        one.raise_alert(f"c{number:02d}", float(number))
    text = one.at("2026-12-01 08:00").sent[0][1].text
    assert "10 more" in text
    assert "c29" in text
    assert "c05" not in text


def test_a_snoozed_alert_is_sent_when_it_awakes() -> None:
    one = harness()
    one.raise_alert("c1")
    one.update("c1", "snoozed", snoozed=True)
    assert one.run().sent == []
    one.update("c1", "awake")
    assert one.run().types() == ["alert.raised"]


def test_an_acknowledged_alert_is_sent_again_only_if_it_gets_worse() -> None:
    one = harness()
    one.raise_alert("c1", band="medium")
    one.run()
    one.update("c1", "acknowledged", by="ada", band="medium")
    one.update("c1", "risk", by="ada", band="medium")
    assert len(one.run().sent) == 1
    one.update("c1", "band", by="ada", band="high")
    assert len(one.run().sent) == 2
    assert len({message.id for _, message in one.sent}) == 2


def test_a_new_owner_is_sent_the_alert() -> None:
    one = harness()
    one.raise_alert("c1")
    one.run()
    one.update("c1", "owner", owner="bob")
    assert [recipient for recipient, _ in one.run().sent] == ["ada", "bob"]


def test_the_alerts_of_a_rep_who_is_away_go_to_the_deputy_else_to_the_queue() -> None:
    away = {"absent": [{"first": date(2026, 12, 1), "last": date(2026, 12, 3)}]}
    for deputy, expected in (({"deputy": "bob"}, "bob"), ({}, "support")):
        one = harness(ada={**away, **deputy})
        one.raise_alert("c1")
        assert [recipient for recipient, _ in one.run().sent] == [expected]
    both = {**away, "deputy": "bob"}
    one = harness(ada=both, bob=away)
    one.raise_alert("c1")
    assert [recipient for recipient, _ in one.run().sent] == ["support"]


def test_an_unanswered_alert_goes_back_to_the_rep_who_is_back() -> None:
    away = {"absent": [{"first": date(2026, 12, 1), "last": date(2026, 12, 1)}], "deputy": "bob"}
    one = harness(ada=away)
    one.raise_alert("c1")
    one.run().at("2026-12-02 09:00")
    assert [recipient for recipient, _ in one.sent] == ["bob", "ada"]


SLA = {"answer_within_minutes": 60, "escalate_to": "bob"}


def test_an_unanswered_alert_is_escalated_once_after_the_agreed_time() -> None:
    one = harness(ada=SLA)
    one.raise_alert("c1")
    one.run().at("2026-12-01 09:59")
    assert one.types("bob") == []
    one.at("2026-12-01 10:00").at("2026-12-01 10:01").at("2026-12-02 10:00")
    assert one.types("bob") == ["alert.escalated"]
    assert "ada" in one.sent[-1][1].text


def test_an_answer_stops_the_clock() -> None:
    one = harness(ada=SLA)
    one.raise_alert("c1")
    one.run()
    one.update("c1", "acknowledged", by="ada")
    assert one.at("2026-12-01 12:00").types("bob") == []


def test_the_clock_of_an_escalation_stands_still_in_quiet_hours() -> None:
    """Raised at 17:30 local: half an hour is left until the evening, the rest is due at 08:30."""
    one = harness("2026-12-01 14:30", ada={**SLA, **QUIET})
    one.raise_alert("c1")
    one.run().at("2026-12-02 05:29")
    assert one.types("bob") == []
    assert one.at("2026-12-02 05:30").run().types("bob") == ["alert.escalated"]


def test_an_escalation_needs_no_capacity_but_keeps_quiet_hours() -> None:
    one = harness(ada=SLA, bob={"capacity_per_day": 0, "quiet_hours": "10:00-11:00"})
    one.raise_alert("c1")
    one.run().at("2026-12-01 10:00").run()
    assert one.types("bob") == []
    assert len(one.at("2026-12-01 11:00").types("bob")) == 1


def test_escalations_never_go_round_in_circles() -> None:
    back = {"answer_within_minutes": 60, "escalate_to": "ada"}
    one = harness(ada=SLA, bob=back)
    one.raise_alert("c1")
    for hour in range(9, 20):
        one.at(f"2026-12-01 {hour:02d}:30").run()
    assert [name for name, message in one.sent if message.type == "alert.escalated"] == ["bob"]


def test_a_message_is_repeated_with_the_same_id_until_it_is_delivered() -> None:
    one = harness()
    one.raise_alert("c1")
    one.answer = Outcome("retry", 503)
    one.run()
    [waiting] = one.book.deliveries.values()
    for minute in (1, 7, 45):
        one.restart().at(f"2026-12-01 09:{minute:02d}")
    [still] = one.book.deliveries.values()
    assert (still.id, still.attempts) == (waiting.id, 4)
    one.answer = Outcome("delivered", 200)
    assert [message.id for _, message in one.at("2026-12-01 13:00").sent] == [waiting.id]
    assert not one.book.deliveries


def test_a_channel_that_is_gone_is_switched_off_and_the_lead_learns_of_it_over_another() -> None:
    one = harness(bob={"channels": ("hook", "other")})
    one.raise_alert("c1")
    one.answer = Outcome("gone", 410)
    one.run()
    one.answer = Outcome("delivered", 200)
    one.raise_alert("c2")
    one.run()
    assert one.types("ada") == []
    assert one.types("bob") == ["channel.disabled"]


def test_of_an_erased_customer_nothing_is_said_any_more() -> None:
    one = harness("2026-12-01 16:00", ada=QUIET)
    one.raise_alert("c1")
    one.raise_alert("c2")
    one.run()
    one.clear("c1", "erased")
    [(_, message)] = one.at("2026-12-02 05:00").sent
    assert "c1" not in message.text
    assert not any(b'"c1"' in data for data in one.stored.values())


def test_answers_are_tallied_by_kind_and_queue() -> None:
    one = harness()
    for customer, rating in (("c1", "useful"), ("c2", "noise"), ("c3", None)):
        one.raise_alert(customer)
        one.clear(customer, "resolved", rating)  # type: ignore[arg-type]
    [tally] = one.book.tallies.values()
    assert tally.counts == {
        "churn|support|useful": 1,
        "churn|support|noise": 1,
        "churn|support|unrated": 1,
    }


def test_an_update_about_an_alert_that_is_unknown_makes_it_known() -> None:
    """It was raised during a backfill, or before the notifier's first start."""
    one = harness()
    one.update("c1", "risk")
    assert one.run().types() == ["alert.raised"]


def test_a_restart_at_any_moment_loses_and_doubles_nothing() -> None:
    one = harness("2026-12-01 14:00", ada={**QUIET, "digest_hours": [8, 17]})
    two = harness("2026-12-01 14:00", ada={**QUIET, "digest_hours": [8, 17]})
    for number, at in enumerate(("14:00", "14:05", "14:40", "16:00", "23:00")):
        for each in (one, two):
            each.now_ms = ms(f"2026-12-01 {at}")
            each.raise_alert(f"c{number}", float(number))
            each.run()
        two.restart()
    for each in (one, two):
        each.at("2026-12-02 05:00").at("2026-12-02 14:30")
    assert [m.id for _, m in two.sent] == [m.id for _, m in one.sent]


def test_a_capacity_that_was_lowered_during_the_day_sends_nothing_more() -> None:
    before, after = settings(ada={"capacity_per_day": 3}), settings(ada={"capacity_per_day": 1})
    one = NotifierUnderTest(before, "2026-12-01 09:00")
    for number in range(3):
        one.raise_alert(f"c{number}")
    one.run()
    one.directory = Directory(after)
    one.raise_alert("c9", 10_000.0)
    assert len(one.run().sent) == 3


def test_what_got_worse_after_an_answer_is_sent_whatever_else_changes_then() -> None:
    one = harness("2026-12-01 14:00", ada=QUIET)
    one.raise_alert("c1", band="medium")
    one.run()
    one.now_ms = ms("2026-12-01 16:00")
    one.update("c1", "acknowledged", by="ada", band="medium")
    one.update("c1", "band", by="ada", band="high")
    one.update("c1", "risk", by="ada", band="high")
    one.run()
    assert one.at("2026-12-02 05:00").types() == ["alert.raised", "alert.summary"]


def test_an_alert_that_is_given_back_is_sent_again() -> None:
    one = harness()
    one.raise_alert("c1")
    one.run()
    one.update("c1", "acknowledged", by="ada")
    one.update("c1", "released")
    assert one.run().types() == ["alert.raised"] * 2


def test_what_one_rep_has_in_hand_is_news_to_the_next_owner() -> None:
    one = harness()
    one.raise_alert("c1")
    one.run()
    one.update("c1", "acknowledged", by="ada")
    one.update("c1", "owner", by="ada", owner="bob")
    assert one.run().types("bob") == ["alert.raised"]


def test_a_repetition_waits_for_the_end_of_quiet_hours() -> None:
    one = harness("2026-12-01 14:59", ada=QUIET)
    one.raise_alert("c1")
    one.answer = Outcome("retry", 503)
    one.run()
    one.answer = Outcome("delivered", 200)
    assert one.at("2026-12-01 22:00").sent == []
    assert one.at("2026-12-02 05:00").types() == ["alert.raised"]


@pytest.mark.parametrize("change", ["snoozed", "acknowledged", "owner"])
def test_a_repetition_ends_once_the_rep_need_not_hear_of_it(change: AlertChange) -> None:
    one = harness()
    one.raise_alert("c1")
    one.answer = Outcome("retry", 503)
    one.run()
    one.answer = Outcome("delivered", 200)
    owner = "bob" if change == "owner" else "ada"
    one.update("c1", change, snoozed=change == "snoozed", by="ada", owner=owner)
    assert one.at("2026-12-01 10:00").types("ada") == []


def test_who_is_erased_after_the_alert_is_named_in_no_summary() -> None:
    one = harness("2026-12-01 16:00", ada=QUIET)
    one.raise_alert("c1")
    one.raise_alert("c2")
    one.run()
    one.clear("c1")
    one.clear("c1", "erased")
    [(_, message)] = one.at("2026-12-02 05:00").sent
    assert "c1" not in message.text
    assert [tally.counts for tally in one.book.tallies.values()] == [{"churn|support|unrated": 1}]


def test_an_escalated_alert_whose_rep_is_gone_goes_back() -> None:
    one = harness(ada=SLA)
    one.raise_alert("c1")
    one.run().at("2026-12-01 10:00").run()
    assert one.types("bob") == ["alert.escalated"]
    one.directory = Directory(
        Settings.model_validate(
            {"channels": [HOOK], "reps": [{"id": "ada", "channels": ["hook"]}], "queues": []}
        )
    )
    one.run()
    assert one.book.notices["alert-c1"].recipient == "ada"


def test_a_clock_that_is_set_back_grants_no_second_day() -> None:
    one = harness("2026-12-02 00:10", ada={"capacity_per_day": 2})
    for number in range(2):
        one.raise_alert(f"c{number}", 5.0)
    one.run()
    one.now_ms = ms("2026-12-01 23:50")
    one.raise_alert("c9", 50.0)
    assert len(one.run().sent) == 2


def test_a_hook_that_is_gone_is_gone_for_everybody() -> None:
    one = harness()
    one.raise_alert("c1")
    one.answer = Outcome("gone", 410)
    one.run()
    one.answer = Outcome("delivered", 200)
    one.raise_alert("c2", owner="bob")
    assert one.run().types("bob") == []


def test_an_alert_whose_end_was_not_heard_of_is_forgotten() -> None:
    one = harness()
    one.raise_alert("c1")
    one.run().at("2026-12-16 09:01")
    assert not one.book.notices


def test_a_summary_that_waits_is_written_anew_when_an_alert_in_it_clears() -> None:
    one = harness("2026-12-01 07:59", ada={"digest_hours": [8], "capacity_per_day": 0})
    for customer in ("c1", "c2"):
        one.raise_alert(customer)
    one.answer = Outcome("retry", 503)
    one.at("2026-12-01 08:00")
    [waiting] = one.book.deliveries.values()
    one.clear("c1")
    one.answer = Outcome("delivered", 200)
    [(_, message)] = one.at("2026-12-01 08:01").sent
    assert message.id == waiting.id
    assert message.payload["alerts"] == ["alert-c2"]


def test_a_repetition_carries_the_message_of_the_first_attempt() -> None:
    one = harness()
    one.raise_alert("c1", 100.0)
    one.answer = Outcome("retry", 503)
    one.run()
    [first] = one.book.deliveries.values()
    one.answer = Outcome("delivered", 200)
    one.update("c1", "risk", score=900.0)
    [(_, message)] = one.at("2026-12-01 09:01").sent
    assert message == first.message


def test_an_unknown_alert_that_somebody_has_in_hand_is_not_sent() -> None:
    one = harness()
    one.update("c1", "risk", by="ada")
    assert one.run().sent == []
