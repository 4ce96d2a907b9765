from math import log

import pytest

from tests.make import event, folded
from touchstream.schemas.units import DAY_MS, HOUR_MS
from touchstream.streams.profiles.rhythm import Rhythm, after_gap


def gaps(*days: float) -> Rhythm | None:
    rhythm = None
    for length in days:
        rhythm = after_gap(rhythm, int(length * DAY_MS))
    return rhythm


def visits(*at: str) -> Rhythm | None:
    return folded(*(event("web.visit", when) for when in at)).rhythm


def test_a_first_gap_is_the_mean_and_has_no_spread() -> None:
    assert gaps(4) == Rhythm(1, log(4), 0.0, log(4))


def test_mean_and_spread_are_those_of_the_logarithms() -> None:
    rhythm = gaps(1, 4, 16)
    assert rhythm is not None
    assert (rhythm.count, rhythm.last) == (3, log(16))
    assert rhythm.mean == pytest.approx(log(4))
    assert rhythm.squares == pytest.approx(2 * log(4) ** 2)


@pytest.mark.parametrize(("length_ms", "count"), [(6 * HOUR_MS - 1, None), (6 * HOUR_MS, 1)])
def test_within_six_hours_it_is_one_visit(length_ms: int, count: int | None) -> None:
    rhythm = after_gap(None, length_ms)
    assert (rhythm and rhythm.count) == count


def test_a_burst_of_clicks_leaves_the_rhythm_as_it_was() -> None:
    assert gaps(3, 0.001, 0.001) == gaps(3)


def test_before_the_second_visit_there_is_no_rhythm() -> None:
    assert visits("d0") is None


def test_a_gap_is_the_time_since_the_newest_sign_of_life() -> None:
    assert visits("d0", "d2") == gaps(2)


def test_what_others_do_is_no_part_of_the_rhythm() -> None:
    profile = folded(
        event("web.visit", "d0"), event("email.delivered", "d1"), event("web.visit", "d2")
    )
    assert profile.rhythm == gaps(2)


def test_a_late_event_leaves_the_rhythm_as_it_was() -> None:
    assert visits("d0", "d4", "d2") == visits("d0", "d4") == gaps(4)


def test_an_event_of_the_moment_of_the_newest_leaves_the_rhythm_as_it_was() -> None:
    profile = folded(
        event("web.visit", "d0"), event("web.visit", "d4"), event("order.placed", "d4")
    )
    assert profile.rhythm == gaps(4)


def test_after_a_late_event_the_next_gap_counts_from_the_newest() -> None:
    assert visits("d0", "d4", "d2", "d5") == gaps(4, 1)
