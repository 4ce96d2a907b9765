"""Thresholds for a capacity, and leavers warned in time, told of few customers in literal days."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstream.streams.decide.capacity import (
    STANDS_DAYS,
    Alarms,
    Scored,
    Thresholds,
    alarms,
    could_be_warned,
    thresholds,
    warned,
)

ADA, BOB, CID = 1, 2, 3
Row = tuple[int, int, float]


def scored(*rows: Row) -> Scored:
    return Scored(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.float64),
    )


def given_alarms(rows: Scored, per_day: float = 1.0) -> list[tuple[int, int, int]]:
    """Customer, first day and end of each."""
    found = alarms(rows, lambda _: per_day)
    who = rows.customer[found.row].tolist()
    return list(zip(who, found.from_day.tolist(), found.until_day.tolist(), strict=True))


def weeks(customer: int, *risks: float, since: int = 0) -> list[Row]:
    return [(customer, since + 7 * week, risk) for week, risk in enumerate(risks)]


def test_without_a_row_there_are_no_thresholds() -> None:
    assert thresholds(scored(), 28, 1.0) is None
    assert thresholds(scored((ADA, 28, 0.5)), 28, 1.0) is None


def test_the_threshold_gives_as_many_alarms_a_day_as_there_is_capacity() -> None:
    rng = np.random.default_rng(5)
    customer, day = np.tile(np.arange(700), 8), np.repeat(np.arange(8), 700) * 7
    rows = Scored(customer, day + customer % 7, rng.random(5_600))
    found = thresholds(rows, 56, per_day=5.0)
    assert found is not None
    assert found.alarms_per_day == pytest.approx(5.0, abs=0.1)
    assert found.leave < found.enter
    reach = (rows.risk >= found.enter).sum()
    assert (rows.risk >= found.leave).sum() == int(1.5 * reach)


def test_a_customer_who_stays_at_risk_is_an_alarm_again_after_four_weeks() -> None:
    rows = scored(*weeks(ADA, *[0.9] * 8), *weeks(BOB, *[0.1] * 8))
    found = thresholds(rows, 56, per_day=1 / 28)
    assert found == Thresholds(0.9, 0.1, 1 / 28)


def test_a_row_of_the_tick_itself_and_rows_too_old_are_not_read() -> None:
    rows = [(ADA, 60, 0.5), (BOB, 61, 0.4)]
    alone = thresholds(scored(*rows), 62, per_day=1.0)
    assert thresholds(scored(*rows, (CID, 62, 0.9), (CID, 5, 0.9)), 62, per_day=1.0) == alone


RISKS = st.floats(0.0, 1.0, allow_nan=False)
ROWS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 80), RISKS), min_size=1, max_size=60, unique=True
)


@given(ROWS, st.randoms(use_true_random=False), st.floats(0.05, 5.0))
def test_the_order_of_rows_does_not_matter(rows: list[Row], chance, per_day: float) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    shuffled = [*rows]
    chance.shuffle(shuffled)
    assert thresholds(scored(*rows), 70, per_day) == thresholds(scored(*shuffled), 70, per_day)


@given(ROWS, st.floats(0.05, 5.0))
def test_an_increasing_function_of_the_risks_changes_no_alarm(
    rows: list[Row], per_day: float
) -> None:
    one_a_day = list({row[:2]: row for row in rows}.values())
    risks = scored(*one_a_day)
    # Exact, so that no two risks become equal.
    doubled = risks._replace(risk=2 * risks.risk + 0.0)
    assert given_alarms(risks, per_day) == given_alarms(doubled, per_day)


@given(ROWS, st.floats(0.5, 3.0))
def test_no_day_has_more_alarms_than_its_capacity_and_none_stands_longer_than_it_may(
    rows: list[Row], per_day: float
) -> None:
    found = given_alarms(scored(*rows), per_day)
    for day in {since for _, since, _ in found}:
        assert sum(since == day for _, since, _ in found) <= max(int(per_day + 0.5), 1)
    assert all(0 < until - since <= STANDS_DAYS for _, since, until in found)


def test_the_riskiest_come_first_and_the_others_wait_for_their_next_row() -> None:
    quiet = [row for other in range(10, 40) for row in weeks(other, *[0.1] * 3)]
    rows = scored(*weeks(ADA, 0.5, 0.8, 0.8), *weeks(BOB, 0.5, 0.9, 0.9), *quiet)
    assert given_alarms(rows)[:2] == [(BOB, 7, 35), (ADA, 14, 42)]


def test_nobody_is_alarmed_before_there_are_thresholds() -> None:
    assert given_alarms(scored(*weeks(ADA, 0.9))) == []
    assert given_alarms(scored(*weeks(ADA, 0.9, 0.9))) == [(ADA, 7, 35)]
    assert given_alarms(scored()) == []


def test_an_alarm_ends_below_leave_and_not_in_the_slack() -> None:
    others = [row for other in range(10, 20) for row in weeks(other, *[0.1] * 5)]
    rows = scored(*weeks(ADA, 0.9, 0.9, 0.5, 0.05), *others)
    (first, *_) = given_alarms(rows, per_day=0.05)
    assert first == (ADA, 7, 21)


def judged(end: float, *stays: tuple[int, int]) -> float | None:
    """Lead of one customer who ends, with alarms in these days."""
    rows = scored(*[(ADA, since, 0.9) for since, _ in stays])
    given_ones = Alarms(
        np.arange(len(stays)),
        np.array([since for since, _ in stays], np.int64),
        np.array([until for _, until in stays], np.int64),
    )
    label = np.ones(len(stays), np.int64)
    return warned(rows, label, given_ones, np.array([ADA]), np.array([end]), 100).lead_days


@pytest.mark.parametrize(
    ("end", "lead"),
    [
        (40.0, 20.0),  # given in the window
        (47.9, 27.9),
        (60.0, 28.0),  # given before it, and still standing
        (23.0, 3.0),
        (22.9, None),  # too late to act
        (76.0, None),  # over when the window begins
    ],
)
def test_a_warning_counts_from_four_weeks_to_three_days_before(
    end: float, lead: float | None
) -> None:
    found = judged(end, (20, 48))
    assert found == (None if lead is None else pytest.approx(lead))


def test_the_lead_is_counted_from_the_first_alarm_of_the_window() -> None:
    assert judged(40.0, (15, 20), (30, 48)) == 25.0


def test_precision_is_the_share_of_alarms_that_came_true() -> None:
    rows = scored(*weeks(ADA, 0.9, 0.9), *weeks(BOB, 0.8, 0.8))
    label = np.array([0, 1, 0, 0])
    given_ones = Alarms(np.array([1, 3]), np.array([7, 7]), np.array([35, 35]))
    found = warned(rows, label, given_ones, np.array([ADA, CID]), np.full(2, 20.0), 10)
    assert found.precision == 0.5
    assert (found.leavers, found.warned, found.lead_days) == (2, 0.5, 13.0)
    assert (found.alarms, found.alarms_per_day) == (2, 0.2)


def test_an_alarm_whose_outcome_is_not_known_does_not_count_for_the_precision() -> None:
    rows = scored(*weeks(ADA, 0.9), *weeks(BOB, 0.8), *weeks(CID, 0.7))
    given_ones = Alarms(np.arange(3), np.zeros(3, np.int64), np.full(3, 28))
    nobody = np.zeros(0, np.int64)
    found = warned(rows, np.array([1, -1, 0]), given_ones, nobody, np.zeros(0), 10)
    assert (found.alarms, found.precision) == (3, 0.5)
    unknown = warned(rows, np.full(3, -1), given_ones, nobody, np.zeros(0), 10)
    assert unknown.precision is None


def test_leavers_are_judged_if_they_were_scored_in_time_and_left_in_the_period() -> None:
    rows = scored((ADA, 10, 0.5), (BOB, 10, 0.5))
    who, end = np.array([ADA, ADA, ADA, CID, BOB]), np.array([38.0, 38.5, 9.5, 20.0, 60.0])
    assert could_be_warned(rows, who, end, 0, 50).tolist() == [True, False, False, False, False]


def test_without_alarms_or_leavers_there_is_no_share() -> None:
    nothing = Alarms(*(np.zeros(0, np.int64) for _ in range(3)))
    nobody = np.zeros(0, np.int64)
    found = warned(scored((ADA, 0, 0.1)), np.zeros(1, np.int64), nothing, nobody, np.zeros(0), 10)
    assert (found.warned, found.precision, found.lead_days, found.alarms_per_day) == (
        None,
        None,
        None,
        0.0,
    )
