"""Laws of every model: it is one of River's classifiers, and its state is data."""

from collections.abc import Callable, Iterator

import msgspec
import numpy as np
import pytest
from river import checks

from touchstream.streams.learn.arrays import Floats
from touchstream.streams.learn.models.estimator import Estimator
from touchstream.streams.learn.models.registry import MODELS, Data, fresh, revive
from touchstream.streams.learn.standard import Move

COLUMNS = ["intercept", "silence_days", "rhythm_silent", "web_month", "survey_score"]
EVERY = pytest.mark.parametrize("name", sorted(MODELS))


def rivers_checks() -> Iterator[object]:
    """Every check that River has for a classifier, on every model; none is left out."""
    for name, make in sorted(MODELS.items()):
        for number, check in enumerate(checks.yield_checks(make())):
            yield pytest.param(make, check, id=f"{name}-{number}-{check.__name__}")


@pytest.mark.parametrize(("make", "check"), list(rivers_checks()))
def test_it_is_what_river_asks_of_a_classifier(
    make: Callable[[], Estimator], check: Callable[[Estimator], None]
) -> None:
    check(make())


@EVERY
def test_no_check_is_skipped(name: str) -> None:
    assert set(MODELS[name]()._unit_test_skips()) == set()


def rows(n: int, seed: int) -> list[tuple[Floats, Floats, int, float]]:
    """(as measured, standardised, label, weight); some measurements are missing."""
    chance = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        columns = chance.normal(size=len(COLUMNS))
        columns[0], columns[1] = 1.0, abs(columns[1])
        columns[chance.random(len(COLUMNS)) < 0.1] = np.nan
        columns[0] = 1.0
        found.append(
            (columns, np.nan_to_num(columns), int(chance.random() < 0.4), float(chance.random()))
        )
    return found


def taught(model: Estimator, n: int, seed: int) -> Estimator:
    for columns, z, label, weight in rows(n, seed):
        model.learn(columns, z, label, weight)
    return model


def written(model: Estimator) -> bytes:
    return msgspec.json.encode(model.data())


@EVERY
def test_a_model_made_from_data_goes_on_exactly(name: str) -> None:
    whole = taught(taught(revive(fresh(name, COLUMNS)), 40, 1), 40, 2)
    stopped = written(taught(revive(fresh(name, COLUMNS)), 40, 1))
    resumed = taught(revive(msgspec.json.decode(stopped, type=Data)), 40, 2)
    assert written(resumed) == written(whole)


@EVERY
def test_a_model_made_from_data_says_the_same(name: str) -> None:
    model = taught(revive(fresh(name, COLUMNS)), 40, 1)
    again = revive(msgspec.json.decode(written(model), type=Data))
    for columns, z, _, _ in rows(10, 3):
        assert again.predict(columns, z) == model.predict(columns, z)


@EVERY
def test_the_same_is_said_of_a_row_that_is_standardised_in_another_way(name: str) -> None:
    model = taught(revive(fresh(name, COLUMNS)), 60, 1)
    shift = np.array([0.0, 0.5, -2.0, 1.0, 0.0])
    for columns, z, _, _ in rows(10, 3):
        predictions = model.predict(columns, z)
        moved = revive(model.data())
        moved.move(Move(np.ones(len(COLUMNS)), shift))
        assert moved.predict(columns, z - shift) == pytest.approx(predictions, rel=1e-9)


@EVERY
def test_a_model_made_from_data_has_no_names_and_says_so(name: str) -> None:
    model = revive(fresh(name, COLUMNS))
    with pytest.raises(ValueError, match="pass whole rows"):
        model.learn_one({"silence_days": 1.0}, True)
    with pytest.raises(ValueError, match="pass whole rows"):
        model.predict_proba_one({"silence_days": 1.0})


@EVERY
def test_what_was_written_does_not_change_with_what_is_learnt_later(name: str) -> None:
    model = taught(revive(fresh(name, COLUMNS)), 10, 1)
    data = model.data()
    before = msgspec.json.encode(data)
    taught(model, 10, 2)
    assert msgspec.json.encode(data) == before


@EVERY
def test_to_predict_teaches_nothing(name: str) -> None:
    model = taught(revive(fresh(name, COLUMNS)), 10, 1)
    before = written(model)
    for columns, z, _, _ in rows(5, 3):
        model.predict(columns, z)
        model.weigh(columns, z)
    assert written(model) == before


@EVERY
def test_before_the_first_example_both_labels_are_as_likely(name: str) -> None:
    model = revive(fresh(name, COLUMNS))
    row = np.array([1.0, np.nan, np.nan, np.nan, np.nan])
    assert model.predict(row, np.nan_to_num(row)).probability == pytest.approx(0.5)


@EVERY
def test_a_model_has_a_place_for_every_column(name: str) -> None:
    model = MODELS[name]()
    model.widen(COLUMNS[1:])
    assert model.width == len(COLUMNS)


@EVERY
def test_whoever_is_taught_one_label_comes_to_say_it(name: str) -> None:
    model = revive(fresh(name, COLUMNS))
    row = np.array([1.0, 1.0, 1.0, 1.0, 1.0])
    for _ in range(300):
        model.learn(row, row, 1, 1.0)
    assert model.predict(row, row).probability > 0.75
