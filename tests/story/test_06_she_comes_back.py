"""Chapter 6. A page is viewed on day 97, and in the same step the alarm is taken back."""

import pytest

from tests.make import moment
from tests.story.town import COMES_BACK, town_on
from tests.story.trace import stops


def test_one_visit_takes_her_from_high_to_low() -> None:
    back = town_on(98).crossings("mira")[-1]
    assert (back.band_before, back.band) == ("high", "low")


def test_the_visit_is_named_as_the_cause() -> None:
    cause = town_on(98).crossings("mira")[-1].cause
    assert (cause.type, cause.id) == ("web.visit", COMES_BACK.id)


def test_it_is_said_at_the_moment_of_the_visit_not_at_the_next_tick() -> None:
    assert town_on(98).said_of("mira")[-1].time_ms == moment("d97 09:30")


def test_what_spoke_for_leaving_speaks_far_less_for_it_now() -> None:
    left, back = (one.reasons[0] for one in town_on(98).crossings("mira"))
    assert left.feature == "silence_days"
    assert back.change is not None
    assert back.change < -2
    assert back.change == pytest.approx(back.contribution - left.contribution, abs=1e-3)


def test_nothing_needs_to_be_done_for_a_customer_who_came_back() -> None:
    after = [one for one in town_on(104).said_of("mira") if one.time_ms > moment("d97")]
    assert [one.type for one in after] == ["churn.risk_changed", "customer.risk", "alert.cleared"]


def test_the_trace_in_the_readme_is_what_the_town_saw() -> None:
    predictions, *_ = town_on(98).said_of("mira")[-3:]
    assert stops()["emitted"]["id"] == predictions.id
    assert stops()["risk"]["after"] == town_on(98).crossings("mira")[-1].risk
