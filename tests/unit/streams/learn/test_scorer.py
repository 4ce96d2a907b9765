from math import exp, nan

import pytest

from streams.learn.scorer import Scorer
from streams.learn.snapshot import ModelData, empty

MODEL = ModelData(
    features="f",
    counts=(9, 9, 9),
    means=(1.0, 2.0, 3.0),
    variances=(4.0, 1.0, 0.0),
    weights=(0.5, -1.0, 7.0),
    intercept=-1.0,
    steps=9,
    examples=9,
    churned=3,
)


def test_a_contribution_is_weight_times_deviations_from_the_mean() -> None:
    assert Scorer(MODEL).contributions((5.0, 3.0, 3.0)) == [1.0, -1.0, 0.0]


def test_the_risk_is_the_sigmoid_of_intercept_and_contributions() -> None:
    score = Scorer(MODEL).score((5.0, 1.0, 3.0))
    assert score.risk == round(1 / (1 + exp(-(-1.0 + 1.0 + 1.0))), 6)


def test_a_missing_value_adds_nothing() -> None:
    assert Scorer(MODEL).contributions((nan, 3.0, nan)) == [0.0, -1.0, 0.0]


def test_a_feature_that_never_varied_adds_nothing() -> None:
    assert Scorer(MODEL).contributions((1.0, 2.0, 99.0)) == [0.0, 0.0, 0.0]


def test_no_value_counts_for_more_than_five_deviations() -> None:
    assert Scorer(MODEL).contributions((1e6, -1e6, 3.0)) == [2.5, 5.0, 0.0]


def test_who_knows_nothing_says_one_half() -> None:
    assert Scorer(empty("f", 3)).score((1.0, nan, -4.0)).risk == 0.5


def test_a_vector_of_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        Scorer(MODEL).score((1.0, 2.0))
