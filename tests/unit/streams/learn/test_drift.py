"""Drift is told soon and once; series that only swing are left alone at the stated rate."""

import subprocess
import sys
from math import inf, nan
from statistics import median

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from schemas.units import DAY_MS, Millis
from streams.learn.drift import LARGEST, WINDOW, Drift, change, observe
from streams.learn.watch import Watch

WEEK = 7
YEAR = 364
"""Ticks."""
SPAN = 28
Ticks = NDArray[np.float64]


def independent(rng: np.random.Generator, ticks: int) -> Ticks:
    return rng.normal(size=ticks)


def overlapping(rng: np.random.Generator, ticks: int) -> Ticks:
    """Means of 28 days that move on by one a tick, as labels of that horizon do; spread 1."""
    sums = np.cumsum(np.insert(rng.normal(size=ticks + SPAN - 1), 0, 0.0))
    means: Ticks = (sums[SPAN:] - sums[:-SPAN]) / SPAN**0.5
    return means


def told(series: dict[str, Ticks]) -> list[Drift]:
    """Every drift of a watch that sees a tick a day and a round a week."""
    watch, found = Watch.of(WEEK), []
    for tick in range(len(next(iter(series.values())))):
        values = {name: float(ticks[tick]) for name, ticks in series.items()}
        found += observe(watch, tick, Millis(tick * DAY_MS), values)
    return found


def false_alarms(kind: str, series: int, years: int) -> float:
    """Alarms a series and year."""
    rng = np.random.default_rng(11)
    make = independent if kind == "independent" else overlapping
    still = {f"s{number}": make(rng, years * YEAR) for number in range(series)}
    return len(told(still)) / (series * years)


def rounds_until_told(kind: str, shift: float, series: int = 31) -> float:
    """Median over series that shift after a year."""
    rng = np.random.default_rng(12)
    make = independent if kind == "independent" else overlapping
    moving = {}
    for number in range(series):
        ticks = make(rng, 2 * YEAR)
        ticks[YEAR:] += shift
        moving[f"s{number}"] = ticks
    first: dict[str, float] = {}
    for drift in told(moving):
        if drift.at_tick >= YEAR:
            first.setdefault(drift.series, (drift.at_tick - YEAR) / WEEK)
    return median(first.get(name, inf) for name in moving)


def test_independent_ticks_give_no_false_alarm_in_200_years() -> None:
    assert false_alarms("independent", 20, 10) == 0.0


def test_overlapping_windows_give_less_than_a_false_alarm_in_ten_years() -> None:
    assert 0.0 < false_alarms("overlapping", 20, 10) < 0.1


@pytest.mark.parametrize(
    ("kind", "shift", "rounds"),
    [
        ("independent", 1.0, 20),
        ("independent", 2.0, 10),
        ("overlapping", 2.0, 24),
        ("overlapping", 4.0, 11),
    ],
)
def test_a_shift_is_told_within_the_stated_rounds(kind: str, shift: float, rounds: int) -> None:
    assert rounds_until_told(kind, shift) <= rounds


def weeks(*means: float, watch: Watch | None = None) -> list[Drift]:
    """One value a week, and the tick that closes the last week."""
    watch = watch or Watch.of(WEEK)
    return [
        drift
        for week, mean in enumerate([*means, 0.0])
        for drift in observe(watch, week, Millis(week * WEEK * DAY_MS), {"silence_days": mean})
    ]


USUAL = (0.0, 0.5) * 20


def test_a_drift_says_what_was_and_what_is_since() -> None:
    assert weeks(*USUAL, *[4.25] * 12) == [
        Drift("silence_days", before=0.25, after=4.25, at_tick=49)
    ]


def test_a_change_is_told_once() -> None:
    assert len(weeks(*USUAL, *[4.0, 4.5] * 60)) == 1


def test_drifts_of_one_tick_come_in_the_order_of_names() -> None:
    step = np.repeat([0.0, 9.0], [40 * WEEK, 20 * WEEK])
    found = told({"silence_days": step, "known_days": -step})
    assert [drift.series for drift in found] == ["known_days", "silence_days"]


def test_a_second_change_is_told_too() -> None:
    assert len(weeks(*USUAL, *[4.0, 4.5] * 30, *USUAL)) == 2


def test_one_freak_week_is_no_drift() -> None:
    assert weeks(*USUAL, 1000.0, *USUAL) == []


def test_different_customers_on_different_days_of_the_week_are_no_drift() -> None:
    days = np.tile(np.array([0.0, 9.0, 0.0, 0.0, 9.0, 9.0, 9.0]), 2 * 52)
    assert told({"spend_minor": days}) == []


def test_a_series_that_never_moves_is_no_drift_even_where_its_sums_are_rounded() -> None:
    assert change([1.0] * 20 + [1.0 + 1e-12] * 20) == 0


def test_no_change_is_large_enough_in_fewer_than_32_rounds() -> None:
    assert [change([0.0] * 16 + [9.0] * after) for after in (4, 8, 12, 15)] == [0, 0, 0, 0]
    assert change([0.0] * 20 + [9.0] * 20) == 20


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_a_value_that_is_not_finite_is_left_out(value: float) -> None:
    watch = Watch.of(WEEK)
    observe(watch, 1, Millis(0), {"silence_days": 3.0, "known_days": value})
    observe(watch, 2, Millis(DAY_MS), {"silence_days": value})
    assert msgspec.to_builtins(watch.series) == {"silence_days": [3.0, 1.0, []]}


def test_values_at_the_end_of_the_scale_do_not_break_the_sums() -> None:
    watch = Watch.of(WEEK)
    found = weeks(*[-1e308, 1e308] * 100, watch=watch)
    assert found == []
    assert max(watch.series["silence_days"].rounds) == LARGEST


def test_a_tick_counts_by_its_examples() -> None:
    watch = Watch.of(WEEK)
    observe(watch, 1, Millis(0), {"loss": 1.0}, n=3)
    observe(watch, 2, Millis(DAY_MS), {"loss": 5.0})
    observe(watch, 3, Millis(7 * DAY_MS), {})
    assert watch.series["loss"].rounds == [2.0]


def test_a_week_without_the_series_is_no_round() -> None:
    watch = Watch.of(WEEK)
    for week, values in enumerate([{"loss": 1.0}, {}, {"loss": 2.0}, {}]):
        observe(watch, week, Millis(week * WEEK * DAY_MS), values)
    assert watch.series["loss"].rounds == [1.0, 2.0]


def test_what_is_remembered_of_a_series_is_bounded() -> None:
    watch = Watch.of(WEEK)
    weeks(*USUAL * 10, watch=watch)
    assert len(watch.series["silence_days"].rounds) == WINDOW
    assert len(msgspec.msgpack.encode(watch)) < 1024


def test_what_a_watch_remembers_is_read_without_river() -> None:
    code = "import sys, streams.learn.watch, streams.learn.trial; sys.exit('river' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
