"""Bands for a capacity, on flows whose thresholds can be counted by hand."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstream.schemas.rules import BandRules
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.learn.band_capacity import (
    BINS,
    HALF_LIFE_DAYS,
    RiskFlow,
    bin_of,
    rise,
    threshold,
    thresholds_for,
)

RISKS = st.floats(0.0, 1.0).map(lambda risk: round(risk, 6))


def rises(pairs: Sequence[tuple[float | None, float]]) -> Counter[int]:
    found: Counter[int] = Counter()
    for before, after in pairs:
        low, high = rise(before, after)
        if low != high:
            found[low] += 1
            found[high] -= 1
    return found


def daily(days: int, pairs: Sequence[tuple[float | None, float]], entered: int = 0) -> RiskFlow:
    flow = RiskFlow()
    for day in range(days):
        flow = flow.add(Millis(day * DAY_MS), len(pairs), entered, rises(pairs))
    return flow


@pytest.mark.parametrize("number", [0, 1, 77, 160, 200, 318, 319])
def test_a_threshold_is_the_lowest_risk_of_its_bin(number: int) -> None:
    assert bin_of(threshold(number)) == number
    # Risks have six digits.
    assert bin_of(threshold(number) - 2e-6) == number - 1


@given(RISKS | st.none(), RISKS, st.integers(0, BINS - 1))
def test_a_rise_counts_exactly_the_thresholds_between(
    before: float | None, after: float, number: int
) -> None:
    low, high = rise(before, after)
    passed = (before is None or bin_of(before) < number) and bin_of(after) >= number
    assert (low <= number < high) == passed


def test_a_fall_is_no_rise() -> None:
    low, high = rise(0.8, 0.2)
    assert low == high


def test_as_many_enter_as_there_is_capacity_for() -> None:
    # Ten a day rise through .3, four of them through .6, one through .9.
    pairs = [(0.05, 0.4)] * 6 + [(0.05, 0.7)] * 3 + [(0.05, 0.95)]
    for capacity, above, below in ((1.5, 0.7, 0.95), (5.0, 0.4, 0.7), (20.0, 0.05, 0.4)):
        found = thresholds_for(daily(200, pairs), BandRules(high_per_day=capacity), 7, 0.02)
        assert found is not None
        assert above < found.high_enter <= below or capacity == 20.0


def test_high_means_twice_the_odds_of_the_average_customer_at_least() -> None:
    found = thresholds_for(daily(50, [(0.05, 0.1)]), BandRules(high_per_day=1e6), 7, 0.2)
    assert found is not None
    odds = found.high_enter / (1 - found.high_enter)
    assert odds == pytest.approx(0.5, rel=0.06)
    assert found.medium_enter == pytest.approx(0.2, rel=0.06)


def test_a_share_is_one_of_the_open_customers() -> None:
    # A hundred customers, each with a snapshot a week, of whom one a day rises.
    pairs: Sequence[tuple[float | None, float]] = [(0.05, 0.9)] + [(0.05, 0.05)] * 13
    rules = BandRules(high_share_per_day=1.1 / 98)
    found = thresholds_for(daily(400, pairs), rules, 7, 0.02)
    assert found is not None
    assert found.high_enter < 0.9
    fewer = thresholds_for(daily(400, pairs), BandRules(high_share_per_day=0.9 / 98), 7, 0.02)
    assert fewer is not None
    assert fewer.high_enter > 0.9


def test_more_alarms_than_the_capacity_raise_the_threshold() -> None:
    pairs = [(0.05, 0.4)] * 6 + [(0.05, 0.7)] * 3 + [(0.05, 0.95)]
    rules = BandRules(high_per_day=5.0)
    calm = thresholds_for(daily(200, pairs, entered=4), rules, 7, 0.02)
    busy = thresholds_for(daily(200, pairs, entered=12), rules, 7, 0.02)
    assert calm is not None
    assert busy is not None
    assert busy.high_enter > calm.high_enter


def test_before_the_first_snapshot_there_are_none() -> None:
    assert thresholds_for(RiskFlow(), BandRules(), 7, 0.1) is None


def test_a_steady_flow_is_its_own_rate() -> None:
    flow = daily(1 + int(10 * HALF_LIFE_DAYS), [(0.1, 0.5)] * 3)
    assert flow.per_day(flow.scored) == pytest.approx(3.0, rel=0.05)
    young = daily(4, [(0.1, 0.5)] * 3)
    assert 2.5 < young.per_day(young.scored) < 4.5


@given(st.lists(st.tuples(RISKS, RISKS), max_size=20), st.floats(0.01, 100), st.floats(0.01, 0.99))
def test_thresholds_are_always_in_order(
    pairs: Sequence[tuple[float | None, float]], capacity: float, base_rate: float
) -> None:
    found = thresholds_for(
        daily(3, [*pairs, (None, 0.5)]), BandRules(high_per_day=capacity), 7, base_rate
    )
    assert found is not None  # its own checks hold the order
    assert 0.0 < found.medium_leave <= found.high_enter < 1.0
