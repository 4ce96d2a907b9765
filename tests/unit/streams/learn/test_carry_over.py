"""A model goes on when the list of columns changes."""

import struct
from math import isnan

import msgspec
import numpy as np
import pytest

from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.arrays import pack, pack_symmetric, unpack, unpack_symmetric
from touchstream.streams.learn.basis import NAMES, expand
from touchstream.streams.learn.calibration import Calibration
from touchstream.streams.learn.carry_over import COLUMN_KEYS, carried_over, translated
from touchstream.streams.learn.models.bayes import PRIOR_VARIANCE, BayesData
from touchstream.streams.learn.models.registry import MODELS
from touchstream.streams.learn.online import OnlineModel
from touchstream.streams.learn.scorer import Scorer, population
from touchstream.streams.learn.snapshot import ModelData, OwnExamples, empty
from touchstream.streams.learn.standard import Standard, StandardData

NEW = COLUMN_KEYS.index("survey_score [0..1]")
"""The column that the list of before did not have."""
KEPT = [0, *[place for place in range(len(COLUMN_KEYS) - 1, 0, -1) if place != NEW]]
"""The list of before had the others in another order, and one that is gone."""
BEFORE = (*[COLUMN_KEYS[place] for place in KEPT], "faxes_month [ln(1+n)]")
RNG = np.random.default_rng(5)
ROWS = np.abs(RNG.normal(1.0, 1.0, (1_200, len(FEATURES.names)))).astype("<f2").astype(float)
MOMENTS = [Millis(DAY_MS * (20_000 + place // 40)) for place in range(len(ROWS))]


def taught(name: str = "bayes") -> ModelData:
    model = OnlineModel(empty(FEATURES.digest, 28.0, name))
    labels = (ROWS[:, 0] + RNG.normal(0, 0.3, len(ROWS)) > 1).astype(int).tolist()
    for start in range(0, len(ROWS), 100):
        part = slice(start, start + 100)
        model.learn_all(ROWS[part].tolist(), MOMENTS[part], labels[part], [1.0] * 100)
    return model.data()


def as_before(model: ModelData) -> ModelData:
    """The same model as a build with the list of before would hold it."""

    def moved(part: bytes) -> bytes:
        return pack(np.append(unpack(part)[KEPT], 3.0))

    bayes = model.estimator
    assert isinstance(bayes, BayesData)
    width = len(COLUMN_KEYS)
    covariance = np.eye(len(BEFORE)) * 0.7
    covariance[:-1, :-1] = unpack_symmetric(bayes.covariance, width)[np.ix_(KEPT, KEPT)]
    standard = model.standard
    return msgspec.structs.replace(
        model,
        features="of-before",
        columns="of-before",
        standard=StandardData(
            moved(standard.counts), moved(standard.means), moved(standard.squares)
        ),
        estimator=BayesData(moved(bayes.mean), pack_symmetric(covariance)),
    )


@pytest.mark.parametrize("name", MODELS)
def test_over_to_the_same_columns_nothing_changes(name: str) -> None:
    model = taught(name)
    assert carried_over(model, COLUMN_KEYS) == model


def test_known_columns_predict_as_they_did() -> None:
    model = taught()
    before = as_before(model)
    after = carried_over(before, BEFORE)
    standard = Standard(model.standard)
    columns = expand(ROWS, np.array(MOMENTS, float), 28.0, population(standard, model.since_ms))
    z = standard.standardise(columns)
    assert isinstance(model.estimator, BayesData)
    weights = unpack(model.estimator.mean)
    weights[NEW] = 0.0  # nothing is known of it
    expected = model.calibration.intercept + model.calibration.slope * (z @ weights)
    found = [one.logit for one in Scorer(after).score_all(ROWS, MOMENTS)]
    assert found == pytest.approx(expected.tolist(), abs=1e-9)


def test_a_new_column_starts_with_the_prior_and_without_values() -> None:
    after = carried_over(as_before(taught()), BEFORE)
    assert isinstance(after.estimator, BayesData)
    covariance = unpack_symmetric(after.estimator.covariance, len(NAMES))
    assert covariance[NEW, NEW] == PRIOR_VARIANCE
    assert np.count_nonzero(covariance[NEW]) == 1
    assert unpack(after.standard.counts)[NEW] == 0


def test_offset_and_own_examples_are_carried_over() -> None:
    model = msgspec.structs.replace(
        taught(), own=OwnExamples(700, 90), calibration=Calibration(-2.0, 1.0, 0.25)
    )
    after = carried_over(as_before(model), BEFORE)
    assert (after.own, after.calibration) == (model.own, model.calibration)


def test_it_goes_on_learning() -> None:
    after = OnlineModel(carried_over(as_before(taught()), BEFORE))
    after.learn(ROWS[0].tolist(), MOMENTS[-1], 1, 1.0)
    assert after.data().examples == len(ROWS) + 1
    assert unpack(after.data().standard.counts)[NEW] == 1


def test_a_row_of_a_former_list_is_read_by_name() -> None:
    keys = ("faxes_month [ln(1+n)]", FEATURES.keys[3], FEATURES.keys[0])
    values = translated(struct.pack("<3e", 9.0, 2.5, 0.5), keys)
    assert (values[3], values[0]) == (2.5, 0.5)
    assert all(isnan(value) for place, value in enumerate(values) if place not in (0, 3))


def test_a_feature_with_another_unit_is_another_feature() -> None:
    renamed = FEATURES.keys[0].replace("ln(1+d)", "d")
    assert all(isnan(value) for value in translated(struct.pack("<e", 1.0), (renamed,)))


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="want 4"):
        translated(b"\0\0", FEATURES.keys[:2])
