from copy import copy
from math import exp, pi

import msgspec
import numpy as np
import pytest
from scipy.optimize import minimize  # type: ignore[import-untyped]  # ships no types

from touchstream.streams.learn.arrays import Floats
from touchstream.streams.learn.calibration import (
    PRIOR_VARIANCE,
    PRIOR_VARIANCE_OF_OFFSET,
    Calibration,
)
from touchstream.streams.learn.models.estimator import Prediction


def taught(n: int, overconfidence: float, bias: float = 0.0, seed: int = 1) -> Calibration:
    """An estimator says ``overconfidence`` times the true log-odds, and ``bias`` more."""
    chance, line = np.random.default_rng(seed), Calibration()
    for _ in range(n):
        true = float(chance.normal(0, 1.5))
        predictions = Prediction(overconfidence * true + bias)
        line.learn(predictions, int(chance.random() < 1 / (1 + exp(-true))), 1.0)
    return line


def test_a_calibrated_word_is_left_as_it_is() -> None:
    line = taught(20_000, 1.0)
    assert line.slope == pytest.approx(1.0, abs=0.03)
    assert line.intercept == pytest.approx(0.0, abs=0.03)


def test_an_estimator_too_sure_of_itself_is_believed_less() -> None:
    assert taught(20_000, 2.0).slope < 0.75


def test_an_estimator_that_is_too_shy_is_believed_more() -> None:
    assert taught(20_000, 0.5).slope > 1.02


def test_a_biased_word_is_drawn_back() -> None:
    assert taught(20_000, 1.0, bias=1.0).intercept < -0.2


def test_a_few_labels_change_next_to_nothing() -> None:
    assert taught(50, 2.0).slope == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(
    ("line", "of_intercept"),
    [(Calibration(), PRIOR_VARIANCE), (Calibration.with_offset(), PRIOR_VARIANCE_OF_OFFSET)],
    ids=["line", "offset"],
)
def test_it_is_the_recursion_over_an_explicit_precision_matrix(
    line: Calibration, of_intercept: float
) -> None:
    chance, line = np.random.default_rng(3), copy(line)
    mean, covariance = np.array([0.0, 1.0]), np.diag([of_intercept, PRIOR_VARIANCE])
    for number in range(500):
        predictions = Prediction(float(chance.normal(0, 3)), float(chance.random()))
        label, weight = int(chance.random() < 0.3), 0.25 + number % 2
        x = np.array([1.0, predictions.logit / (1 + pi / 8 * predictions.variance) ** 0.5])
        risk = Prediction(float(mean @ x), float(x @ covariance @ x)).probability
        precision = np.linalg.inv(covariance) + weight * risk * (1 - risk) * np.outer(x, x)
        covariance = np.linalg.inv(precision)
        mean = mean + weight * (label - risk) * covariance @ x
        line.learn(predictions, label, weight)
    assert (line.intercept, line.slope) == pytest.approx(mean.tolist(), rel=1e-7)
    assert (line.of_intercept, line.of_both, line.of_slope) == pytest.approx(
        (covariance[0, 0], covariance[0, 1], covariance[1, 1]), rel=1e-7
    )


@pytest.mark.parametrize("bias", [-1.5, 0.0, 3.0, 5.0])
def test_the_offset_is_the_mode_of_the_posterior(bias: float) -> None:
    """The oracle fits intercept and slope to all labels at once: the same likelihood and priors."""
    chance, line = np.random.default_rng(4), Calibration.with_offset()
    predictions = chance.normal(1.0, 1.5, 2_000)
    labels = (chance.random(2_000) < 1 / (1 + np.exp(bias - predictions))).astype(float)
    for one, label in zip(predictions.tolist(), labels.tolist(), strict=True):
        line.learn(Prediction(one), int(label), 0.25)

    def energy(at: Floats) -> float:
        logits = at[0] + at[1] * predictions
        prior = at[0] ** 2 / PRIOR_VARIANCE_OF_OFFSET + (at[1] - 1) ** 2 / PRIOR_VARIANCE
        return float(0.25 * (np.logaddexp(0, logits) - labels * logits).sum() + prior / 2)

    mode = minimize(energy, np.array([0.0, 1.0])).x
    deviation = line.of_intercept**0.5
    # One pass and one fit agree to a fraction of what the labels leave open.
    assert abs(line.intercept - mode[0]) < 0.5 * deviation < 0.2
    assert line.slope == pytest.approx(mode[1], abs=0.02)
    chances = 1 / (1 + np.exp(-(line.intercept + line.slope * predictions)))
    assert chances.mean() == pytest.approx(labels.mean(), abs=0.015)


def test_an_offset_takes_few_labels_to_be_found_and_a_line_many() -> None:
    offset, line = Calibration.with_offset(), Calibration()
    for one in (offset, line):
        for _ in range(60):
            one.learn(Prediction(2.0), 0, 0.25)
    assert offset.apply(Prediction(2.0)).probability < 0.3
    assert line.apply(Prediction(2.0)).probability > 0.87


def test_a_line_over_ln_odds_stretches_their_deviation_too() -> None:
    assert Calibration(0.5, 2.0).apply(Prediction(1.0, 3.0)) == Prediction(2.5, 12.0)


def test_a_line_made_from_data_goes_on_exactly() -> None:
    line = taught(200, 2.0)
    again = msgspec.json.decode(msgspec.json.encode(line), type=Calibration)
    for one in (line, again):
        one.learn(Prediction(0.3), 1, 1.0)
    assert again == line
