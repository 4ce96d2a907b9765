"""Every derived column against a plain second working-out of what it says it is."""

from collections.abc import Mapping, Sequence
from math import cos, exp, expm1, isfinite, isnan, log, log1p, nan, pi, sin, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]  # ships no types

from tests.make import days
from tests.strategies import FEATURE_VECTORS
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.basis import COLUMNS, DERIVED, NAMES, expand, shares
from touchstream.streams.learn.seen import Population

TODAY = days(0)
EVERYBODY = Population(gap_mean=log(10), gap_spread=0.8, since_ms=days(-800))
NOT_SEASONED = EVERYBODY._replace(since_ms=days(-729))
NEVER_ACTIVE = {"silence_days": nan, "gap_usual": nan, "gap_spread": nan, "gap_last": nan}
VISITOR = {
    **dict.fromkeys(FEATURES.names, 0.5),
    "silence_days": log1p(9),
    "known_days": log1p(100),
    "gap_count": log1p(5),
    "gap_usual": log(7),
    "gap_spread": 0.4,
    "activity_count": log1p(8),
}
"""Nine days silent, after five gaps of about a week."""


def expanded(
    row: Sequence[float], at_ms: Millis, horizon: float, everybody: Population
) -> list[float]:
    """The columns of one row."""
    rows = expand(np.array([row]), np.array([float(at_ms)]), horizon, everybody)
    return [float(value) for value in rows[0]]


def columns(
    changed: Mapping[str, float],
    at_ms: Millis = TODAY,
    horizon: float = 28.0,
    everybody: Population = EVERYBODY,
) -> dict[str, float]:
    row = [{**VISITOR, **changed}[name] for name in FEATURES.names]
    return dict(zip(NAMES, expanded(row, at_ms, horizon, everybody), strict=True))


def test_a_row_begins_with_one_and_what_was_measured() -> None:
    row = [float(number) for number in range(len(FEATURES.names))]
    assert expanded(row, days(0), 28.0, EVERYBODY)[: 1 + len(row)] == [1.0, *row]


def test_every_column_has_one_name() -> None:
    assert len(NAMES) == len(set(NAMES)) == 1 + len(FEATURES.names) + len(COLUMNS)


def test_every_work_gives_as_many_numbers_as_it_has_columns() -> None:
    assert sum(len(derived.columns) for derived in DERIVED) == len(columns({})) - 1 - len(
        FEATURES.names
    )


def shrunk(row: Mapping[str, float]) -> tuple[float, float]:
    """Mean and spread of ln(gap): the customer's own gaps, and two of the population's."""
    n = expm1(row["gap_count"])
    own_mean = row["gap_usual"] if n else 0.0
    own_variance = row["gap_spread"] ** 2 if n > 1 else 0.0
    mean = (n * own_mean + 2 * EVERYBODY.gap_mean) / (n + 2)
    freedom = max(0.0, n - 1)
    variance = (freedom * own_variance + 2 * EVERYBODY.gap_spread**2) / (freedom + 2)
    return mean, max(0.05, sqrt(variance))


RHYTHMS = st.fixed_dictionaries(
    {
        "silence_days": st.floats(0, 1_500).map(log1p),
        "gap_count": st.integers(2, 60).map(log1p),
        "gap_usual": st.floats(-1.4, 6.0),
        "gap_spread": st.floats(0.0, 2.0),
    }
)


@given(RHYTHMS, st.sampled_from([1.0, 28.0, 91.0]))
def test_the_rhythm_is_that_of_a_log_normal(row: dict[str, float], horizon: float) -> None:
    mean, spread = shrunk(row)
    found = columns(row, horizon=horizon)
    silent = expm1(row["silence_days"])
    so_far = max(silent, 0.25)
    z = (log(so_far) - mean) / spread
    assert found["rhythm_mean"] == pytest.approx(mean)
    assert found["rhythm_spread"] == pytest.approx(spread)
    assert found["rhythm_z"] == pytest.approx(z, rel=1e-6, abs=1e-9)
    assert found["silence_over_gap"] == pytest.approx(
        log((1 + silent) / (1 + exp(mean))), rel=1e-9, abs=1e-9
    )
    gaps = stats.lognorm(s=spread, scale=exp(mean))
    stays = float(gaps.logsf(silent + horizon) - gaps.logsf(so_far))
    odds = stays - log(max(-expm1(stays), 1e-300))
    assert found["rhythm_silent"] == pytest.approx(max(-8.0, min(8.0, odds)), abs=1e-3)


