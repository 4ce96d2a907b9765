"""Which actions are kept, dropped or left open, and what blocks a verdict."""

import math

import numpy as np
import pytest

from bench.practices import blocked, kept
from touchstream.streams.decide.evaluation.logged import BadLog, LoggedDecision
from touchstream.streams.decide.practices.discoveries import discoveries
from touchstream.streams.decide.practices.harm import suspended
from touchstream.streams.decide.practices.practices import (
    Finding,
    How,
    NotAnswerable,
    Practice,
    weigh,
)
from touchstream.streams.decide.practices.programme import programme

STAYS = {
    ("call", "old"): 0.9,
    ("call", "young"): 0.3,
    ("mail", "old"): 0.6,
    ("mail", "young"): 0.6,
    ("do_nothing", "old"): 0.6,
    ("do_nothing", "young"): 0.6,
}
"""P(stays): a call keeps the old and drives the young away; a mail does nothing."""
PROBABILITIES = {"call": 0.3, "do_nothing": 0.4, "mail": 0.3}


def world(
    seed: int, n: int = 3_000, chosen: dict[str, float] | None = None
) -> list[LoggedDecision]:
    """Decisions made with the probabilities ``chosen`` and logged with PROBABILITIES."""
    rng = np.random.default_rng(seed)
    shares = chosen or PROBABILITIES
    log = []
    for number in range(n):
        segment = "old" if rng.random() < 0.5 else "young"
        action = str(rng.choice(list(shares), p=list(shares.values())))
        log.append(
            LoggedDecision(
                customer=f"c{number}",
                context={"segment": segment},
                action=action,
                propensity=PROBABILITIES[action],
                probabilities=PROBABILITIES,
                reward=float(rng.random() < STAYS[action, segment]),
            )
        )
    return log


def by_practice(log: list[LoggedDecision], how: How) -> dict[Practice, Finding]:
    return {finding.practice: finding for finding in weigh(log, how).findings}


def test_an_action_is_kept_where_it_helps_and_dropped_where_it_harms() -> None:
    found = by_practice(world(0), How(by="segment"))
    assert found[Practice("call", "old")].conclusion == "keep"
    assert found[Practice("call", "young")].conclusion == "drop"
    for segment in (None, "old", "young"):
        assert found[Practice("mail", segment)].conclusion == "unclear"


def test_the_uplift_is_the_planted_one_within_its_interval() -> None:
    found = by_practice(world(1, 6_000), How(by="segment"))
    for (action, segment), stays in STAYS.items():
        if action != "do_nothing":
            difference = found[Practice(action, segment)].difference
            assert difference.low < stays - 0.6 < difference.high
            assert difference.high - difference.low < 0.25


def test_a_harmful_action_is_suspended_in_its_segment_alone() -> None:
    findings = weigh(world(2), How(by="segment")).findings
    assert suspended(findings) == [Practice("call", "young")]


def costing(log: list[LoggedDecision], action: str, cost: float) -> list[LoggedDecision]:
    return [one._replace(cost=cost) if one.action == action else one for one in log]


def test_an_action_that_helps_is_dropped_once_it_costs_more_than_it_gains() -> None:
    found = by_practice(costing(world(3), "call", 0.6), How(by="segment"))
    assert found[Practice("call", "old")].conclusion == "drop"
    assert found[Practice("call", "old")].difference.high < 0.0


def test_wrong_propensities_block_every_verdict() -> None:
    log = world(4, chosen={"call": 0.4, "do_nothing": 0.4, "mail": 0.2})
    found = weigh(log, How(by="segment"))
    assert found.blocked
    assert {finding.reason for finding in found.findings} == {"wrong_propensities"}
    assert suspended(found.findings) == []


def test_propensities_of_chosen_actions_alone_are_checked_as_well() -> None:
    wrong = world(4, chosen={"call": 0.4, "do_nothing": 0.4, "mail": 0.2})
    bare = [one._replace(probabilities=None) for one in wrong]
    assert weigh(bare, How()).blocked
    assert not weigh([one._replace(probabilities=None) for one in world(4)], How()).blocked


