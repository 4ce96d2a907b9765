"""A row's columns are the same to the last bit, whether worked out alone or as one of many."""

from collections.abc import Sequence
from math import isnan, nan

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.make import days
from tests.strategies import FEATURE_VECTORS
from touchstream.schemas.units import Millis
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.basis import expand
from touchstream.streams.learn.models.registry import MODELS
from touchstream.streams.learn.online import OnlineModel
from touchstream.streams.learn.scorer import FEW, Scorer
from touchstream.streams.learn.seen import Population
from touchstream.streams.learn.single import expand_one
from touchstream.streams.learn.snapshot import empty

WIDTH = len(FEATURES.names)
MOMENTS = st.integers(0, 4 * 10**12).map(Millis)
HORIZONS = st.sampled_from([1 / 24, 1.0, 28.0, 91.0])
POPULATIONS = st.builds(
    Population,
    gap_mean=st.floats(-2.0, 6.0),
    gap_spread=st.floats(1e-9, 3.0),
    since_ms=st.none() | MOMENTS,
)


def bits(values: Sequence[float]) -> bytes:
    """Of every number, its zero's sign too; missing is missing, whatever NaN says it."""
    return b"".join(b"missing" if isnan(value) else np.float64(value).tobytes() for value in values)


def drawn(seed: int, count: int) -> list[list[float]]:
    """Rows as half floats would keep them, some measurements missing, some of them wild."""
    chance = np.random.default_rng(seed)
    rows = chance.normal(1.0, 2.5, (count, WIDTH)) * chance.choice([1.0, 30.0], (count, WIDTH))
    rows = np.abs(rows) if seed % 2 else rows
    kept = np.where(chance.random(rows.shape) < 0.2, nan, rows.astype("<f2").astype(np.float64))
    found: list[list[float]] = kept.tolist()
    return found


@given(FEATURE_VECTORS, MOMENTS, HORIZONS, POPULATIONS)
def test_a_row_alone_has_the_columns_that_it_has_among_others(
    vector: bytes, at_ms: Millis, horizon_days: float, everybody: Population
) -> None:
    row = FEATURES.unpack(vector)
    alone = expand_one(row, at_ms, horizon_days, everybody)
    among = expand(np.array([row] * 3), np.full(3, float(at_ms)), horizon_days, everybody)
    assert bits(alone) == bits(among[1].tolist())


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(0, 4 * 10**12), HORIZONS, POPULATIONS)
def test_many_rows_have_the_columns_of_each_alone(
    seed: int, at_ms: int, horizon_days: float, everybody: Population
) -> None:
    rows = drawn(seed, 40)
    moments = [Millis(at_ms + 7_654_321 * number) for number in range(len(rows))]
    among = expand(np.array(rows), np.array(moments, dtype=float), horizon_days, everybody)
    for row, moment, columns in zip(rows, moments, among.tolist(), strict=True):
        assert bits(expand_one(row, moment, horizon_days, everybody)) == bits(columns)


@pytest.mark.parametrize("name", sorted(MODELS))
@pytest.mark.parametrize("count", [1, FEW, FEW + 1, 40])
def test_what_a_row_of_a_wave_adds_is_what_it_adds_alone(name: str, count: int) -> None:
    learner = OnlineModel(empty(FEATURES.digest, 28, name))
    for number, row in enumerate(drawn(3, 60)):
        learner.learn(row, days(number), number % 3 // 2, 1.0)
    scorer = Scorer(msgspec.structs.replace(learner.data(), examples=1_000))  # not cold any more
    rows, moments = drawn(5, count), [days(number) for number in range(count)]
    wave = scorer.score_wave(rows, moments)
    for place, (row, at_ms) in enumerate(zip(rows, moments, strict=True)):
        assert scorer.contributions_in(wave, place) == scorer.contributions(row, at_ms)
        assert wave.scores[place] == scorer.score(row, at_ms)


def test_what_comes_from_bytes_at_once_is_what_comes_one_by_one() -> None:
    packed = [np.array(row, dtype="<f2").tobytes() for row in drawn(7, 9)]
    one_by_one = [FEATURES.unpack(vector) for vector in packed]
    assert np.array_equal(FEATURES.unpack_all(packed), np.array(one_by_one), equal_nan=True)
    with pytest.raises(ValueError, match="2 vectors"):
        FEATURES.unpack_all([packed[0], packed[1][2:]])
