"""Estimators of a policy's value against examples computed by hand, and laws over any log."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstream.streams.decide.evaluation import terms
from touchstream.streams.decide.evaluation.evaluate import How, evaluate
from touchstream.streams.decide.evaluation.intervals import always_valid, bootstrap, margin
from touchstream.streams.decide.evaluation.logged import (
    BadLog,
    Context,
    DecisionLog,
    Floats,
    LoggedDecision,
    columns,
)
from touchstream.streams.decide.evaluation.lots import lots
from touchstream.streams.decide.evaluation.policies import (
    Constant,
    Greedy,
    LinearArm,
    NoChoice,
    Table,
    TargetPolicy,
    Uniform,
)
from touchstream.streams.decide.evaluation.support import NoSupport, target_probabilities


def decision(
    customer: str,
    action: str,
    propensity: float,
    reward: float,
    context: Context | None = None,
    probabilities: Mapping[str, float] | None = None,
    weight: float = 1.0,
) -> LoggedDecision:
    known = {} if context is None else context
    return LoggedDecision(customer, known, action, propensity, probabilities, reward, weight)


FOUR = [
    decision("ada", "call", 0.5, 1.0),
    decision("bob", "mail", 0.5, 0.0),
    decision("cyd", "call", 0.25, 0.0),
    decision("dan", "mail", 0.75, 1.0),
]
"""Under "always call" the weights are 2, 0, 4, 0."""


def weights(
    decisions: Sequence[LoggedDecision], policy: TargetPolicy
) -> tuple[DecisionLog, Floats]:
    log = columns(decisions)
    return log, terms.importance(log, target_probabilities(log, policy))


def test_ips_divides_the_weighted_rewards_by_the_decisions() -> None:
    assert terms.ips(*weights(FOUR, Constant("call"))).estimate == 2 / 4


def test_snips_divides_them_by_the_weights() -> None:
    assert terms.snips(*weights(FOUR, Constant("call"))).estimate == 2 / 6


def test_two_unequal_weights_are_worth_fewer_than_two_decisions() -> None:
    _, w = weights(FOUR, Constant("call"))
    assert terms.effective_n(w) == pytest.approx(36 / 20)


def test_doubly_robust_corrects_the_model_by_what_it_missed() -> None:
    log, w = weights(FOUR, Constant("call"))
    target = target_probabilities(log, Constant("call"))
    expected = np.tile([0.6, 0.4], (4, 1))  # call, mail
    found = terms.doubly_robust(log, w, target, expected)
    # 4 x .6 + 2 x (1 - .6) + 4 x (0 - .6) = .8
    assert found.estimate == pytest.approx(0.8 / 4)


def test_replay_of_a_constant_action_is_the_mean_of_its_decisions() -> None:
    same = [one._replace(propensity=0.5) for one in FOUR]
    assert terms.replay(*weights(same, Constant("call")), seed=0).estimate == 1 / 2


def test_replay_accepts_by_weight_over_the_largest_weight() -> None:
    many = [decision(f"c{n}", "call", 0.2 if n % 2 else 0.8, 1.0) for n in range(20_000)]
    accepted = terms.replay(*weights(many, Constant("call")), seed=3).bottom
    assert accepted[1::2].all()
    assert accepted[0::2].mean() == pytest.approx(0.25, abs=0.02)


def test_a_decision_of_weight_2_is_two_decisions() -> None:
    twice = [*FOUR, FOUR[0]]
    heavy = [FOUR[0]._replace(weight=2.0), *FOUR[1:]]
    of_twice = evaluate(twice, Constant("call"), How(resamples=10))
    of_heavy = evaluate(heavy, Constant("call"), How(resamples=10))
    for name in ("ips", "snips"):
        assert of_heavy.values[name].estimate == pytest.approx(of_twice.values[name].estimate)


def test_with_a_perfect_model_doubly_robust_has_no_variance() -> None:
    worth = {"call": 3.0, "mail": 1.0}
    known = [
        decision(f"c{n}", action, 0.5, worth[action])
        for n in range(60)
        for action in ("call", "mail")
    ]
    found = evaluate(known, Constant("call"))
    assert found.values["dr"][:3] == pytest.approx((3.0, 3.0, 3.0))
    assert found.values["ips"].high - found.values["ips"].low < 1e-9  # both arms once a customer
    uneven = evaluate([*known, *known[:10:2]], Constant("call"))
    assert uneven.values["ips"].high - uneven.values["ips"].low > 0.1
    assert uneven.values["dr"][:3] == pytest.approx((3.0, 3.0, 3.0))


class Own(NamedTuple):
    """The policy that made the log."""

    shares: Mapping[str, float]

    def probabilities(self, context: Context, arms: Sequence[str]) -> Mapping[str, float]:
        return self.shares


LOGS = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["call", "mail"]), st.floats(-100, 100)),
    min_size=2,
    max_size=30,
)
SHARES = {"call": 0.3, "mail": 0.7}


def of(rows: Sequence[tuple[str, str, float]], scale: float = 1.0) -> list[LoggedDecision]:
    made = [decision(who, what, SHARES[what] * scale, reward) for who, what, reward in rows]
    # Both arms occur, so that the log supports both.
    return [*made, decision("z", "call", 0.3 * scale, 0.0), decision("z", "mail", 0.7 * scale, 0.0)]


@given(LOGS)
def test_the_logging_policy_itself_has_the_mean_reward_by_every_estimator(
    rows: list[tuple[str, str, float]],
) -> None:
    log, w = weights(of(rows), Own(SHARES))
    mean = float(log.reward.mean())
    for estimate in (terms.ips(log, w), terms.snips(log, w), terms.replay(log, w, 0)):
        assert estimate.estimate == pytest.approx(mean, abs=1e-9)


@given(LOGS, st.floats(0.1, 1.0))
def test_snips_does_not_change_if_all_propensities_are_scaled(
    rows: list[tuple[str, str, float]], scale: float
) -> None:
    scaled, plain = (weights(of(rows, by), Constant("call")) for by in (scale, 1.0))
    assert terms.snips(*scaled).estimate == pytest.approx(terms.snips(*plain).estimate, abs=1e-9)


@given(LOGS)
def test_snips_stays_within_the_rewards_of_the_log(rows: list[tuple[str, str, float]]) -> None:
    log, w = weights(of(rows), Constant("call"))
    assert log.reward.min() - 1e-9 <= terms.snips(log, w).estimate <= log.reward.max() + 1e-9


@given(LOGS, st.floats(-50, 50), st.floats(-50, 50))
def test_a_constant_added_to_the_model_leaves_doubly_robust_alone_under_its_own_policy(
    rows: list[tuple[str, str, float]], call: float, mail: float
) -> None:
    log, _ = weights(of(rows), Own(SHARES))
    ones, same = np.ones(len(log.action)), np.tile([0.3, 0.7], (len(log.action), 1))
    level = np.full((len(log.action), 2), call + mail)
    found = terms.doubly_robust(log, ones, same, level)
    assert found.estimate == pytest.approx(float(log.reward.mean()), abs=1e-9)


def test_an_action_that_was_never_logged_has_no_support() -> None:
    with pytest.raises(NoSupport, match=r"100 % .*'visit' in 4 of 4 decisions"):
        evaluate(FOUR, Constant("visit"))


def test_an_action_that_could_not_be_chosen_once_has_no_support() -> None:
    both = {"call": 0.5, "mail": 0.5}
    log = [
        decision("ada", "call", 0.5, 1.0, probabilities=both),
        decision("bob", "mail", 1.0, 0.0, probabilities={"call": 0.0, "mail": 1.0}),
    ]
    with pytest.raises(NoSupport, match=r"50 % .*'call' in 1 of 2 decisions"):
        evaluate(log, Constant("call"))
    assert evaluate(log, Constant("call", fallback="mail")).values["ips"].estimate == 1.0
    assert evaluate(log, Uniform()).values["ips"].estimate == 0.5


def test_without_a_decision_of_the_policy_there_is_no_support() -> None:
    both = {"call": 0.5, "mail": 0.5}
    log = [decision("ada", "mail", 0.5, 1.0, probabilities=both)]
    with pytest.raises(NoSupport, match="none of the log's decisions"):
        evaluate(log, Constant("call"))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (FOUR[0]._replace(propensity=0.0), "want 0 < propensity <= 1"),
        (FOUR[0]._replace(reward=float("nan")), "want a finite number"),
        (FOUR[0]._replace(weight=0.0), "weight=0.0"),
        (FOUR[0]._replace(probabilities={"call": 0.4, "mail": 0.6}), "its probability is 0.4"),
    ],
    ids=["propensity", "reward", "weight", "probabilities"],
)
def test_a_decision_that_contradicts_itself_is_refused(bad: LoggedDecision, message: str) -> None:
    with pytest.raises(BadLog, match=message):
        columns([*FOUR, bad])


def test_a_table_follows_the_segment_and_else_the_default() -> None:
    table = Table("zip", {"Rural": {"call": 1.0}}, default={"mail": 1.0})
    assert table.probabilities({"zip": "Rural"}, ["call", "mail"]) == {"call": 1.0}
    assert table.probabilities({"zip": "Urban"}, ["call", "mail"]) == {"mail": 1.0}
    with pytest.raises(NoChoice, match="no segment for zip='Urban'"):
        table._replace(default=None).probabilities({"zip": "Urban"}, ["call"])
    with pytest.raises(NoChoice, match="no column 'zip'"):
        table.probabilities({}, ["call"])


def test_greedy_takes_the_arm_with_the_highest_expected_reward() -> None:
    greedy = Greedy({"call": LinearArm(0.0, {"age": 0.1}), "mail": LinearArm(1.0, {"zip=A": -2.0})})
    arms = ["call", "mail", "unknown"]
    assert greedy.probabilities({"age": "11", "zip": "B"}, arms) == {"call": 1.0}
    assert greedy.probabilities({"age": 9.0, "zip": "B"}, arms) == {"mail": 1.0}
    assert greedy.probabilities({"age": 9.0, "zip": "A"}, arms) == {"call": 1.0}
    with pytest.raises(NoChoice, match="none of"):
        greedy.probabilities({}, ["unknown"])
    with pytest.raises(NoChoice, match="want a number"):
        greedy.probabilities({"age": "old", "zip": "B"}, arms)


def test_lots_are_uniform_and_differ_by_seed_and_purpose() -> None:
    found = lots(1, "a", 100_000)
    assert found.min() >= 0.0
    assert found.max() < 1.0
    counts = np.histogram(found, bins=20, range=(0.0, 1.0))[0]
    assert float(((counts - 5_000) ** 2 / 5_000).sum()) < 43.8  # chi-square, 19 df, p = .001
    assert abs(np.corrcoef(found[:-1], found[1:])[0, 1]) < 0.01
    assert (lots(1, "a", 9) == found[:9]).all()
    assert (lots(2, "a", 9) != found[:9]).all()
    assert (lots(1, "b", 9) != found[:9]).all()


def test_the_bootstrap_of_a_mean_is_as_wide_as_its_standard_error() -> None:
    column = lots(5, "rewards", 400)
    rewards, ones = np.column_stack([column] * 2), np.ones((400, 2))
    bounds = bootstrap(rewards, ones, 0.95, seed=1, resamples=2_000)
    width = 2 * 1.96 * column.std() / 20
    assert float(bounds.high[0] - bounds.low[0]) == pytest.approx(width, rel=0.06)
    assert (bounds.low_gain[1], bounds.high_gain[1]) == (0.0, 0.0)


def test_the_always_valid_interval_is_its_margin_times_the_standard_deviation() -> None:
    column = lots(5, "rewards", 400)[:, None]
    bounds = always_valid(column, np.ones((400, 1)), 0.95)
    half = float(column.std(ddof=1)) * margin(400, 0.05)
    assert float(bounds.high[0] - bounds.low[0]) == pytest.approx(2 * half)
    assert float(bounds.high[0] + bounds.low[0]) == pytest.approx(2 * float(column.mean()))


def test_decisions_repeated_for_the_same_customers_add_no_certainty() -> None:
    once = [decision(f"c{n}", "call", 0.5, float(n % 3)) for n in range(90)]
    many = [one for one in once for _ in range(5)]
    for interval in ("bootstrap", "always-valid"):
        how = How(interval=interval)
        one, five = (evaluate(log, Constant("call"), how).logged for log in (once, many))
        assert (five.low, five.high) == pytest.approx((one.low, one.high))


def test_an_evaluation_is_the_same_every_time() -> None:
    assert evaluate(FOUR, Constant("call")) == evaluate(FOUR, Constant("call"))
