import pytest

from schemas.units import Millis
from streams.profiles.decay import Counter, add, at, first, month_at, quarter_at
from tests.make import moment


def test_an_event_weighs_half_after_a_half_life() -> None:
    counter = first(moment("d0"))
    assert at(counter, moment("d7"))[0] == 0.5
    assert at(counter, moment("d28"))[1] == 0.5
    assert at(counter, moment("d91"))[2] == 0.5


def test_a_second_event_is_added_to_what_is_left_of_the_first() -> None:
    counter = add(first(moment("d0")), moment("d7"))
    assert counter == Counter(moment("d7"), 1.5, 2**-0.25 + 1, 2 ** (-7 / 91) + 1, 2)


def test_a_late_event_weighs_what_it_would_weigh_by_now() -> None:
    counter = add(first(moment("d7")), moment("d0"))
    assert (counter.at_ms, counter.week, counter.count) == (moment("d7"), 1.5, 2)


def test_an_amount_is_decayed_like_a_count() -> None:
    assert at(first(moment("d0"), 80.0), moment("d14"))[0] == 20.0


def test_a_moment_before_the_last_event_sees_what_that_event_left() -> None:
    assert at(first(moment("d7")), moment("d0")) == (1.0, 1.0, 1.0)


def test_thousands_of_years_leave_nothing_and_break_nothing() -> None:
    assert at(first(Millis(-(10**14))), Millis(10**14)) == (0.0, 0.0, 0.0)


def test_one_value_alone_costs_no_precision() -> None:
    counter = first(moment("d0"), 3.0)
    assert month_at(counter, moment("d5")) == pytest.approx(3 * 2 ** (-5 / 28))
    assert quarter_at(counter, moment("d5")) == pytest.approx(3 * 2 ** (-5 / 91))
