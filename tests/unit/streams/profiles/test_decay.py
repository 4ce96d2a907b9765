import pytest

from tests.make import moment
from touchstream.schemas.units import Millis
from touchstream.streams.profiles.decay import (
    Counter,
    Lately,
    add,
    add_lately,
    at,
    lately_at,
    remaining,
)


def test_a_first_event_weighs_one() -> None:
    assert add(None, moment("d0")) == Counter(moment("d0"), 1.0, 1.0, 1.0, 1.0, 1)


def test_an_event_weighs_half_after_a_half_life() -> None:
    counter = add(None, moment("d0"))
    assert at(counter, moment("d7"))[0] == 0.5
    assert at(counter, moment("d28"))[1] == 0.5
    assert at(counter, moment("d91"))[2] == 0.5
    assert at(counter, moment("d364"))[3] == 0.5


def test_a_second_event_is_added_to_what_is_left_of_the_first() -> None:
    counter = add(add(None, moment("d0")), moment("d7"))
    assert counter == Counter(
        moment("d7"), 1.5, 2**-0.25 + 1, 2 ** (-7 / 91) + 1, 2 ** (-7 / 364) + 1, 2
    )


def test_a_late_event_weighs_what_it_would_weigh_by_now() -> None:
    counter = add(add(None, moment("d7")), moment("d0"))
    assert (counter.at_ms, counter.week, counter.count) == (moment("d7"), 1.5, 2)
    assert (counter.month, counter.year) == (1 + 2**-0.25, 1 + 2 ** (-7 / 364))


def test_a_moment_before_the_last_event_sees_what_that_event_left() -> None:
    assert at(add(None, moment("d7")), moment("d0")) == (1.0, 1.0, 1.0, 1.0)


def test_thousands_of_years_leave_nothing_and_break_nothing() -> None:
    assert at(add(None, Millis(-(10**14))), Millis(10**14)) == (0.0, 0.0, 0.0, 0.0)


def test_an_amount_is_decayed_like_a_count() -> None:
    assert lately_at(add_lately(None, moment("d0"), 80.0), moment("d56")) == 20.0


def test_an_amount_may_have_a_half_life_of_its_own() -> None:
    held = add_lately(add_lately(None, moment("d0"), 80.0, 91), moment("d91"), 8.0, 91)
    assert held == Lately(moment("d91"), 48.0, 2)
    assert lately_at(held, moment("d273"), 91) == 12.0


def test_a_second_amount_is_added_to_what_is_left_of_the_first() -> None:
    held = add_lately(add_lately(None, moment("d0"), 80.0), moment("d28"), 5.0)
    assert held == Lately(moment("d28"), 45.0, 2)


def test_a_late_amount_weighs_what_it_would_weigh_by_now() -> None:
    held = add_lately(add_lately(None, moment("d28"), 5.0), moment("d0"), 80.0)
    assert held == Lately(moment("d28"), 45.0, 2)


def test_a_moment_before_the_last_amount_sees_what_that_left() -> None:
    assert lately_at(add_lately(None, moment("d7"), 3.0), moment("d0")) == 3.0


@pytest.mark.parametrize(("age", "left"), [("d0", 1.0), ("d28", 0.5), ("d84", 0.125)])
def test_what_is_left_after_an_age(age: str, left: float) -> None:
    assert remaining(moment(age) - moment("d0")) == left
