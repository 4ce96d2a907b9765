"""Drift is told soon and once; series that only swing are left alone at the stated rate."""

import subprocess
import sys
from math import inf, nan, ulp
from statistics import median

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.learn.drift import LARGEST, WINDOW, Drift, change, update_drift
from touchstream.streams.learn.drift_state import DriftState, Series

WEEK_MS = 7 * DAY_MS
YEAR = 52
"""Rounds."""
CUSTOMERS = 100
ERROR = 0.1
"""Standard error of the mean of so many."""
Rounds = NDArray[np.float64]
"""A row a round, a column a customer; spread 1."""


def others(rng: np.random.Generator, rounds: int) -> Rounds:
    """Customers of whom nobody comes twice."""
    return rng.normal(size=(rounds, CUSTOMERS))


def overlapping(rng: np.random.Generator, rounds: int) -> Rounds:
    """The last four weeks of each, as labels of 28 days are."""
    weeks = rng.normal(size=(rounds + 3, CUSTOMERS))
    sums: Rounds = weeks[:-3] + weeks[1:-2] + weeks[2:-1] + weeks[3:]
    return sums / 2


def staying(rng: np.random.Generator, rounds: int) -> Rounds:
    """Customers who are what they are; one in fifty is replaced each round."""
    own = rng.normal(size=CUSTOMERS)
    found = np.empty((rounds, CUSTOMERS))
    for row in found:
        gone = rng.random(CUSTOMERS) < 1 / 50
        own = np.where(gone, rng.normal(size=CUSTOMERS), own)
        row[:] = own
    return found


KINDS = {"others": others, "overlapping": overlapping, "staying": staying}


def emitted(rounds: Rounds) -> list[Drift]:
    """Every drift of a watch that sees one tick a round; a round is closed by the next one."""
    drift_state = DriftState.of(7)
    return [
        drift
        for number, row in enumerate(rounds)
        for drift in update_drift(
            drift_state, number, Millis(number * WEEK_MS), {"seen": row.tolist()}
        )
    ]


def false_alarms(kind: str, series: int, years: int) -> float:
    """Alarms a series and year."""
    rng = np.random.default_rng(11)
    return sum(len(emitted(KINDS[kind](rng, years * YEAR))) for _ in range(series)) / series / years


def rounds_until_told(kind: str, errors: float, series: int = 31) -> float:
    """Median over series that shift after a year."""
    rng = np.random.default_rng(12)
    delays = []
    for _ in range(series):
        rounds = KINDS[kind](rng, YEAR + 40)
        rounds[YEAR:] += errors * ERROR
        delays.append(
            min([d.at_tick - YEAR for d in emitted(rounds) if d.at_tick > YEAR], default=inf)
        )
    return median(delays)


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_change_there_is_less_than_one_alarm_in_25_years(kind: str) -> None:
    assert false_alarms(kind, series=10, years=5) < 0.04


@pytest.mark.parametrize(
    ("kind", "errors", "rounds"),
    [
        ("others", 3, 5),
        ("others", 5, 3),
        ("others", 10, 3),
        ("staying", 5, 5),
        ("staying", 10, 3),
        ("overlapping", 5, 7),
        ("overlapping", 10, 3),
    ],
)
def test_a_shift_is_told_within_the_stated_rounds(kind: str, errors: int, rounds: int) -> None:
    assert rounds_until_told(kind, errors) <= rounds


def weeks(*means: float, drift_state: DriftState | None = None) -> list[Drift]:
    """One value a week, and the tick that closes the last week."""
    drift_state = drift_state or DriftState.of(7)
    return [
        drift
        for week, mean in enumerate([*means, 0.0])
        for drift in update_drift(
            drift_state, week, Millis(week * WEEK_MS), {"silence_days": [mean]}
        )
    ]


USUAL = (0.0, 0.5) * 20


def test_a_drift_says_what_was_and_what_is_since() -> None:
    assert weeks(*USUAL, *[4.25] * 12) == [
        Drift("silence_days", before=0.25, after=4.25, at_tick=43)
    ]


def test_a_change_is_told_once() -> None:
    assert len(weeks(*USUAL, *[4.0, 4.5] * 60)) == 1


def test_drifts_of_one_tick_come_in_the_order_of_names() -> None:
    drift_state, found = DriftState.of(7), []
    for week in range(44):
        level = 9.0 if week >= 40 else 0.0
        values = {"web_month": [level], "gap_last": [-level]}
        found += update_drift(drift_state, week, Millis(week * WEEK_MS), values)
    assert [drift.series for drift in found] == ["gap_last", "web_month"]


