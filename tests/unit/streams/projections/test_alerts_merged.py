"""Two ids of one person may both have an alert, and even the same one."""

import msgspec
import pytest

from tests.make import days, event, models
from touchstream.schemas.rules import Rules
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.alert_state import (
    AlertsState,
    OpenAlert,
    RestingAlert,
    Snoozed,
)
from touchstream.streams.projections.alerts import Alerts
from touchstream.streams.projections.projection import Context
from touchstream.streams.projections.registry import slots_of
from touchstream.streams.state import State

ALERT = OpenAlert("churn", b"one", Millis(1), Millis(9), "high", 700_000, 1_000, "default")
ANSWERS = (
    {"snoozed": Snoozed(Millis(5), 700_000)},
    {"rating": "useful"},
    {"acknowledged_by": "ada"},
)


def context() -> Context:
    profile = Profile(first_seen_ms=days(0), last_seen_ms=days(0))
    visit, rules = event("web.visit", days(0)), Rules()
    serving = models("d0", rules)
    return Context(
        CustomerId("ada"), profile, None, serving, rules, days(0), visit, slots_of(State())
    )


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda one: next(iter(one)))
def test_an_answer_that_only_one_of_two_ids_knows_makes_no_order(answer: dict[str, object]) -> None:
    a, b = (
        AlertsState("support", None, (one,))
        for one in (ALERT, msgspec.structs.replace(ALERT, **answer))
    )
    merge, ctx = Alerts().merge, context()
    assert merge(a, b, ctx) == merge(b, a, ctx)


def test_the_same_alert_at_rest_makes_no_order() -> None:
    rest = RestingAlert("churn", b"one", Millis(1), 700_000)
    a, b = (
        AlertsState("support", None, (), (one,))
        for one in (rest, msgspec.structs.replace(rest, rating="noise"))
    )
    merge, ctx = Alerts().merge, context()
    assert merge(a, b, ctx) == merge(b, a, ctx)
