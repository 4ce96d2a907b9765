"""The Gaussian posterior against slow second opinions: integration, and explicit precisions."""

from math import exp, sqrt

import numpy as np
import pytest
from scipy import integrate  # type: ignore[import-untyped]  # ships no types

from touchstream.streams.learn.arrays import Floats
from touchstream.streams.learn.models.bayes import LEAST_CURVATURE, BayesianLogisticRegression
from touchstream.streams.learn.models.estimator import Prediction
from touchstream.streams.learn.standard import Move

PRIOR = 0.1
"""Variance of a weight before the first example; that of the intercept is 4."""
Rows = list[tuple[Floats, int, float]]


def taught(rows: Rows, forgetting: float = 0.0) -> BayesianLogisticRegression:
    model = BayesianLogisticRegression(forgetting)
    model.widen([f"c{number}" for number in range(1, len(rows[0][0]))])
    for x, label, weight in rows:
        model.learn(x, x, label, weight)
    return model


def drawn(n: int, weights: list[float], seed: int) -> Rows:
    """Rows of log-odds ``weights`` x."""
    chance = np.random.default_rng(seed)
    rows: Rows = []
    for _ in range(n):
        x = np.array([1.0, *chance.normal(size=len(weights) - 1)])
        risk = 1 / (1 + exp(-float(x @ weights)))
        rows.append((x, int(chance.random() < risk), 1.0))
    return rows


def posterior(xs: list[float], labels: list[int]) -> tuple[float, float]:
    """Mean and standard deviation of one weight, by integrating over prior times likelihood."""

    def density(weight: float) -> float:
        likelihood = 1.0
        for x, label in zip(xs, labels, strict=True):
            risk = 1 / (1 + exp(-weight * x))
            likelihood *= 2 * (risk if label else 1 - risk)  # x 2: no underflow
        return likelihood * exp(-weight * weight / (2 * PRIOR))

    whole, mean, square = (
        integrate.quad(lambda w, power=power: density(w) * w**power, -4, 4, limit=400)[0]
        for power in range(3)
    )
    return mean / whole, sqrt(square / whole - (mean / whole) ** 2)


@pytest.mark.parametrize("true_weight", [0.0, 0.3, -0.8])
@pytest.mark.parametrize("n", [5, 60])
def test_one_weight_is_believed_as_integration_says(true_weight: float, n: int) -> None:
    chance = np.random.default_rng(n)
    xs = [float(x) for x in chance.normal(size=n)]
    labels = [int(chance.random() < 1 / (1 + exp(-true_weight * x))) for x in xs]
    model = taught([(np.array([0.0, x]), y, 1.0) for x, y in zip(xs, labels, strict=True)])
    mean, deviation = posterior(xs, labels)
    assert model._mean[1] == pytest.approx(mean, abs=0.1 * deviation)
    assert sqrt(model._covariance[1, 1]) == pytest.approx(deviation, rel=0.05)


@pytest.mark.parametrize("forgetting", [0.0, 1e-3])
def test_it_is_the_recursion_over_an_explicit_precision_matrix(forgetting: float) -> None:
    rows = [
        (x, label, 0.25 + number % 3)
        for number, (x, label, _) in enumerate(drawn(200, [0.5, 1.0, -2.0, 0.0], 3))
    ]
    mean, covariance = np.zeros(4), np.diag([4.0, PRIOR, PRIOR, PRIOR])
    for x, label, weight in rows:
        covariance = covariance + forgetting * np.eye(4)
        risk = Prediction(float(mean @ x), float(x @ covariance @ x)).probability
        curvature = weight * max(risk * (1 - risk), LEAST_CURVATURE)
        precision = np.linalg.inv(covariance) + curvature * np.outer(x, x)
        covariance = np.linalg.inv(precision)
        mean = mean + weight * (label - risk) * covariance @ x
    model = taught(rows, forgetting)
    assert model._mean == pytest.approx(mean, rel=1e-7)
    assert model._covariance == pytest.approx(covariance, rel=1e-7, abs=1e-12)


def test_a_known_offset_is_left_to_whoever_adds_it() -> None:
    """Of rows whose log-odds are 4 lower for a known reason the same weights are learnt."""
    rows = drawn(4_000, [1.0, 1.5, -1.0], seed=7)
    lower = drawn(4_000, [-3.0, 1.5, -1.0], seed=7)
    xs = np.array([x for x, _, _ in lower])
    labels = [label for _, label, _ in lower]
    model = BayesianLogisticRegression()
    model.widen(["c1", "c2"])
    model.learn_all(xs, xs, labels, [1.0] * 4_000, [-4.0] * 4_000)
    assert model._mean == pytest.approx(taught(rows)._mean, abs=0.25)
    without = BayesianLogisticRegression()
    without.widen(["c1", "c2"])
    without.learn_all(xs, xs, labels, [1.0] * 4_000)
    assert without._mean[0] < -2.5


