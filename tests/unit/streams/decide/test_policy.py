import pytest

from tests.make import event, folded, moment
from touchstream.schemas.rules import ActionRules, Band, DecidingRules, Rules
from touchstream.streams.decide.policy import Choice, Situation, choose, held_out
from touchstream.streams.profiles.profile import Profile

CALL = ActionRules(
    name="call",
    channel="phone",
    bands=("high",),
    accept_probability=0.5,
    value_minor=1_000,
    cost_minor=100,
)
OFFER = ActionRules(
    name="offer",
    channel="email",
    consent="marketing",
    accept_probability=0.2,
    value_minor=1_000,
    cost_minor=10,
    rest_days=30,
)
FIX = ActionRules(
    name="fix", channel="support", minimum_open_tickets=1, value_minor=1, cost_minor=0
)
VISITOR = folded(event("web.visit", "d0"))


def chosen(
    *actions: ActionRules,
    profile: Profile = VISITOR,
    risk: float = 0.8,
    band: Band = "high",
    recommended: str | None = None,
    epsilon: float = 0.0,
) -> Choice:
    situation = Situation(
        subject="ada",
        profile=profile,
        risk=risk,
        band=band,
        recommended_ms={} if recommended is None else {"offer": moment(recommended)},
        now_ms=moment("d40"),
        cause="shop e1",
    )
    return choose(situation, Rules(actions=actions, deciding=DecidingRules(epsilon=epsilon)))


def test_the_action_of_the_highest_expected_value_is_chosen() -> None:
    choice = chosen(CALL, OFFER)
    assert choice.values_minor == {"do_nothing": 0.0, "call": 300.0, "offer": 150.0}
    assert (choice.action, choice.channel, choice.propensity) == ("call", "phone", 1.0)


def test_nothing_is_done_where_every_action_costs_more_than_it_brings() -> None:
    choice = chosen(CALL, risk=0.1)
    assert choice.values_minor["call"] == -50.0
    assert (choice.action, choice.channel) == ("do_nothing", None)


def test_of_two_equal_values_the_first_is_best_and_doing_nothing_comes_first() -> None:
    free = ActionRules(name="free", channel="none", value_minor=0, cost_minor=0)
    assert chosen(free).action == "do_nothing"


def test_exploration_is_shared_by_all_arms() -> None:
    choice = chosen(CALL, OFFER, epsilon=0.3)
    assert choice.probabilities == pytest.approx({"do_nothing": 0.1, "call": 0.8, "offer": 0.1})


def test_an_action_of_another_band_is_left_out() -> None:
    assert chosen(CALL, band="medium").left_out == {"call": "band"}


def test_an_action_for_open_tickets_needs_one() -> None:
    assert chosen(FIX).left_out == {"fix": "no_open_ticket"}
    resolved = folded(event("ticket.opened", "d1"), event("ticket.resolved", "d2"))
    assert chosen(FIX, profile=resolved).left_out == {"fix": "no_open_ticket"}
    assert chosen(FIX, profile=folded(event("ticket.opened", "d1"))).left_out == {}


def test_who_refused_the_purpose_is_left_alone() -> None:
    refused = folded(event("consent.changed", purpose="marketing", granted=False))
    assert chosen(OFFER, profile=refused).left_out == {"offer": "consent_refused"}


def test_who_unsubscribed_from_mails_gets_no_offer() -> None:
    unsubscribed = folded(event("email.unsubscribed"))
    assert chosen(OFFER, profile=unsubscribed).left_out == {"offer": "consent_refused"}


def test_a_refusal_of_another_purpose_does_not_matter() -> None:
    refused = folded(event("consent.changed", purpose="profiling", granted=False))
    assert chosen(OFFER, profile=refused).left_out == {}


def test_who_was_never_asked_has_not_refused() -> None:
    assert chosen(OFFER).left_out == {}


def test_an_action_rests_after_it_was_recommended() -> None:
    assert chosen(OFFER, recommended="d10 0:01").left_out == {"offer": "resting"}
    assert chosen(OFFER, recommended="d10").left_out == {}


def test_the_first_obstacle_is_the_reason() -> None:
    refused = folded(event("email.unsubscribed"))
    assert chosen(OFFER, profile=refused, recommended="d39").left_out == {
        "offer": "consent_refused"
    }


def test_without_any_action_there_is_nothing_to_do() -> None:
    assert chosen(epsilon=0.5).probabilities == {"do_nothing": 1.0}


def held(subject: str, share: float, seed: int = 0) -> Choice:
    situation = Situation(
        subject=subject,
        profile=VISITOR,
        risk=0.8,
        band="high",
        recommended_ms={},
        now_ms=moment("d40"),
        cause="shop e1",
    )
    deciding = DecidingRules(epsilon=0.1, holdout=share)
    return choose(situation, Rules(seed=seed, actions=(CALL, OFFER), deciding=deciding))


HELD = next(
    f"c{n}"
    for n in range(1_000)
    if held(f"c{n}", 0.05).action == "do_nothing" and held(f"c{n}", 0.05).left_out
)
"""One of the customers to whom nothing is ever done."""


def test_to_who_is_held_out_nothing_is_done_for_sure() -> None:
    choice = held(HELD, 0.05)
    assert (choice.action, choice.channel, choice.propensity) == ("do_nothing", None, 1.0)
    assert choice.probabilities == {"do_nothing": 1.0}
    assert choice.left_out == {"call": "holdout", "offer": "holdout"}


def test_who_is_held_out_stays_so_whatever_gives_rise_to_a_decision() -> None:
    rules = Rules(deciding=DecidingRules(holdout=0.05))
    assert held_out(HELD, rules)
    assert held(HELD, 0.05).left_out == held(HELD, 0.10).left_out != {}


def test_about_as_many_are_held_out_as_the_rules_say() -> None:
    rules = Rules(seed=7, deciding=DecidingRules(holdout=0.05))
    share = sum(held_out(f"c{number}", rules) for number in range(20_000)) / 20_000
    assert share == pytest.approx(0.05, abs=0.005)


def test_another_seed_holds_out_others() -> None:
    one, other = (
        {n for n in range(2_000) if held_out(f"c{n}", Rules(seed=seed))} for seed in (1, 2)
    )
    assert len(one & other) < len(one) / 2


def test_without_a_holdout_nobody_is_held_out() -> None:
    rules = Rules(deciding=DecidingRules(holdout=0.0))
    assert not any(held_out(f"c{number}", rules) for number in range(2_000))


def test_what_is_offered_is_the_same_for_held_out_and_not() -> None:
    others = next(f"c{n}" for n in range(1_000) if not held(f"c{n}", 0.05).left_out)
    expected = 0.95 * (1 - 0.1 / 3)
    assert (
        held(HELD, 0.05).offer_probability
        == held(others, 0.05).offer_probability
        == pytest.approx(expected)
    )


def test_where_nothing_is_worth_doing_little_is_offered() -> None:
    assert chosen(CALL, risk=0.1, epsilon=0.0).offer_probability == 0.0
