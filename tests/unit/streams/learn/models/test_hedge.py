from collections.abc import Sequence
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstream.streams.learn.arrays import Floats
from touchstream.streams.learn.models.bayes import BayesianLogisticRegression
from touchstream.streams.learn.models.estimator import Estimator
from touchstream.streams.learn.models.hedge import SHARE, Hedge
from touchstream.streams.learn.models.logistic import OnlineLogisticRegression
from touchstream.streams.learn.models.recency import RecencyRule
from touchstream.streams.learn.models.rhythm import RhythmExpert

COLUMNS = ["silence_days", "rhythm_silent"]
ROWS = st.lists(
    st.tuples(st.floats(0, 7), st.floats(-8, 8), st.integers(0, 1)), min_size=1, max_size=120
)
"""(silence, log-odds that it lasts, label)."""


def experts() -> list[Estimator]:
    found: list[Estimator] = [
        BayesianLogisticRegression(),
        OnlineLogisticRegression(),
        RecencyRule(),
        RhythmExpert(),
    ]
    for expert in found:
        expert.widen(COLUMNS)
    return found


def hedge() -> Hedge:
    model = Hedge()
    model.widen(COLUMNS)
    return model


def loss(predictions: float, label: int) -> float:
    return -log(predictions if label else 1 - predictions)


def losses(model: Estimator, rows: Sequence[tuple[float, float, int]]) -> float:
    """Sum of -ln p(label) of one who predicts, then learns."""
    total = 0.0
    for silence, silent, label in rows:
        x = np.array([1.0, silence, silent])
        total += loss(model.predict(x, x).probability, label)
        model.learn(x, x, label, 1.0)
    return total


@settings(max_examples=30)
@given(ROWS)
def test_it_is_never_worse_than_the_best_expert_by_more_than_ln_4_and_what_it_shares(
    rows: list[tuple[float, float, int]],
) -> None:
    best = min(losses(expert, rows) for expert in experts())
    assert losses(hedge(), rows) <= best + log(4) - len(rows) * log(1 - SHARE) + 1e-6


def row(silence: float) -> Floats:
    return np.array([1.0, silence, 0.0])


def test_before_the_first_label_it_says_the_mean_of_all() -> None:
    x = row(2.0)
    predictions = [expert.predict(x, x).probability for expert in experts()]
    assert hedge().predict(x, x).probability == pytest.approx(sum(predictions) / 4)


def test_weights_are_multiplied_by_what_was_given_to_the_truth() -> None:
    model, x = hedge(), np.array([1.0, 2.0, 6.0])
    for label in (1, 0, 0):  # now they differ
        model.learn(x, x, label, 1.0)
    before = model._weights.copy()
    predictions = model._say(x[None], x[None])[0][:, 0]
    model.learn(x, x, 1, 0.5)
    expected = before * predictions**0.5
    expected = (1 - SHARE) * expected / expected.sum() + SHARE / 4
    assert model._weights == pytest.approx(expected, rel=1e-12)
    assert model._weights.sum() == pytest.approx(1.0)


def test_experts_are_compared_by_what_they_said_before_the_tick() -> None:
    model = hedge()
    rows, labels = np.array([row(2.0)] * 3), [1, 1, 0]
    chances, _ = model._say(rows, rows)
    expected = model._weights
    for predictions, label in zip(chances.T, labels, strict=True):
        expected = expected * (predictions if label else 1 - predictions)
        expected = (1 - SHARE) * expected / expected.sum() + SHARE / 4
    model.learn_all(rows, rows, labels, [1.0] * 3)
    assert model._weights == pytest.approx(expected, rel=1e-12)
    one_by_one = hedge()
    for x, label in zip(rows, labels, strict=True):
        one_by_one.learn(x, x, label, 1.0)
    assert one_by_one._weights != pytest.approx(expected, rel=1e-6)


def test_an_expert_who_turns_out_right_later_can_still_win() -> None:
    model = hedge()
    chance = np.random.default_rng(1)
    for _ in range(400):  # silence tells nothing
        x = row(float(chance.uniform(0, 7)))
        model.learn(x, x, int(chance.random() < 0.5), 1.0)
    assert model._weights.min() >= SHARE / 4
    for _ in range(600):  # a silence of six and more is certain death: a step, and no line
        x = row(float(chance.uniform(0, 7)))
        model.learn(x, x, int(x[1] > 6 or x[1] < 1), 1.0)
    assert int(np.argmax(model._weights)) == 2  # the recency rule counts by bins


def test_contributions_are_those_of_the_experts_by_their_weights() -> None:
    model = hedge()
    for label in (1, 0, 1):
        model.learn(row(2.0), row(2.0), label, 1.0)
    x = row(3.0)
    expected = sum(
        weight * expert.weigh(x, x)
        for weight, expert in zip(model._weights, model._experts, strict=True)
    )
    assert model.weigh(x, x) == pytest.approx(expected)
