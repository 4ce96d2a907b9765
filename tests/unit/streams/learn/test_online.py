from math import inf, nan

import pytest

from schemas.rules import LearningRules
from streams.learn.online import OnlineLogistic
from streams.learn.snapshot import ModelData, empty

RULES = LearningRules(rate=0.1)
NAMES = ("one", "two")


def learnt(*examples: tuple[float, float, int], rules: LearningRules = RULES) -> ModelData:
    model = OnlineLogistic(NAMES, rules, empty("f", 2))
    for one, two, label in examples:
        model.learn((one, two), label)
    return model.data()


def test_an_unlearnt_model_is_the_empty_one() -> None:
    assert learnt() == empty("f", 2)


def test_a_first_example_moves_the_intercept_alone() -> None:
    data = learnt((3.0, 4.0, 1))
    assert (data.intercept, data.weights) == (0.05, (0.0, 0.0))
    assert (data.means, data.variances) == ((3.0, 4.0), (0.0, 0.0))
    assert (data.counts, data.examples, data.churned, data.steps) == ((1, 1), 1, 1, 1)


def test_a_weight_goes_against_the_gradient_of_the_log_loss() -> None:
    data = learnt((0.0, 0.0, 0), (2.0, 0.0, 1))
    risk = 1 / (1 + 2.718281828459045**0.05)  # the intercept is -0.05 after the first
    assert data.weights == pytest.approx((0.1 * (1 - risk) * 1.0, 0.0))  # z of 2 in (0, 2) is 1


def test_a_missing_value_is_not_learnt() -> None:
    data = learnt((1.0, nan, 0), (3.0, nan, 1))
    assert (data.counts, data.means, data.weights[1]) == ((2, 0), (2.0, 0.0), 0.0)


def test_a_feature_that_appears_later_starts_from_nothing() -> None:
    data = learnt((1.0, nan, 0), (3.0, 7.0, 1))
    assert (data.counts, data.means) == ((2, 1), (2.0, 7.0))


def test_one_wild_value_counts_as_five_deviations() -> None:
    calm = [(float(n % 2), 0.0, n % 2) for n in range(200)]
    wild = learnt(*calm, (1e9, 0.0, 0)).weights[0]
    assert abs(wild - learnt(*calm).weights[0]) <= RULES.rate * 5.0


@pytest.mark.parametrize("value", [inf, -inf])
def test_an_infinite_value_is_refused_before_it_poisons_the_scaler(value: float) -> None:
    model = OnlineLogistic(NAMES, RULES, empty("f", 2))
    with pytest.raises(ValueError, match="not finite"):
        model.learn((value, 0.0), 1)
    assert model.data() == empty("f", 2)


def test_l2_pulls_weights_towards_zero() -> None:
    examples = [(float(n % 2), 0.0, n % 2) for n in range(50)]
    free = learnt(*examples)
    pulled = learnt(*examples, rules=LearningRules(rate=0.1, l2=0.5))
    assert 0 < pulled.weights[0] < free.weights[0]
