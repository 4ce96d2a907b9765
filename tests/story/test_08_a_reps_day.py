"""Chapter 8. Tuesday, 1 December: what reaches Ada and Lale, what they answer, what is left.

Times are those of Istanbul. Ada does not want to be disturbed from 18:00 to 08:30, may be sent four
alerts a day one by one, and is to answer within two hours; else Lale, the lead, gets the alert.
"""

from collections.abc import Sequence
from functools import cache

from tests.story.support_team import SupportTeam
from touchstream.agents.channels.message import Message
from touchstream.agents.notifier.precision import PrecisionRow, summed
from touchstream.streams.projections.decisions import UNKNOWN_DECISION
from touchstream.streams.projections.indexes import queue_index

EVE, DAY = "2026-11-30", "2026-12-01"
PRICES = {"aylin": 9_900, "cem": 4_900, "deniz": 1_900, "hale": 900}
"""What customers of Ada pay a month, in cents."""


# The morning.


def test_the_night_is_one_message_at_the_end_of_the_quiet_hours() -> None:
    assert to_ada("00:00", "08:30") == []
    [summary] = to_ada("08:30", "10:00")
    assert summary.subject == "While you were away: 1 new, 1 cleared"


def test_it_lists_who_fell_silent_and_names_whose_trouble_was_over_before_the_morning() -> None:
    [summary] = to_ada("08:30", "10:00")
    assert about(summary) == ["elif"]
    assert "silent for 31 days" in summary.text
    assert "Suggested: Call the customer" in summary.text
    assert "filiz: no longer at risk" in summary.text


# The day.


def test_three_tickets_at_ten_reach_ada_at_once_the_customer_worth_most_first() -> None:
    ten = to_ada("10:00", "10:05")
    assert [about(message) for message in ten] == [["aylin"], ["cem"], ["deniz"]]
    scores = [tuesday().raised(name)[0].priority.score for name in ("aylin", "cem", "deniz")]
    assert scores == sorted(scores, reverse=True)


def test_a_customer_snoozed_until_the_next_touchpoint_is_not_heard_of_until_they_come() -> None:
    assert [m for m in to_ada("10:05", "13:00") if "cem" in m.text] == []
    [again] = to_ada("13:00", "13:05")
    assert about(again) == ["cem"]


def test_an_alert_that_nobody_answers_goes_to_the_lead_after_two_hours() -> None:
    assert to_lale("00:00", "12:00") == []
    [escalated] = to_lale("12:00", "12:10")
    assert (escalated.type, about(escalated)) == ("alert.escalated", ["deniz"])
    assert "Ada has not answered this alert for 2 h." in escalated.text


def test_every_other_alert_was_answered_in_time() -> None:
    assert len([m for m in to_lale("00:00", "23:59") if m.type == "alert.escalated"]) == 1


def test_an_answer_ends_the_alert_and_says_how() -> None:
    assert tuesday().endings() == {
        "filiz": "recovered",
        "aylin": "resolved",
        "cem": "false_alarm",
        "elif": "recovered",
    }


def test_the_outcome_of_a_recommended_action_names_a_decision_that_the_core_made() -> None:
    counters = tuesday().stream.shards[0].checkpoint.counters
    assert UNKNOWN_DECISION not in counters


def test_a_customer_of_nobody_is_a_matter_of_the_queue_alone() -> None:
    [message] = tuesday().received("business", f"{DAY} 00:00", f"{DAY} 23:59")
    assert (message.type, about(message)) == ("alert.raised", ["gul"])
    assert not [
        m for m in (*to_ada("00:00", "23:59"), *to_lale("00:00", "23:59")) if "gul" in m.text
    ]


def test_four_single_alerts_are_the_day_of_ada_the_fifth_waits_for_the_digest() -> None:
    singles = [m for m in to_ada("00:00", "23:59") if m.type == "alert.raised"]
    assert [about(message)[0] for message in singles] == ["aylin", "cem", "deniz", "cem"]
    [digest] = to_ada("16:30", "18:00")
    assert digest.type == "alert.digest"
    assert about(digest) == ["hale"]