def test_propensities_that_vary_are_checked_by_their_weights() -> None:
    def varying(factor: float) -> list[LoggedDecision]:
        rng = np.random.default_rng(7)
        log = []
        for number in range(4_000):
            share = (0.2, 0.3)[number % 2]
            shares = {"call": share, "mail": share, "do_nothing": 1 - 2 * share}
            action = str(rng.choice(list(shares), p=list(shares.values())))
            propensity = shares[action] * (factor if action == "call" else 1.0)
            log.append(LoggedDecision(f"c{number}", {}, action, propensity, None, 0.0))
        return log

    assert not weigh(varying(1.0), How()).blocked
    assert weigh(varying(0.6), How()).blocked


def test_propensities_that_do_not_sum_to_1_are_refused() -> None:
    log = [one._replace(probabilities=None, propensity=0.5) for one in world(0, 300)]
    with pytest.raises(BadLog, match=r"sum to 1.5, not 1"):
        weigh(log, How())


def test_nothing_is_concluded_from_few_customers_or_from_one_reward() -> None:
    few = by_practice(world(5, 150), How())
    assert {finding.reason for finding in few.values()} == {"too_few"}
    same = by_practice([one._replace(reward=0.0) for one in world(5)], How())
    assert {finding.reason for finding in same.values()} == {"same_reward"}


def test_many_decisions_of_few_customers_are_few_customers() -> None:
    log = [one._replace(customer=f"c{n % 50}") for n, one in enumerate(world(6))]
    assert {finding.reason for finding in weigh(log, How()).findings} == {"too_few"}


def test_one_order_of_a_wholesaler_decides_nothing() -> None:
    log = [*world(8), world(8)[0]._replace(customer="big", action="mail", propensity=0.3)]
    log[-1] = log[-1]._replace(reward=1e6)
    found = weigh(log, How())
    assert found.cap == 1.0
    assert abs(by_practice(log, How())[Practice("mail", None)].difference.estimate) < 0.1


@pytest.mark.parametrize(
    ("how", "text"),
    [
        (How(control="none"), "no decision could choose 'none'"),
        (How(by="plan"), "no column 'plan'"),
    ],
    ids=["control", "column"],
)
def test_a_question_that_the_log_cannot_answer_is_refused(how: How, text: str) -> None:
    with pytest.raises(NotAnswerable, match=text):
        weigh(world(0, 50), how)


def test_of_many_findings_more_evidence_is_wanted_of_each() -> None:
    alone = discoveries([math.log(30)], 0.05)
    among = discoveries([math.log(30), *[0.0] * 9], 0.05)
    assert (alone, among[0]) == ([True], False)


def test_a_programme_is_worth_its_difference_to_the_holdout() -> None:
    log = costing(world(9, 4_000), "call", 0.1)
    held = [one._replace(customer=f"h{n}", action="do_nothing") for n, one in enumerate(world(10))]
    held = [one._replace(reward=float(n % 2)) for n, one in enumerate(held)]
    found = programme(log, held, How())
    calls = sum(one.action == "call" for one in log)
    assert (found.compared_with, found.holdout_customers) == ("holdout", 3_000)
    assert found.cost == pytest.approx(0.1 * calls)
    assert found.revenue == pytest.approx(sum(one.reward for one in log) - 4_000 * 0.5)
    assert found.low < found.revenue < found.high
    assert found.roi(found.revenue) == pytest.approx(found.revenue / found.cost - 1)


def test_without_a_holdout_a_programme_is_compared_with_doing_nothing() -> None:
    found = programme(world(11), [], How())
    assert found.compared_with == "do_nothing"
    assert found.low < 0.0 < found.high
    assert found.roi(found.revenue) is None


def test_a_null_practice_looked_at_often_is_hardly_ever_kept_and_by_a_z_test_it_is() -> None:
    found = [kept(40, kind, looks=60) for kind in ("binary", "money")]
    # 5 % of 80 worlds are 4; a z-test keeps about 17 %, which is 14.
    assert sum(each.always_valid for each in found) <= 4
    assert sum(each.z_test for each in found) >= 7


def test_a_right_log_is_hardly_ever_blocked_and_a_wrong_one_is() -> None:
    assert blocked(200, 0.5) <= 4
    assert blocked(20, 0.56) == 20
