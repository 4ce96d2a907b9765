"""Chapter 7. She asks to be forgotten: what is left is that she asked, and soon not even that."""

from tests.make import days, event, moment, record
from tests.story.town import ASKS, RULES, town_on
from touchstream.streams.emit.identity import pseudonym
from touchstream.streams.projections.read import churn_of


def test_profile_ledger_and_risk_are_gone_at_once() -> None:
    mira = town_on(126).state("mira")
    assert mira is not None
    assert (
        mira.profile,
        churn_of(mira).ledger,
        churn_of(mira).risk,
        churn_of(mira).last_emitted_contributions,
    ) == (
        None,
        (),
        None,
        None,
    )


def test_others_are_told_to_forget_her_too() -> None:
    published = [one for one in town_on(126).said_of("mira") if one.topic == "customer-risk"][-1]
    assert published.data is None


def test_only_when_she_asked_stays() -> None:
    mira = town_on(126).state("mira")
    assert mira is not None
    assert mira.erased_ms == ASKS.time_ms


def test_an_older_event_that_comes_now_is_dropped_and_counted() -> None:
    town = town_on(126)
    late = event("web.visit", "d124", "mira", page="/", duration_s=1.0)
    town.stream.feed(0, [record(late, received="d126 01:00")])
    assert town.stream.shards[0].checkpoint.counters["dropped.erased"] == 1


def test_her_waiting_snapshots_are_never_learnt_from() -> None:
    town = town_on(126)
    before = len(town.stream.examples)
    town.stream.tick(days(160))
    learnt = {one.customer for one in town.stream.examples[before:]}
    assert pseudonym("n00", RULES.seed) in learnt
    assert pseudonym("mira", RULES.seed) not in learnt


def test_a_week_later_the_house_has_never_heard_of_her() -> None:
    town = town_on(126)
    town.stream.tick(days(133))
    assert town.state("mira") is None


def test_who_comes_after_that_is_a_new_customer() -> None:
    town = town_on(126)
    town.stream.tick(days(133))
    again = event("web.visit", "d133 10:00", "mira", page="/", duration_s=1.0)
    town.stream.feed(0, [record(again)])
    mira = town.state("mira")
    assert mira is not None
    assert mira.profile is not None
    assert mira.profile.first_seen_ms == moment("d133 10:00")
