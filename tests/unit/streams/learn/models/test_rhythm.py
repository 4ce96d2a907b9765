from math import exp, nan

import numpy as np
import pytest

from touchstream.streams.learn.arrays import Floats
from touchstream.streams.learn.models.rhythm import RhythmExpert


def row(silent: float) -> Floats:
    return np.array([1.0, 3.0, silent])


def expert() -> RhythmExpert:
    model = RhythmExpert()
    model.widen(["silence_days", "rhythm_silent"])
    return model


def test_a_truthful_rhythm_is_taken_at_its_word() -> None:
    chance, model = np.random.default_rng(1), expert()
    for _ in range(4_000):
        x = row(float(chance.normal(0, 2)))
        model.learn(x, x, int(chance.random() < 1 / (1 + exp(-x[2]))), 1.0)
    for silent in (-2.0, 0.0, 2.0):
        assert model.predict(row(silent), row(silent)).logit == pytest.approx(silent, abs=0.2)


def test_a_rhythm_that_tells_nothing_is_not_believed() -> None:
    chance, model = np.random.default_rng(2), expert()
    for _ in range(4_000):
        x = row(float(chance.normal(0, 2)))
        model.learn(x, x, int(chance.random() < 0.2), 1.0)
    for silent in (-3.0, 3.0):
        predictions = model.predict(row(silent), row(silent)).probability
        assert predictions == pytest.approx(0.2, abs=0.05)


def test_a_missing_rhythm_adds_nothing() -> None:
    model = expert()
    for _ in range(50):
        model.learn(row(4.0), row(4.0), 1, 1.0)
    assert model.predict(row(nan), row(0.0)) == model.predict(row(0.0), row(0.0))


def test_standardised_columns_are_not_looked_at() -> None:
    model = expert()
    for _ in range(50):
        model.learn(row(4.0), row(-4.0), 1, 1.0)
    assert model.predict(row(4.0), row(-4.0)).probability > 0.9
