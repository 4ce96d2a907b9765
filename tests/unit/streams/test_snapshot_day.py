import pytest

from tests.make import moment
from touchstream.schemas.units import Millis
from touchstream.streams.snapshot_day import next_snapshot_day_ms


@pytest.mark.parametrize(
    ("after", "day"),
    [("d0", "d4"), ("d3 23:59", "d4"), ("d4", "d11"), ("d4 0:01", "d11"), ("d17 12:00", "d18")],
)
def test_the_next_own_day_begins_at_midnight_strictly_after_now(after: str, day: str) -> None:
    assert next_snapshot_day_ms("ada", moment(after), 7) == moment(day)


def test_customers_are_spread_over_the_days() -> None:
    days = [next_snapshot_day_ms(f"c{number}", moment("d0"), 7) for number in range(700)]
    assert all(60 < days.count(moment(f"d{day}")) < 140 for day in range(1, 8))


def test_with_a_snapshot_every_day_every_day_is_a_snapshot_day() -> None:
    assert next_snapshot_day_ms("ada", moment("d3 5:00"), 1) == moment("d4")


def test_days_before_1970_are_days_too() -> None:
    assert next_snapshot_day_ms("ada", Millis(-1), 1) == 0
