"""No sentence says what the customer's events contradict, counted again from the events alone."""

from collections.abc import Sequence
from math import log1p

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.make import DAY_ZERO_MS, arrive, daily, days, folded, last_state, live, models
from tests.recount import check, check_after_ticks
from tests.strategies import HISTORIES
from touchstream.schemas.emissions.risk import Direction, Reason
from touchstream.schemas.envelope import Event
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.emit.risk import reasons
from touchstream.streams.emit.sentences import Teller
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.features.view import View
from touchstream.streams.intake.decode import Arrival
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.projection import TimerFired

PACES = st.sampled_from([1, 6, 25])
"""Three weeks of events become three weeks, four months, or more than a year."""

MEANS = st.sampled_from([float("nan"), 0.0, 0.3, log1p(2), log1p(40)])
LATER_HOURS = st.integers(0, 60 * 24) | st.just(0)


def paced(life: Sequence[Event], pace: int) -> list[Event]:
    """The same events, ``pace`` times as far apart."""
    return [
        msgspec.structs.replace(
            one, time_ms=Millis(DAY_ZERO_MS + (one.time_ms - DAY_ZERO_MS) * pace)
        )
        for one in life
    ]


def every_reason(profile: Profile, at_ms: Millis, mean: float) -> list[Reason]:
    """Whatever could be told, if each feature in turn pulled with all its weight."""
    found: list[Reason] = []
    view = View(profile, at_ms)
    directions: tuple[Direction, ...] = ("raises", "lowers")
    for place in range(len(FEATURES.names)):
        for direction in directions:
            added = [0.0] * len(FEATURES.names)
            added[place] = 1.0 if direction == "raises" else -1.0
            sums = FEATURES.groups.sums(added)
            found += reasons(FEATURES, added, sums, None, Teller(view, lambda _: mean), direction)
    return found


@given(st.data(), HISTORIES, PACES, LATER_HOURS, MEANS)
def test_no_sentence_contradicts_the_events_in_whatever_order_they_came(
    data: st.DataObject, life: list[Event], pace: int, later_hours: int, mean: float
) -> None:
    events = data.draw(st.permutations(paced(life, pace)))
    newest_ms = max(one.time_ms for one in events)
    at_ms = Millis(newest_ms + later_hours * DAY_MS // 24)
    for reason in every_reason(folded(*events), at_ms, mean):
        check(reason, events, at_ms)


@given(HISTORIES, PACES, st.integers(0, 60), MEANS)
def test_no_sentence_contradicts_the_events_after_what_the_ticks_forgot(
    life: list[Event], pace: int, later_days: int, mean: float
) -> None:
    events = sorted(paced(life, pace), key=lambda one: one.time_ms)
    last_day = (events[-1].time_ms - DAY_ZERO_MS) // DAY_MS + later_days
    ticks = daily(0, last_day)
    happenings: list[Arrival | TimerFired] = [*ticks, *map(arrive, events)]
    happenings.sort(key=_when)
    profile = last_state(live(happenings, models("d0"))).profile
    assert profile is not None
    at_ms = max(events[-1].time_ms, days(last_day))
    for reason in every_reason(profile, at_ms, mean):
        check_after_ticks(reason, events, at_ms)


def _when(one: Arrival | TimerFired) -> Millis:
    return one.time_ms if isinstance(one, TimerFired) else one.event.time_ms
