import pytest

from tests.make import moment
from touchstream.schemas.rules import Band, BandRules, Thresholds
from touchstream.streams.decide.bands import Crossing, held_back, next_band, rises

THRESHOLDS = Thresholds(medium_enter=0.5, medium_leave=0.4, high_enter=0.7, high_leave=0.6)
RULES = BandRules(cooldown_days=1)


@pytest.mark.parametrize(
    ("before", "risk", "after"),
    [
        (None, 0.49, "low"),
        ("low", 0.49, "low"),
        ("low", 0.5, "medium"),
        ("low", 0.7, "high"),
        ("medium", 0.4, "medium"),
        ("medium", 0.39, "low"),
        ("medium", 0.69, "medium"),
        ("medium", 0.7, "high"),
        ("high", 0.6, "high"),
        ("high", 0.59, "medium"),
        ("high", 0.39, "low"),
    ],
)
def test_a_band_is_entered_higher_than_it_is_left(
    before: Band | None, risk: float, after: Band
) -> None:
    assert next_band(before, risk, THRESHOLDS) == after


def test_a_fresh_rise_is_not_turned_round_within_the_cooldown() -> None:
    rise = Crossing(moment("d1"), up=True)
    assert held_back("high", "low", rise, moment("d1 23:59"), RULES)
    assert not held_back("high", "low", rise, moment("d2"), RULES)


def test_a_further_rise_is_never_held_back() -> None:
    rise = Crossing(moment("d1"), up=True)
    assert not held_back("medium", "high", rise, moment("d1 0:01"), RULES)


def test_a_first_crossing_is_not_held_back() -> None:
    assert not held_back("low", "high", None, moment("d1"), RULES)


def test_no_band_yet_counts_as_low() -> None:
    assert rises(None, "medium")
    assert not rises(None, "low")
    assert not rises("high", "medium")
