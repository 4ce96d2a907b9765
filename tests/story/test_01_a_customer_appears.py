"""Chapter 1. Mira orders for the first time and becomes a customer."""

from tests.make import moment
from tests.story.town import town_on
from touchstream.streams.projections.read import churn_of


def test_before_her_first_order_nobody_knows_her() -> None:
    assert town_on(1).state("mira") is None


def test_her_first_order_makes_a_profile() -> None:
    mira = town_on(2).state("mira")
    assert mira is not None
    assert mira.profile is not None
    assert mira.profile.first_seen_ms == moment("d1 10:00")
    assert mira.profile.money["EUR"].ordered_minor == 2_500


def test_she_is_scored_at_once_by_a_model_that_knows_nothing() -> None:
    mira = town_on(2).state("mira")
    assert mira is not None
    assert churn_of(mira).risk == 0.5


def test_on_a_guess_nobody_is_put_into_a_band() -> None:
    mira = town_on(2).state("mira")
    assert mira is not None
    assert churn_of(mira).band is None


def test_the_same_event_sent_twice_counts_once() -> None:
    town = town_on(1)
    orders = [one for one in town.todays() if one.key == b"mira"]
    town.stream.feed(0, orders + orders)
    mira = town.state("mira")
    assert mira is not None
    assert mira.profile is not None
    assert mira.profile.money["EUR"].order_count == 1
    assert town.stream.shards[0].checkpoint.counters["duplicate"] == 1
