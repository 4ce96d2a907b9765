"""Estimates and intervals against the truth of simulated logs."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from touchstream.streams.decide.evaluation.evaluate import How, Interval, evaluate
from touchstream.streams.decide.evaluation.logged import LoggedDecision
from touchstream.streams.decide.evaluation.policies import Table

CALLED, MAILED = {"old": 0.7, "young": 0.2}, {"old": 0.3, "young": 0.5}
"""P(accepts) by segment."""
BEST = Table("segment", {"old": {"call": 1.0}, "young": {"mail": 1.0}})
TRUTH = (0.7 + 0.5) / 2
ESTIMATORS = ("replay", "ips", "snips", "dr")


def fixed(world: int, customers: int) -> list[LoggedDecision]:
    """The old are called with .7, the young with .4; two decisions a customer, alike in luck."""
    rng = np.random.default_rng(world)
    log = []
    for number in range(customers):
        segment = "old" if rng.random() < 0.5 else "young"
        luck = rng.random()
        for _ in range(2):
            call = 0.7 if segment == "old" else 0.4
            action = "call" if rng.random() < call else "mail"
            accepts = (CALLED if action == "call" else MAILED)[segment]
            lot = luck if rng.random() < 0.5 else rng.random()
            propensity = call if action == "call" else 1 - call
            context = {"segment": segment}
            log.append(
                LoggedDecision(
                    f"c{number}", context, action, propensity, None, float(lot < accepts)
                )
            )
    return log


def adaptive(world: int, decisions: int, customers: int) -> list[LoggedDecision]:
    """Epsilon-greedy over all rewards so far, with a floor of .1 for each arm."""
    rng = np.random.default_rng(10_000 + world)
    segments = ["old" if rng.random() < 0.5 else "young" for _ in range(customers)]
    sums = {"call": [0.0, 0], "mail": [0.0, 0]}
    log = []
    for _ in range(decisions):
        number = int(rng.integers(customers))
        best = max(sums, key=lambda arm: (sums[arm][0] + 1) / (sums[arm][1] + 2))
        shares = {arm: 0.9 if arm == best else 0.1 for arm in sums}
        action = "call" if rng.random() < shares["call"] else "mail"
        accepts = (CALLED if action == "call" else MAILED)[segments[number]]
        reward = float(rng.random() < accepts)
        sums[action][0] += reward
        sums[action][1] += 1
        context = {"segment": segments[number]}
        log.append(LoggedDecision(f"c{number}", context, action, shares[action], shares, reward))
    return log


@pytest.mark.parametrize("interval", ["bootstrap", "always-valid"])
def test_every_estimator_finds_the_truth_of_a_large_log(interval: Interval) -> None:
    found = evaluate(fixed(0, 10_000), BEST, How(interval=interval, resamples=200))
    for name in ESTIMATORS:
        value = found.values[name]
        assert value.estimate == pytest.approx(TRUTH, abs=0.02)
        assert value.low < TRUTH < value.high
    assert found.mean_weight.estimate == pytest.approx(1.0, abs=0.02)


def test_the_bootstrap_covers_at_its_nominal_rate() -> None:
    worlds = 100
    covered = dict.fromkeys(ESTIMATORS, 0)
    for world in range(worlds):
        found = evaluate(fixed(world, 150), BEST, How(level=0.9, resamples=200))
        for name in ESTIMATORS:
            value = found.values[name]
            covered[name] += value.low <= TRUTH <= value.high
    # 90 of 100 are nominal; two and a half standard deviations are 7.5.
    assert all(82 <= count <= 98 for count in covered.values()), covered


def looks(log: Sequence[LoggedDecision]) -> Iterator[Sequence[LoggedDecision]]:
    """Nine: the first after 120 decisions, as the intervals are asymptotic, then every 60."""
    return (log[:end] for end in range(120, len(log) + 1, 60))


def missed(worlds: int, interval: Interval) -> dict[str, int]:
    """Worlds in which an interval misses the truth at any look."""
    count = dict.fromkeys(("ips", "snips", "dr"), 0)
    for world in range(worlds):
        log = adaptive(world, 600, 400)
        how = How(interval=interval, resamples=60)
        values = [evaluate(seen, BEST, how).values for seen in looks(log)]
        for name in count:
            count[name] += any(not at[name].low <= TRUTH <= at[name].high for at in values)
    return count


def test_on_adaptive_logs_always_valid_intervals_cover_at_every_look() -> None:
    assert all(count <= 2 for count in missed(40, "always-valid").values())


def test_intervals_for_one_look_miss_when_looked_at_often() -> None:
    """The control of the fact above: the bootstrap is not for this."""
    assert all(count >= 3 for count in missed(20, "bootstrap").values())


def test_doubly_robust_with_a_good_model_is_more_precise_than_ips() -> None:
    log = fixed(1, 3_000)
    ridge = evaluate(log, BEST, How(reward_model="ridge", resamples=200)).values
    width = {name: ridge[name].high - ridge[name].low for name in ESTIMATORS}
    assert width["dr"] < 0.95 * width["ips"]


def test_wrong_propensities_show_in_the_mean_weight() -> None:
    wrong = [one._replace(propensity=min(1.0, 1.2 * one.propensity)) for one in fixed(2, 2_000)]
    assert evaluate(wrong, BEST, How(resamples=200)).mean_weight.high < 1.0
