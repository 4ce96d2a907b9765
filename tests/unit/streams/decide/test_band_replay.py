"""The bands of a capacity over rows that were scored already, in literal days and risks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from touchstream.schemas.rules import BandRules
from touchstream.streams.decide.band_replay import FOR_EVER, Followed, follow, steps
from touchstream.streams.decide.capacity import Scored
from touchstream.streams.learn.band_capacity import bin_of

ADA, BOB = 7, 3
WEEK = 7
TYPED = BandRules(medium_enter=0.3, medium_leave=0.25, high_enter=0.5, high_leave=0.4)
Row = tuple[int, int, float]


def scored(*rows: Row) -> Scored:
    return Scored(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.float64),
    )


def followed(*rows: Row, bands: BandRules = TYPED) -> Followed:
    return follow(steps(scored(*rows), WEEK), bands, WEEK, lambda _: 0.05)


def alarms(*rows: Row) -> list[tuple[int, int, int]]:
    """Customer, first day and end of each alarm at the typed thresholds."""
    found = followed(*rows).alarms
    who = [rows[place][0] for place in found.row.tolist()]
    return list(zip(who, found.from_day.tolist(), found.until_day.tolist(), strict=True))


def test_an_alarm_stands_until_the_risk_is_below_where_high_is_left() -> None:
    assert alarms((ADA, 0, 0.6), (ADA, 7, 0.45), (ADA, 14, 0.39), (ADA, 21, 0.5)) == [
        (ADA, 0, 14),
        (ADA, 21, FOR_EVER),
    ]


def test_whoever_was_away_in_between_is_an_alarm_again() -> None:
    assert alarms((ADA, 0, 0.6), (ADA, 28, 0.6)) == [(ADA, 0, 28), (ADA, 28, FOR_EVER)]


def test_a_snapshot_a_day_late_is_no_absence() -> None:
    assert alarms((ADA, 0, 0.6), (ADA, 8, 0.6)) == [(ADA, 0, FOR_EVER)]


def test_a_row_rises_from_the_customers_own_row_before() -> None:
    taken = steps(scored((ADA, 7, 0.5), (BOB, 1, 0.2), (ADA, 0, 0.3)), WEEK)
    assert taken.row.tolist() == [2, 1, 0]
    assert taken.first_bin.tolist() == [0, 0, bin_of(0.3) + 1]
    assert taken.after_bin.tolist() == [bin_of(risk) + 1 for risk in (0.3, 0.2, 0.5)]


def test_the_first_round_of_rows_from_the_middle_of_a_log_is_no_rise() -> None:
    rows = scored((ADA, 100, 0.3), (ADA, 107, 0.5), (BOB, 107, 0.5))
    taken = steps(rows, WEEK, begins_in_the_middle=True)
    assert (taken.after_bin > taken.first_bin).tolist() == [False, True, True]


def test_no_row_gives_no_thresholds_and_no_alarm() -> None:
    found = followed(bands=BandRules())
    assert found.thresholds is None
    assert len(found.alarms.row) == 0


def test_alarms_keep_to_the_capacity_and_twice_of_it_gives_more() -> None:
    rng = np.random.default_rng(1)
    customer, week = np.tile(np.arange(1_400), 30), np.repeat(np.arange(30), 1_400)
    rows = Scored(customer, week * WEEK + customer % WEEK, rng.beta(1, 12, 42_000))
    taken = steps(rows, WEEK)
    per_day = []
    for capacity in (4.0, 8.0):
        found = follow(taken, BandRules(high_per_day=capacity), WEEK, lambda _: 0.05)
        late = found.alarms.from_day >= 105
        per_day.append(int(late.sum()) / 105)
    assert 2.0 <= per_day[0] <= 4.4
    assert 4.0 <= per_day[1] <= 8.8
    assert per_day[1] > 1.5 * per_day[0]


def test_high_is_at_least_twice_the_odds_of_the_average_however_large_the_capacity() -> None:
    found = followed(*((one, one % 7, 0.06) for one in range(70)), bands=BandRules(high_per_day=99))
    assert found.thresholds is not None
    # Odds of .05 are 1 : 19, twice of them 2 : 19, a risk of .095.
    assert 0.09 < found.thresholds.high_enter < 0.1
    assert len(found.alarms.row) == 0


ROWS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 40), st.sampled_from([0.1, 0.3, 0.45, 0.6])),
    unique_by=lambda row: row[:2],
    max_size=40,
)


@given(ROWS)
def test_the_order_of_the_rows_does_not_matter(rows: list[Row]) -> None:
    other = sorted(rows, key=lambda row: (row[2], -row[0], row[1]))
    assert sorted(alarms(*rows)) == sorted(alarms(*other))
    bands = BandRules(high_per_day=1.0)
    one, two = followed(*rows, bands=bands), followed(*other, bands=bands)
    assert one.thresholds == two.thresholds


@given(ROWS)
def test_an_alarm_is_followed_by_its_end(rows: list[Row]) -> None:
    assert all(since < until for _, since, until in alarms(*rows))
