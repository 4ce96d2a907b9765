"""The columns that a policy may look at when our own log is run again."""

from tests.make import days
from touchstream.agents.evaluation.time_machine import context_of
from touchstream.streams.decide.policy import Situation
from touchstream.streams.profiles.profile import Fact, Profile, Subscription, Ticket


def situation(profile: Profile) -> Situation:
    return Situation("cy", profile, 0.6, "high", {}, days(10), "tick")


def test_groups_age_tickets_and_subscription_and_nothing_personal() -> None:
    attributes: dict[str, str] = {"segment": "business", "email": "cy@example.com"}
    profile = Profile(
        first_seen_ms=days(1),
        last_seen_ms=days(9),
        attributes={name: Fact(days(2), value) for name, value in attributes.items()},
        tickets={
            "t-1": Ticket(days(3), 0, days(3), open=True),
            "t-2": Ticket(days(5), 2, days(4), open=False),
        },
        subscription=Subscription(days(2), 0, "large", 1_000, "EUR", None, cancelled=False),
    )
    assert context_of(situation(profile)) == {
        "segment": "business",
        "region": "",
        "plan": "large",
        "known_days": 9.0,
        "open_tickets": 1,
        "subscribed": 1,
    }


def test_every_column_is_there_for_an_unknown_customer() -> None:
    assert context_of(situation(Profile(first_seen_ms=days(10), last_seen_ms=days(10)))) == {
        "segment": "",
        "region": "",
        "plan": "",
        "known_days": 0.0,
        "open_tickets": 0,
        "subscribed": 0,
    }