@given(RHYTHMS)
def test_phases_are_bumps_around_the_usual_gap(row: dict[str, float]) -> None:
    found = columns(row)
    sure = min(expm1(row["gap_count"]), 10) / 10
    assert found["rhythm_sure"] == pytest.approx(sure)
    for centre, phase in ((-1, "early"), (0, "on_time"), (1, "late"), (2, "overdue")):
        height = stats.norm.pdf(found["rhythm_z"], centre) / stats.norm.pdf(0)
        assert found[phase] == pytest.approx(height, abs=1e-9)
        assert found[f"{phase}_sure"] == pytest.approx(height * sure, abs=1e-9)
    assert found["rhythm_silent_sure"] == pytest.approx(found["rhythm_silent"] * sure)


def test_who_has_no_gap_is_believed_to_come_like_everybody() -> None:
    found = columns({"gap_count": 0.0, "gap_usual": nan, "gap_spread": nan})
    assert (found["rhythm_mean"], found["rhythm_spread"]) == pytest.approx((log(10), 0.8))
    assert found["rhythm_sure"] == 0.0


def test_one_gap_has_a_mean_of_its_own_and_everybodys_spread() -> None:
    found = columns({"gap_count": log1p(1), "gap_usual": log(4), "gap_spread": nan})
    assert found["rhythm_mean"] == pytest.approx((log(4) + 2 * log(10)) / 3)
    assert found["rhythm_spread"] == pytest.approx(0.8)


def test_nobody_is_more_regular_than_a_twentieth() -> None:
    clock = Population(gap_mean=log(7), gap_spread=1e-9)
    found = columns({"gap_count": log1p(60), "gap_spread": 0.0}, everybody=clock)
    assert found["rhythm_spread"] == 0.05


@pytest.mark.parametrize(
    ("usual_days", "silent_days", "horizon", "lasts"),
    [(1, 0, 28.0, False), (1, 3_000, 1.0, True), (100, 0, 28.0, True), (100, 90, 91.0, False)],
)
def test_a_regular_customer_comes_when_due_and_not_before_or_long_after(
    usual_days: float, silent_days: float, horizon: float, lasts: bool
) -> None:
    regular = {"gap_count": log1p(60), "gap_usual": log(usual_days), "gap_spread": 0.1}
    found = columns({**regular, "silence_days": log1p(silent_days)}, horizon=horizon)
    assert (found["rhythm_silent"] > 0) is lasts


def test_slopes_are_ratios_of_half_lives() -> None:
    found = columns(
        {
            "activity_week": log1p(1),
            "activity_month": log1p(3),
            "activity_quarter": log1p(7),
            "activity_year": log1p(9),
            "spend_quarter_minor": log1p(99),
            "spend_minor": log1p(399),
        }
    )
    assert found["week_slope"] == pytest.approx(log(2 / 4))
    assert found["month_slope"] == pytest.approx(log(4 / 8))
    assert found["quarter_slope"] == pytest.approx(log(8 / 10))
    assert found["spend_slope"] == pytest.approx(log(100 / 400))


def test_the_rate_of_a_new_customer_is_tempered_by_four_weeks_more() -> None:
    found = columns({"activity_count": log1p(2), "known_days": log1p(28)})
    assert found["activity_rate"] == pytest.approx(log1p(2 * 28 / 56))


def test_products_are_products() -> None:
    found = columns(
        {
            "silence_days": 2.0,
            "known_days": 3.0,
            "activity_count": 5.0,
            "activity_quarter": 7.0,
            "activity_month": 11.0,
            "reopened_month": 1.0,
            "payment_failed_month": 0.5,
            "transfers_month": 2.0,
            "wait_month_s": 6.0,
            "leaving_month": 3.0,
        }
    )
    products = [4, 9, 25, 10, 6, 14, 15, 33, 1, 0.25, 4, 36, 9]
    assert [found[name] for name, _, _ in DERIVED[3].columns] == products
    assert DERIVED[3].columns[0][0] == "silence_squared"


@pytest.mark.parametrize(("running", "counts"), [(1.0, 2.0), (0.0, 0.0), (nan, nan)])
def test_silence_counts_apart_while_a_subscription_runs(running: float, counts: float) -> None:
    found = columns({"silence_days": 2.0, "subscription_running": running})
    assert found["running_silence"] == pytest.approx(counts, nan_ok=True)
    assert found["running_silence_squared"] == pytest.approx(2 * counts, nan_ok=True)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("has_")])
