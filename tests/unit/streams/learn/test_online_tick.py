"""A tick is said as a whole before any of it is learnt."""

from math import log1p, nan

import msgspec
import pytest

from tests.make import days
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.calibration import LEAST_EXAMPLES
from touchstream.streams.learn.models.estimator import Prediction
from touchstream.streams.learn.online import OnlineModel
from touchstream.streams.learn.snapshot import ModelData, empty

SILENCE = FEATURES.names.index("silence_days")
LABELS = [1, 0, 1, 1]


def row(silent_days: float) -> list[float]:
    values = [nan] * len(FEATURES.names)
    values[SILENCE] = log1p(silent_days)
    return values


ROWS = [row(90.0), row(1.0), row(45.0), row(2.0)]


def grown(name: str = "bayes") -> ModelData:
    """After forty ticks of two."""
    model = OnlineModel(empty(FEATURES.digest, 28, name))
    for number in range(40):
        pair = [row(100.0 + number), row(3.0 + number / 10)]
        model.learn_all(pair, [days(number)] * 2, [1, number % 5 == 0], [1.0, 1.0])
    return model.data()


def taught(data: ModelData) -> tuple[list[Prediction], ModelData]:
    model = OnlineModel(data)
    predictions = model.learn_all(ROWS, [days(50)] * 4, LABELS, [1.0] * 4)
    return predictions, model.data()


@pytest.mark.parametrize("name", ["bayes", "logistic", "recency", "rhythm", "hedge"])
def test_what_is_said_of_a_row_knows_nothing_of_the_labels_beside_it(name: str) -> None:
    before = grown(name)
    alone = [OnlineModel(before).learn(values, days(50), 0, 1.0) for values in ROWS]
    predictions, _ = taught(before)
    for one, other in zip(predictions, alone, strict=True):
        assert one == pytest.approx(other, rel=1e-12)


def test_the_first_tick_is_said_by_one_who_knows_nothing() -> None:
    predictions, _ = taught(empty(FEATURES.digest, 28))
    assert [one.probability for one in predictions] == [0.5] * 4


def knowing(examples: int) -> ModelData:
    return msgspec.structs.replace(grown(), examples=examples)


def test_calibration_learns_what_was_said_before_the_tick() -> None:
    before = knowing(LEAST_EXAMPLES)
    raw = [OnlineModel(before).learn(values, days(50), 0, 1.0) for values in ROWS]
    line = before.calibration
    undone = [
        Prediction((one.logit - line.intercept) / line.slope, one.variance / line.slope**2)
        for one in raw
    ]
    for one, label in zip(undone, LABELS, strict=True):
        line.learn(one, label, 1.0)
    _, after = taught(knowing(LEAST_EXAMPLES))
    assert after.calibration.slope == pytest.approx(line.slope, rel=1e-9)
    assert after.calibration.intercept == pytest.approx(line.intercept, rel=1e-9)


@pytest.mark.parametrize("name", ["recency", "rhythm"])
def test_who_needs_no_standard_learns_row_after_row_however_the_ticks_are_cut(name: str) -> None:
    before = grown(name)
    one_by_one = OnlineModel(before)
    for values, label in zip(ROWS, LABELS, strict=True):
        one_by_one.learn(values, days(50), label, 1.0)
    _, whole = taught(before)
    assert whole.estimator == one_by_one.data().estimator
