from math import inf, nan

import numpy as np
import pytest

from touchstream.streams.learn.arrays import Floats
from touchstream.streams.learn.standard import LARGEST_Z, Standard, empty


def learnt(*rows: list[float]) -> Standard:
    """The first column, the intercept, is added."""
    standard = Standard(empty(1 + len(rows[0])))
    for row in rows:
        standard.learn(np.array([[1.0, *row]]))
    return standard


def z(standard: Standard, *values: float) -> list[float]:
    found: Floats = standard.standardise(np.array([1.0, *values]))
    return [float(value) for value in found]


def test_mean_and_spread_are_those_of_numpy_over_what_is_present() -> None:
    chance = np.random.default_rng(1)
    rows = chance.normal([0, 5, -1e4], [1, 0.1, 1e3], size=(500, 3))
    rows[chance.random(rows.shape) < 0.3] = np.nan
    standard = learnt(*rows.tolist())
    assert standard.counts[1:].tolist() == (~np.isnan(rows)).sum(axis=0).tolist()
    assert standard.means[1:] == pytest.approx(np.nanmean(rows, axis=0), rel=1e-12)
    for column in range(3):
        assert standard.spread(1 + column) == pytest.approx(
            float(np.nanstd(rows[:, column])), rel=1e-9
        )


def test_a_value_is_told_in_deviations_from_the_mean() -> None:
    assert z(learnt([1.0], [3.0]), 4.0) == [1.0, 2.0]


def test_the_intercept_stays_one() -> None:
    assert z(learnt([1.0], [3.0], [5.0]), 3.0)[0] == 1.0


def test_no_value_lies_farther_than_five_deviations() -> None:
    standard = learnt([1.0, 1.0], [3.0, 3.0])
    assert z(standard, 1e9, -1e9) == [1.0, LARGEST_Z, -LARGEST_Z]


def test_a_missing_value_is_neither_learnt_nor_told() -> None:
    standard = learnt([1.0, nan], [3.0, nan])
    assert standard.counts.tolist() == [2.0, 2.0, 0.0]
    assert z(standard, nan, nan) == [1.0, 0.0, 0.0]


def test_a_column_that_never_varied_says_nothing() -> None:
    assert z(learnt([7.0], [7.0]), 99.0) == [1.0, 0.0]


def test_a_column_that_varies_by_less_than_rounding_says_nothing() -> None:
    assert z(learnt([7.0], [7.0 + 0.019]), 9.0) == [1.0, 0.0]  # variance 9e-5


def test_a_column_that_appears_later_starts_from_nothing() -> None:
    standard = learnt([1.0, nan], [3.0, 7.0])
    assert (standard.counts.tolist(), standard.means.tolist()) == ([2, 2, 1], [0.0, 2.0, 7.0])


@pytest.mark.parametrize("value", [inf, -inf])
def test_an_infinite_value_is_refused_before_it_poisons_a_mean(value: float) -> None:
    standard = learnt([1.0], [3.0])
    before = standard.data()
    with pytest.raises(ValueError, match="not finite"):
        standard.learn(np.array([[1.0, value]]))
    assert standard.data() == before


def test_a_standard_made_from_data_goes_on_exactly() -> None:
    rows = np.random.default_rng(2).normal(size=(60, 2)).tolist()
    resumed = Standard(learnt(*rows[:30]).data())
    for row in rows[30:]:
        resumed.learn(np.array([[1.0, *row]]))
    assert resumed.data() == learnt(*rows).data()


def test_what_was_learnt_shows_at_once() -> None:
    standard = learnt([1.0], [3.0])
    assert z(standard, 4.0) == [1.0, 2.0]
    standard.learn(np.array([[1.0, 8.0]]))
    assert z(standard, 4.0) == [1.0, 0.0]


def test_rows_at_once_are_learnt_as_one_after_the_other() -> None:
    rows = np.random.default_rng(3).normal([4.0, -1e3], [1.0, 50.0], size=(40, 2))
    rows[::3, 1] = nan
    at_once = Standard(empty(3))
    at_once.learn(np.column_stack((np.ones(40), rows)))
    one_by_one = learnt(*rows.tolist())
    assert at_once.counts.tolist() == one_by_one.counts.tolist()
    assert at_once.means == pytest.approx(one_by_one.means, rel=1e-12)
    assert at_once.squares == pytest.approx(one_by_one.squares, rel=1e-9)


def test_the_move_tells_the_old_deviations_from_the_new() -> None:
    standard = learnt(*[[1.0], [3.0]] * 500)
    [_, old] = z(standard, 5.0)
    move = standard.learn(np.array([[1.0, 9.0], [1.0, 11.0]] * 100))
    [_, new] = z(standard, 5.0)
    assert old == pytest.approx(move.scale[1] * new + move.shift[1])
    assert new != pytest.approx(old)
    assert (move.scale[0], move.shift[0]) == (1.0, 0.0)


def test_a_column_that_begins_to_vary_is_not_moved() -> None:
    standard = learnt(*[[7.0]] * 1_000)
    move = standard.learn(np.array([[1.0, 9.0]]))
    assert (move.scale[1], move.shift[1]) == (1.0, 0.0)


def test_the_deviation_of_a_few_is_no_unit_to_move_from() -> None:
    move = learnt(*[[1.0], [3.0]] * 499).learn(np.array([[1.0, 9.0]]))
    assert (move.scale[1], move.shift[1]) == (1.0, 0.0)
