"""The estimators against ``vw-estimators`` on the same rows."""

from typing import Protocol, TypeVar

import numpy as np
import pytest
from estimators.bandits import cs, gaussian, ips, snips

from touchstream.streams.decide.evaluation.evaluate import Evaluation, How, Interval, evaluate
from touchstream.streams.decide.evaluation.logged import LoggedDecision

WORLDS = range(10)


def log(world: int, n: int = 2_000) -> list[LoggedDecision]:
    """Propensities from .1 to .9, other ones under the policy, rewards 0 and 1."""
    rng = np.random.default_rng(world)
    made = []
    for number in range(n):
        call, would = rng.uniform(0.1, 0.9, 2).tolist()
        called = rng.random() < call
        logged = {"call": call, "mail": 1 - call}
        proposed = {"call": would, "mail": 1 - would}
        action = "call" if called else "mail"
        reward = float(rng.random() < (0.6 if called else 0.3))
        made.append(
            LoggedDecision(
                f"c{number}", {}, action, logged[action], logged, reward, proposed=proposed
            )
        )
    return made


def found(world: int, interval: Interval = "bootstrap") -> Evaluation:
    return evaluate(log(world), None, How(interval))


class Oracle(Protocol):
    def add_example(self, p_log: float, r: float, p_pred: float) -> None: ...


Filled = TypeVar("Filled", bound=Oracle)


def filled(oracle: Filled, world: int) -> Filled:
    for one in log(world):
        assert one.proposed is not None
        oracle.add_example(one.propensity, one.reward, one.proposed[one.action])
    return oracle


@pytest.mark.parametrize("world", WORLDS)
def test_ips_and_snips_are_those_of_the_oracle(world: int) -> None:
    values = found(world).values
    assert values["ips"].estimate == pytest.approx(filled(ips.Estimator(), world).get())
    assert values["snips"].estimate == pytest.approx(filled(snips.Estimator(), world).get())


@pytest.mark.parametrize("world", WORLDS)
def test_the_bootstrap_of_ips_is_as_wide_as_the_normal_interval(world: int) -> None:
    ours = found(world).values["ips"]
    low, high = filled(gaussian.Interval(), world).get(0.05)
    half = (high - low) / 2
    assert ours.low == pytest.approx(low, abs=0.2 * half)
    assert ours.high == pytest.approx(high, abs=0.2 * half)


@pytest.mark.parametrize("world", WORLDS)
def test_the_always_valid_interval_of_snips_lies_within_the_oracles_confidence_sequence(
    world: int,
) -> None:
    """That one is exact at any n, bounds rewards alone, and so is wider."""
    ours = found(world, "always-valid").values["snips"]
    low, high = filled(cs.Interval(), world).get(0.05)
    assert low < ours.low < 0.45 < ours.high < high