def test_the_digest_of_ada_names_what_was_cleared_since_the_morning() -> None:
    [digest] = to_ada("16:30", "18:00")
    assert digest.subject == "Your alerts: 4 new, 3 cleared"


# The evening.


def test_after_six_nothing_reaches_ada() -> None:
    assert to_ada("18:00", "23:59") == []


def test_the_digest_of_the_lead_holds_what_was_escalated_and_nothing_of_the_others() -> None:
    [digest] = to_lale("18:00", "18:05")
    assert (digest.type, about(digest)) == ("alert.digest", ["deniz"])
    assert digest.subject == "Your alerts: 1 new, 0 cleared"


def test_half_of_the_rated_alerts_were_useful_and_half_of_all_that_ended_were_rated() -> None:
    found = summed(tuesday().notifier.book.tallies.values())
    assert found.rows == [PrecisionRow("churn", "support", 4, 2, 1, 0.5, 0.5)]


def test_the_core_counts_the_same_ratings() -> None:
    measured = tuesday().stream.shards[0].measures[f"800:{DAY}"]
    assert measured["alert_ratings|churn|useful"] == 1
    assert measured["alert_ratings|churn|noise"] == 1


def test_what_is_still_open_by_queue_is_what_nobody_has_ended() -> None:
    assert tuesday().waiting_in(queue_index("support")) == ["deniz", "hale"]
    assert tuesday().waiting_in(queue_index("business")) == ["gul"]
    assert {one.customer for one in tuesday().notifier.book.notices.values()} == {
        "deniz",
        "hale",
        "gul",
    }


def to_ada(first: str, end: str) -> Sequence[Message]:
    """What Ada was sent on Tuesday from ``first`` on and before ``end``."""
    return tuesday().received("ada", f"{DAY} {first}", f"{DAY} {end}")


def to_lale(first: str, end: str) -> Sequence[Message]:
    return tuesday().received("lale", f"{DAY} {first}", f"{DAY} {end}")


def about(message: Message) -> list[str]:
    """The customers of a message's open alerts."""
    alerts = message.details["alerts"]
    assert isinstance(alerts, list)
    return [one["customer"] for one in alerts]


@cache
def tuesday() -> SupportTeam:
    """The day as it happened; nobody changes it."""
    team = SupportTeam("2026-10-30 03:00")
    _become_customers(team)
    team.happens(f"{EVE} 21:00", "ticket.opened", "filiz")
    team.happens(f"{EVE} 23:00", "ticket.resolved", "filiz")
    # Elif's last visit is a month ago: at midnight UTC their silence is too long.
    team.answers(f"{DAY} 08:45", "ada", "elif", "acknowledged")
    team.happens(f"{DAY} 10:00", "ticket.opened", "deniz", "aylin", "cem")
    team.answers(f"{DAY} 10:10", "ada", "cem", "snoozed", next_touchpoint=True)
    team.answers(f"{DAY} 10:20", "ada", "aylin", "acknowledged")
    team.carries_out(f"{DAY} 10:50", "aylin", "accepted")
    team.answers(f"{DAY} 11:00", "ada", "aylin", "resolved", rating="useful")
    team.happens(f"{DAY} 13:00", "web.visit", "cem")
    team.answers(f"{DAY} 13:20", "ada", "cem", "false_alarm", reason="asked for an invoice")
    team.happens(f"{DAY} 14:00", "ticket.opened", "gul")
    team.happens(f"{DAY} 15:30", "web.visit", "elif")
    team.happens(f"{DAY} 16:30", "ticket.opened", "hale")
    return team.wait_until(f"{DAY} 23:00")


def _become_customers(team: SupportTeam) -> None:
    owned = {"owner": "ada"}
    team.happens("2026-10-30 13:00", "customer.updated", "elif", attributes=owned)
    team.happens("2026-10-30 13:00", "web.visit", "elif")
    since = "2026-11-27 12:00"
    team.happens(since, "customer.updated", *PRICES, "filiz", attributes=owned)
    for customer, cents in PRICES.items():
        team.happens(since, "subscription.started", customer, amount_minor=cents)
    team.happens(since, "subscription.started", "gul", plan="business", amount_minor=50_000)
