"""Rare events of the last 28 days, one byte each."""

from hypothesis import given
from hypothesis import strategies as st

from tests.make import days
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.profiles.recent import (
    MOST_OF_A_KIND,
    Rare,
    Recent,
    count_of,
    is_over,
    noted,
)

KINDS = st.sampled_from(["ticket_opened", "ticket_reopened", "call", "payment_failed", "leaving"])
EVENTS = st.lists(st.tuples(KINDS, st.integers(-40, 60)), min_size=1, max_size=60)


def kept(events: list[tuple[Rare, int]]) -> Recent:
    held: Recent | None = None
    for kind, day in events:
        held = noted(held, kind, Millis(day * DAY_MS + 1))
    assert held is not None
    return held


@given(EVENTS, st.data())
def test_the_order_of_arrival_does_not_show(
    events: list[tuple[Rare, int]], data: st.DataObject
) -> None:
    assert kept(data.draw(st.permutations(events))) == kept(events)


@given(EVENTS, KINDS, st.integers(0, 40))
def test_the_count_is_that_of_today_and_the_27_days_before(
    events: list[tuple[Rare, int]], kind: Rare, later_days: int
) -> None:
    today = max(day for _, day in events) + later_days
    counted = sum(one == kind and today - 28 < day <= today for one, day in events)
    found = count_of(kept(events), kind, Millis(today * DAY_MS))
    assert found == min(counted, MOST_OF_A_KIND)


def test_a_customer_without_such_events_has_none() -> None:
    assert count_of(None, "call", days(1)) == 0


def test_an_event_takes_one_byte() -> None:
    assert len(kept([("call", 1), ("call", 3), ("leaving", 3)]).events) == 3


def test_it_is_over_when_no_accepted_event_can_bring_it_back() -> None:
    held = noted(None, "call", days(1, hours=12))
    assert not is_over(held, days(28, hours=23))
    assert is_over(held, days(29))
    assert not is_over(None, days(29))