def test_presence_says_whether_there_was_anything_to_measure(name: str) -> None:
    measured = name.removeprefix("has_")
    assert columns({measured: 0.0})[name] == 1.0
    assert columns({measured: nan})[name] == 0.0


def test_the_week_and_the_day_come_round() -> None:
    found = columns({}, at_ms=Millis(4 * DAY_MS + DAY_MS // 4))
    assert found["day_sine"] == pytest.approx(1.0)
    assert found["day_cosine"] == pytest.approx(0.0, abs=1e-9)
    assert found["week_sine"] == pytest.approx(sin(2 * pi * 4.25 / 7))
    assert found["week_cosine"] == pytest.approx(cos(2 * pi * 4.25 / 7))


def test_the_year_comes_round() -> None:
    since = EVERYBODY._replace(since_ms=Millis(0))
    found = columns({}, at_ms=Millis(round(3.25 * 365.25 * DAY_MS)), everybody=since)
    assert found["year_sine"] == pytest.approx(1.0)
    assert found["year_cosine"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("since", "missing"), [(None, True), (days(-729), True), (days(-730), False)]
)
def test_the_years_season_is_missing_until_two_years_were_learnt_from(
    since: Millis | None, missing: bool
) -> None:
    found = columns({}, everybody=EVERYBODY._replace(since_ms=since))
    assert isnan(found["year_sine"]) is isnan(found["year_cosine"]) is missing


def test_of_who_was_never_active_all_that_hangs_on_silence_is_missing() -> None:
    found = columns({**NEVER_ACTIVE, "gap_count": 0.0})
    missing = {name for name, value in found.items() if isnan(value)}
    assert missing == {
        *NEVER_ACTIVE,
        "silence_over_gap",
        "rhythm_z",
        "rhythm_silent",
        "rhythm_silent_sure",
        *(
            f"{phase}{sure}"
            for phase in ("early", "on_time", "late", "overdue")
            for sure in ("", "_sure")
        ),
        "silence_squared",
        "silence_by_count",
        "silence_by_known",
        "silence_by_quarter",
        "running_silence",
        "running_silence_squared",
    }


def test_of_who_never_ordered_the_slope_of_spending_is_missing() -> None:
    found = columns({"spend_minor": nan, "spend_quarter_minor": nan})
    assert isnan(found["spend_slope"])


@given(FEATURE_VECTORS, st.sampled_from([1 / 24, 1.0, 91.0]), st.integers(0, 2 * 10**12))
def test_no_column_of_any_row_is_infinite(vector: bytes, horizon: float, at_ms: int) -> None:
    found = expanded(FEATURES.unpack(vector), Millis(at_ms), horizon, NOT_SEASONED)
    assert all(isfinite(value) or isnan(value) for value in found)


@given(FEATURE_VECTORS)
def test_a_row_in_which_nothing_is_missing_has_no_missing_column(vector: bytes) -> None:
    whole = [0.0 if isnan(value) else value for value in FEATURES.unpack(vector)]
    assert not any(map(isnan, expanded(whole, days(0), 28.0, EVERYBODY)))


@given(st.lists(FEATURE_VECTORS, min_size=2, max_size=5))
def test_the_rows_beside_it_do_not_show_in_a_rows_columns(vectors: list[bytes]) -> None:
    rows = [FEATURES.unpack(vector) for vector in vectors]
    times = [float(days(number)) for number in range(len(rows))]
    together = expand(np.array(rows), np.array(times), 28.0, EVERYBODY)
    alone = [
        expand(np.array([row]), np.array([at]), 28.0, EVERYBODY)[0]
        for row, at in zip(rows, times, strict=True)
    ]
    assert np.array_equal(together, np.array(alone), equal_nan=True)


def test_what_a_column_adds_is_shared_out_whole() -> None:
    totals = dict.fromkeys(range(len(NAMES)), 0.0)
    for column, measurement, share in shares():
        assert 0 <= measurement < len(FEATURES.names)
        totals[column] += share
    nobodys = {NAMES[column] for column, total in totals.items() if not total}
    assert nobodys == {"intercept"} | {
        f"{cycle}_{side}" for cycle in ("week", "day", "year") for side in ("sine", "cosine")
    }
    assert {round(total, 9) for total in totals.values()} == {0.0, 1.0}
