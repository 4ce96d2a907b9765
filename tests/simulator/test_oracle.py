import numpy as np
import pytest

from touchstream.schemas.units import DAY_MS
from touchstream.simulator import SILENCE, START_MS, World

HORIZON_DAYS = 28


@pytest.fixture(scope="module")
def lived() -> World:
    world = World(21, 4_000, 84, noise=SILENCE, remember_every_days=HORIZON_DAYS)
    for _ in world.days():
        pass
    return world


def risks_and_facts(world: World) -> tuple[np.ndarray, np.ndarray]:
    left = {truth.customer: truth.churned_at for truth in world.truth()}
    pairs = [
        (risk, (left[customer] or np.inf) < at_ms + HORIZON_DAYS * DAY_MS)
        for at_ms in (START_MS + day * DAY_MS for day in (0, 28, 56))
        for customer, risk in world.true_churn_probabilities(at_ms, HORIZON_DAYS, 32).items()
    ]
    risks, facts = zip(*pairs, strict=True)
    return np.array(risks), np.array(facts)


def test_the_true_probability_is_the_frequency_of_leaving(lived: World) -> None:
    risks, facts = risks_and_facts(lived)
    assert standard_errors_off(risks, facts) < 3
    for tenth in np.array_split(np.argsort(risks), 10):
        assert standard_errors_off(risks[tenth], facts[tenth]) < 4


def standard_errors_off(risks: np.ndarray, facts: np.ndarray) -> float:
    return float(abs(facts.sum() - risks.sum()) / np.sqrt((risks * (1 - risks)).sum()))


def test_the_true_probability_tells_leavers_from_stayers(lived: World) -> None:
    risks, facts = risks_and_facts(lived)
    ranks = risks.argsort().argsort()
    auc = (ranks[facts].mean() - (facts.sum() - 1) / 2) / (~facts).sum()
    assert 0.80 < auc < 0.90  # the most that any model of these 28 days can reach


def test_a_longer_horizon_is_riskier(lived: World) -> None:
    at_ms = START_MS + 28 * DAY_MS
    customer = next(iter(lived.true_churn_probabilities(at_ms, 1, 1)))
    short, long = (lived.true_churn_probability(customer, at_ms, days) for days in (7, 28))
    assert 0 < short < long < 1


def test_the_oracle_answers_the_same_twice(lived: World) -> None:
    at_ms = START_MS + 56 * DAY_MS
    customer = next(iter(lived.true_churn_probabilities(at_ms, 1, 1)))
    first, again = (lived.true_churn_probability(customer, at_ms, 28) for _ in range(2))
    assert first == again


def test_a_moment_that_was_not_kept_is_refused(lived: World) -> None:
    with pytest.raises(ValueError, match="remember_every_days"):
        lived.true_churn_probability("c000001", START_MS + DAY_MS, 28)


def test_who_has_left_has_no_risk(lived: World) -> None:
    gone = next(truth.customer for truth in lived.truth() if truth.churned_at)
    with pytest.raises(ValueError, match="no customer at"):
        lived.true_churn_probability(gone, lived.now_ms, 28)
