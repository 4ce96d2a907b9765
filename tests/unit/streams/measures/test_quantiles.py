"""Logarithmic buckets: within the stated error of numpy's percentiles, and exact at the bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstream.streams.measures.quantiles import (
    LARGEST,
    RELATIVE_ERROR,
    ZERO_BUCKET,
    bucket_of,
    estimate,
    quantile,
)

VALUES = st.integers(0, LARGEST)
SHARES = st.floats(0.0, 1.0)
ROUNDING = 1e-12


def counted(values: list[int]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for value in values:
        bucket = bucket_of(value)
        counts[bucket] = counts.get(bucket, 0) + 1
    return counts


@given(st.lists(VALUES, min_size=1, max_size=60), SHARES)
def test_a_quantile_is_within_the_relative_error_of_numpys(values: list[int], q: float) -> None:
    exact = float(np.quantile(np.array(values, np.float64), q, method="lower"))
    found = quantile(counted(values), q)
    assert found is not None
    assert abs(found - exact) <= exact * RELATIVE_ERROR * (1 + ROUNDING)


@pytest.mark.parametrize("q", [0.5, 0.9, 0.99])
def test_of_ten_thousand_waits_the_usual_percentiles_are_within_one_per_cent(q: float) -> None:
    waits_ms = np.random.default_rng(7).lognormal(9.0, 1.5, 10_000).astype(np.int64)
    found = quantile(counted(waits_ms.tolist()), q)
    assert found == pytest.approx(np.percentile(waits_ms, 100 * q, method="lower"), rel=0.01)


@given(st.integers(1, LARGEST))
def test_every_value_is_within_the_error_of_its_bucket(value: int) -> None:
    found = estimate(bucket_of(value))
    assert abs(found - value) <= value * RELATIVE_ERROR * (1 + ROUNDING)


@given(VALUES, VALUES)
def test_buckets_are_in_the_order_of_values(one: int, other: int) -> None:
    assert (bucket_of(one) <= bucket_of(other)) or one > other


def test_a_bucket_ends_at_its_power_in_whole_numbers() -> None:
    power = 101**700 // 99**700
    assert (bucket_of(power), bucket_of(power + 1)) == (700, 701)


def test_zero_has_a_bucket_of_its_own_and_is_estimated_as_zero() -> None:
    assert (bucket_of(0), bucket_of(-5), estimate(ZERO_BUCKET)) == (ZERO_BUCKET, ZERO_BUCKET, 0.0)


def test_what_is_larger_than_the_largest_falls_into_its_bucket() -> None:
    assert bucket_of(LARGEST * 1_000) == bucket_of(LARGEST)


def test_nothing_counted_has_no_quantile() -> None:
    assert quantile({}, 0.5) is None


@given(st.lists(VALUES, min_size=1), st.lists(VALUES, min_size=1), SHARES)
def test_merged_histograms_are_that_of_all_values(
    one: list[int], other: list[int], q: float
) -> None:
    merged = counted(one)
    for bucket, count in counted(other).items():
        merged[bucket] = merged.get(bucket, 0) + count
    assert quantile(merged, q) == quantile(counted(one + other), q)
