from math import log1p, nan

import numpy as np
import pytest

from touchstream.streams.learn.arrays import Floats
from touchstream.streams.learn.models.recency import RecencyRule
from touchstream.streams.learn.numbers import logit


def row(days: float) -> Floats:
    return np.array([1.0, 9.0, log1p(days)])


def counted(*examples: tuple[float, int]) -> RecencyRule:
    model = RecencyRule()
    model.widen(["known_days", "silence_days"])
    for days, label in examples:
        model.learn(row(days), row(days), label, 1.0)
    return model


def predictions(model: RecencyRule, days: float) -> float:
    return model.predict(row(days), row(days)).probability


def test_it_counts_those_who_were_silent_as_long() -> None:
    model = counted((2, 0), (2, 0), (2, 1), (90, 1), (90, 1), (90, 1))
    overall = (4 + 1) / (6 + 2)
    assert predictions(model, 2) == pytest.approx((1 + 2 * overall) / (3 + 2))
    assert predictions(model, 90) == pytest.approx((3 + 2 * overall) / (3 + 2))


def test_a_silence_never_seen_before_is_the_rate_of_all() -> None:
    assert predictions(counted((2, 1), (2, 1)), 500) == pytest.approx(3 / 4)


def test_who_was_never_active_is_the_longest_silent() -> None:
    model = counted((nan, 1), (nan, 1), (2, 0), (2, 0))
    assert predictions(model, nan) == predictions(model, 3_000)
    assert predictions(model, nan) == pytest.approx((2 + 1) / (2 + 2))


def test_a_silence_adds_what_sets_its_rate_apart_from_that_of_all() -> None:
    model = counted((2, 0), (2, 0), (90, 1), (90, 1))
    overall = (2 + 1) / (4 + 2)
    added = model.weigh(row(90), row(2)).tolist()
    assert added == pytest.approx([0, 0, logit((2 + 2 * overall) / (2 + 2)) - logit(overall)])


def test_without_the_column_nothing_adds_anything() -> None:
    model = RecencyRule()
    model.widen(["known_days"])
    model.learn(row(2), row(2), 1, 1.0)
    assert model.weigh(row(2), row(2)).tolist() == [0, 0, 0]


def test_without_the_column_all_are_alike() -> None:
    model = RecencyRule()
    model.widen(["known_days"])
    for label in (1, 1, 0):
        model.learn(np.array([1.0, 2.0]), np.array([1.0, 2.0]), label, 1.0)
    assert model.predict(row(2), row(2)) == model.predict(row(90), row(90))


def test_the_column_is_found_wherever_it_stands() -> None:
    model = RecencyRule(silence="days")
    model.widen(["a", "b"])
    model.widen(["c", "days"])
    assert model.data().column == 4


def test_standardised_columns_are_not_looked_at() -> None:
    model = counted((2, 0), (90, 1))
    assert model.predict(row(2), row(90)) == model.predict(row(2), row(2))
