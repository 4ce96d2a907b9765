"""Chapter 2. Nothing happens, and yet something has to: her day comes once a week."""

from tests.make import moment
from tests.story.town import town_on
from touchstream.schemas.units import DAY_MS
from touchstream.streams.projections.read import churn_of


def test_every_customer_has_one_day_a_week_and_hers_is_the_same_every_week() -> None:
    mira = town_on(28).state("mira")
    assert mira is not None
    gaps = {
        b.at_ms - a.at_ms
        for a, b in zip(churn_of(mira).ledger, churn_of(mira).ledger[1:], strict=False)
    }
    assert gaps == {7 * DAY_MS}


def test_what_was_said_of_her_is_kept_until_the_truth_is_known() -> None:
    mira = town_on(28).state("mira")
    assert mira is not None
    assert [row.risk for row in churn_of(mira).ledger] == [0.5] * len(churn_of(mira).ledger)
    assert len(churn_of(mira).ledger) == 4


def test_she_orders_nothing_any_more_and_her_risk_rises_all_the_same() -> None:
    risks = [_risk_on(day) for day in (76, 83, 90)]
    assert risks == sorted(risks)
    assert risks[0] < 0.2
    assert risks[-1] > 0.6


def test_the_tick_that_noticed_is_named_as_the_cause() -> None:
    [fell_silent] = town_on(90).crossings("mira")
    assert fell_silent.cause.type == "touchstream.tick"


def test_her_last_order_was_two_weeks_before_anybody_said_so() -> None:
    town = town_on(90)
    [crossing] = [one for one in town.said_of("mira") if one.type == "churn.risk_changed"]
    assert crossing.time_ms == moment("d84")
    mira = town.state("mira")
    assert mira is not None
    assert mira.profile is not None
    assert mira.profile.last_seen_ms == moment("d69 10:00")


def _risk_on(day: int) -> float:
    mira = town_on(day).state("mira")
    assert mira is not None
    risk = churn_of(mira).risk
    assert risk is not None
    return risk