def test_an_offset_shifts_the_prediction_that_a_row_is_learnt_from() -> None:
    """Explicit precisions again, with an offset of every row's own."""
    rows, offsets = drawn(60, [0.5, 1.0], seed=8), np.linspace(-3, 3, 60).tolist()
    mean, covariance = np.zeros(2), np.diag([4.0, PRIOR])
    for (x, label, weight), offset in zip(rows, offsets, strict=True):
        risk = Prediction(float(mean @ x) + offset, float(x @ covariance @ x)).probability
        covariance = np.linalg.inv(
            np.linalg.inv(covariance) + weight * risk * (1 - risk) * np.outer(x, x)
        )
        mean = mean + weight * (label - risk) * covariance @ x
    model = BayesianLogisticRegression()
    model.widen(["c1"])
    xs = np.array([x for x, _, _ in rows])
    labels, weights = [label for _, label, _ in rows], [weight for _, _, weight in rows]
    model.learn_all(xs, xs, labels, weights, offsets)
    assert model._mean.tolist() == pytest.approx(mean.tolist(), rel=1e-9)


def test_after_ten_thousand_examples_the_covariance_is_symmetric_and_positive_definite() -> None:
    chance = np.random.default_rng(7)
    model = BayesianLogisticRegression()
    model.widen([f"c{number}" for number in range(29)])
    for _ in range(10_000):
        x = np.clip(chance.standard_t(2, size=30), -5, 5)  # heavy tails, as clipped columns have
        x[0], x[2] = 1.0, x[1]  # and two columns that say the same
        model.learn(x, x, int(chance.random() < 0.1), 0.25)
    covariance = model._covariance
    assert np.array_equal(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_the_true_weights_are_found() -> None:
    model = taught(drawn(8_000, [-1.0, 0.8, 0.0], 5))
    off = (model._mean - [-1.0, 0.8, 0.0]) / np.sqrt(np.diag(model._covariance))
    assert np.abs(off).max() < 3


def test_the_true_weights_lie_in_the_ninety_percent_intervals_nine_times_in_ten() -> None:
    inside = 0
    for seed in range(60):
        weights = [0.2, *np.random.default_rng(1_000 + seed).normal(0, PRIOR**0.5, size=4)]
        model = taught(drawn(150, [float(weight) for weight in weights], seed))
        off = (model._mean - weights) / np.sqrt(np.diag(model._covariance))
        inside += int((np.abs(off[1:]) < 1.645).sum())
    assert 0.85 <= inside / 240 <= 0.95


def test_a_weight_of_two_is_close_to_two_examples() -> None:
    rows = drawn(40, [0.5, 1.0, -2.0], 3)
    twice = taught([row for row in rows for _ in range(2)])
    heavy = taught([(x, label, 2.0) for x, label, _ in rows])
    deviation = np.sqrt(np.diag(twice._covariance))
    assert np.abs(heavy._mean - twice._mean).max() < 0.25 * deviation.max()
    assert np.sqrt(np.diag(heavy._covariance)) == pytest.approx(deviation, rel=0.05)


def test_every_example_makes_it_surer_of_what_it_saw() -> None:
    rows = drawn(30, [0.0, 1.0], 4)
    probe = np.array([1.0, 1.0])
    variances = [taught(rows[:n]).predict(probe, probe).variance for n in (1, 10, 30)]
    assert variances == sorted(variances, reverse=True)


def test_who_forgets_follows_a_world_that_turned_round() -> None:
    rows = drawn(3_000, [0.0, 1.0], 6) + drawn(1_000, [0.0, -1.0], 7)
    steady, forgetful = taught(rows), taught(rows, forgetting=1e-3)
    assert steady._mean[1] > 0 > forgetful._mean[1]


def test_a_sure_model_still_learns_from_surprises() -> None:
    model = taught(drawn(500, [0.0, 8.0], 8))
    before = model._mean[1]
    surprise = np.array([1.0, 5.0])
    for _ in range(20):
        model.learn(surprise, surprise, 0, 1.0)
    assert model._mean[1] < before - 0.1


def test_a_new_column_begins_with_the_prior() -> None:
    model = taught(drawn(50, [0.0, 1.0], 9))
    before = model._covariance.copy()
    model.widen(["later"])
    assert model._mean[2] == 0.0
    assert np.array_equal(model._covariance[:2, :2], before)
    assert model._covariance[2].tolist() == [0.0, 0.0, PRIOR]


def test_an_uncertain_word_is_drawn_to_one_half() -> None:
    assert Prediction(2.0, 8 / np.pi).probability == pytest.approx(1 / (1 + exp(-2 / sqrt(2))))


def test_before_the_first_example_the_prior_is_one_of_the_new_deviations() -> None:
    model = BayesianLogisticRegression()
    model.widen(["silence"])
    model.move(Move(np.array([1.0, 3.0]), np.zeros(2)))
    assert model._covariance == pytest.approx(np.diag([4.0, PRIOR]))


def test_to_move_is_as_if_all_had_been_learnt_in_the_new_deviations() -> None:
    rows = drawn(2_000, [0.0, 1.0], 10)
    narrow = np.array([1.0, 1 / 3])
    moved = taught(rows)
    moved.move(Move(np.array([1.0, 3.0]), np.zeros(2)))
    anew = taught([(x * narrow, label, weight) for x, label, weight in rows])
    assert moved._mean == pytest.approx(anew._mean, abs=0.1)
    assert moved._covariance == pytest.approx(anew._covariance, rel=0.2, abs=2e-4)


def test_who_has_forgotten_the_prior_stays_a_posterior_when_deviations_shrink() -> None:
    model = taught([(np.array([1.0, 0.0]), 1, 1.0)] * 5_000, forgetting=0.01)
    model.move(Move(np.array([1.0, 0.9]), np.zeros(2)))
    assert model._covariance[1, 1] == pytest.approx(0.9**2 * (PRIOR + 50), rel=1e-6)