def test_a_second_change_is_told_too() -> None:
    assert len(weeks(*USUAL, *[4.0, 4.5] * 30, *USUAL)) == 2


@pytest.mark.parametrize("freaks", [1, 2])
def test_one_freak_week_or_two_are_no_drift(freaks: int) -> None:
    assert weeks(*USUAL, *[1000.0] * freaks, *USUAL) == []


def test_three_rounds_must_agree_however_large_the_change_is() -> None:
    assert [change([*USUAL, *[1000.0] * after]) for after in (1, 2, 3)] == [0, 0, 40]


def test_before_twelve_rounds_nothing_is_usual() -> None:
    assert [change([0.0] * before + [9.0] * 3) for before in (8, 9)] == [0, 9]


def test_a_slow_swing_is_told_by_its_own_size() -> None:
    swing = [(week % 26) / 26 for week in range(52)]
    assert change([*swing, 1.5, 1.5, 1.5]) == 0
    assert change([*[week % 2 for week in range(52)], 3.5, 3.5, 3.5]) == 52


def test_a_level_that_other_customers_would_have_by_chance_is_no_drift() -> None:
    rounds = [0.0, 0.01] * 10 + [0.5] * 6
    assert change(rounds) == 20
    assert change(rounds, variance=0.3**2) == 0  # 1.1 standard errors of what chance does


def test_different_customers_on_different_days_of_the_week_are_no_drift() -> None:
    drift_state = DriftState.of(7)
    found = [
        drift
        for day in range(2 * 364)
        for drift in update_drift(
            drift_state, day, Millis(day * DAY_MS), {"web_month": [9.0 * (day % 7 in {1, 4, 5})]}
        )
    ]
    assert found == []


def test_a_series_that_never_moves_is_no_drift_even_where_its_sums_are_rounded() -> None:
    assert change([1.0] * 20 + [1.0 + 1e-7] * 20) == 0


def test_a_round_has_the_mean_of_all_its_values_and_the_error_of_that() -> None:
    drift_state = DriftState.of(7)
    update_drift(drift_state, 1, Millis(0), {"web_month": [1.0, 2.0]})
    update_drift(drift_state, 2, Millis(DAY_MS), {"web_month": [6.0]})
    assert drift_state.series["web_month"] == Series(n=3, total=9.0, squares=41.0)
    update_drift(drift_state, 3, Millis(WEEK_MS), {})
    assert drift_state.series["web_month"].rounds == (3.0,)
    # sum of squares around the mean: 4 + 1 + 9; a variance of 7, of a mean of three 7 / 3
    assert drift_state.series["web_month"].variance == pytest.approx(7 / 3)


def test_of_more_than_a_thousand_customers_the_error_is_as_of_a_thousand() -> None:
    drift_state = DriftState.of(7)
    update_drift(drift_state, 1, Millis(0), {"web_month": [-1.0, 1.0] * 5_000})
    update_drift(drift_state, 2, Millis(WEEK_MS), {})
    assert drift_state.series["web_month"].variance == 1 / 1000


@pytest.mark.parametrize("value", [nan, inf, -inf, LARGEST + ulp(LARGEST)])
def test_a_value_that_is_not_finite_is_left_out(value: float) -> None:
    drift_state = DriftState.of(7)
    update_drift(drift_state, 1, Millis(0), {"silence_days": [3.0, value], "web_month": [value]})
    assert drift_state.series == {"silence_days": Series(n=1, total=3.0, squares=9.0)}


def test_values_at_the_end_of_the_scale_do_not_break_the_sums() -> None:
    drift_state = DriftState.of(7)
    assert weeks(*[-LARGEST, LARGEST] * 100, drift_state=drift_state) == []
    assert max(drift_state.series["silence_days"].rounds) == pytest.approx(LARGEST)


def test_a_week_without_the_series_is_no_round() -> None:
    drift_state = DriftState.of(7)
    for week, column in enumerate([[1.0], [], [2.0], []]):
        update_drift(drift_state, week, Millis(week * WEEK_MS), {"loss": column})
    assert drift_state.series["loss"].rounds == (1.0, 2.0)


def test_what_is_remembered_of_a_series_is_bounded() -> None:
    drift_state = DriftState.of(7)
    weeks(*USUAL * 10, drift_state=drift_state)
    assert len(drift_state.series["silence_days"].rounds) == WINDOW
    assert len(msgspec.msgpack.encode(drift_state)) < 300


def test_what_a_watch_remembers_is_read_without_river() -> None:
    modules = "touchstream.streams.learn.drift_state, touchstream.streams.learn.trial"
    code = f"import sys, {modules}; sys.exit('river' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
