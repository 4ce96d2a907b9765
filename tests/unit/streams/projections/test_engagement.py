"""Engagement: a drop below half of the customer's own level, told once."""

from datetime import date

import pytest

from tests.make import (
    arrival,
    daily,
    days,
    event,
    fired,
    folded,
    last_state,
    live,
    models,
    state_of,
)
from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.engagement import EngagementDropping
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.units import DAY_MS, CustomerId, Millis
from touchstream.streams.context import ServingContext
from touchstream.streams.customer import Step
from touchstream.streams.emit.identity import emission_id
from touchstream.streams.intake.decode import Arrival
from touchstream.streams.projections.engagement import (
    Engagement,
    EngagementState,
    Level,
    level_of,
)
from touchstream.streams.projections.projection import Context, TimerFired
from touchstream.streams.projections.registry import slots_of
from touchstream.streams.projections.relation import Relation
from touchstream.streams.state import State

SERVING = models("d0")
CHECKED_DAY = 4
"""Ada's snapshot days are day 4 and every seventh day after it."""


def visits(first: int, last: int, every: int = 2) -> list[Arrival]:
    """A visit at noon of every second day."""
    return [arrival("web.visit", f"d{day} 12:00") for day in range(first, last + 1, every)]


def lived(*happenings: Arrival | TimerFired) -> list[Step]:
    """In the order of time."""
    return live(sorted(happenings, key=_when), SERVING)


def _when(happening: Arrival | TimerFired) -> Millis:
    if isinstance(happening, TimerFired):
        return happening.time_ms
    return happening.event.time_ms


def known(state: State) -> EngagementState | None:
    found: EngagementState | None = slots_of(state).read("engagement")
    return found


def drops(steps: list[Step]) -> list[Emission]:
    return [e for step in steps for e in step.emissions if e.type == "engagement.dropping"]


def day_of(moment_ms: Millis) -> int:
    return moment_ms // DAY_MS


def context(serving: ServingContext = SERVING) -> Context:
    visit = event("web.visit", "d0")
    profile, rules, ada = folded(visit), serving.rules, CustomerId("ada")
    slots = slots_of(state_of(profile=profile))
    return Context(ada, profile, None, serving, rules, days(0), visit, slots, active=True)


def test_a_drop_is_emitted_when_it_has_lasted_a_week() -> None:
    steps = lived(*visits(0, 140), *daily(0, 193))
    cause = Cause(type="touchstream.tick", source="touchstream", id="194")
    assert drops(steps) == [
        Emission(
            type="engagement.dropping",
            topic="customer-signals",
            id=emission_id("ada", cause, "engagement.dropping"),
            subject=CustomerId("ada"),
            time_ms=days(193),
            data=EngagementDropping(
                index=0.3907,
                recent_per_week=0.9571,
                usual_per_week=2.4497,
                below_since=date(1997, 7, 6),
                rules=SERVING.rules_digest,
                cause=cause,
            ),
        )
    ]


def test_a_drop_is_not_emitted_at_the_check_that_finds_it() -> None:
    steps = lived(*visits(0, 140), *daily(0, 192))
    assert drops(steps) == []
    assert known(last_state(steps)) == EngagementState(day_of(days(193)), day_of(days(186)))


def test_a_drop_is_emitted_once_however_long_it_lasts() -> None:
    steps = lived(*visits(0, 140), *daily(0, 400))
    assert len(drops(steps)) == 1
    assert known(last_state(steps)) == EngagementState(None, day_of(days(186)))


def test_a_sign_of_life_that_lifts_the_index_in_the_week_ends_the_drop() -> None:
    back = [arrival("web.visit", f"d190 {hour}:00") for hour in range(10, 16)]
    steps = lived(*visits(0, 140), *back, *daily(0, 200))
    assert drops(steps) == []
    assert known(last_state(steps)) == EngagementState(day_of(days(207)))


def test_one_sign_of_life_is_not_enough_to_end_a_drop() -> None:
    steps = lived(*visits(0, 140), arrival("web.visit", "d190 12:00"), *daily(0, 193))
    assert [emission.time_ms for emission in drops(steps)] == [days(193)]


def test_a_drop_after_a_recovery_is_emitted_again() -> None:
    steps = lived(*visits(0, 140), *visits(200, 240, every=1), *daily(0, 320))
    assert [emission.time_ms for emission in drops(steps)] == [days(193), days(305)]


def test_events_that_are_no_sign_of_life_end_no_drop() -> None:
    mails = [arrival("email.delivered", f"d{day} 12:00") for day in range(160, 193)]
    steps = lived(*visits(0, 140), *mails, *daily(0, 193))
    assert len(drops(steps)) == 1


def test_a_late_tick_does_not_shorten_the_week() -> None:
    late = fired(Millis(days(190) + 5_000))
    steps = lived(*visits(0, 140), *daily(0, 179), late, *daily(193, 193))
    assert drops(steps) == []
    assert known(last_state(steps)) == EngagementState(day_of(days(200)), day_of(days(190)))


@pytest.mark.parametrize("seconds", [0, 59])
def test_ticks_that_come_a_little_after_midnight_do_not_lengthen_it(seconds: int) -> None:
    late = fired(Millis(days(186) + 59_000)), fired(Millis(days(193) + seconds * 1_000))
    steps = lived(*visits(0, 140), *daily(0, 179), *late)
    assert len(drops(steps)) == 1


def test_a_customer_who_is_rarely_seen_anyway_drops_by_chance_and_is_not_told() -> None:
    steps = lived(*visits(0, 140, every=7), *daily(0, 300))
    assert drops(steps) == []


def test_a_customer_who_is_known_for_less_than_eight_weeks_has_no_level_of_their_own() -> None:
    burst = [arrival("web.visit", f"d0 {hour}:00") for hour in range(24)]
    assert drops(lived(*burst, *daily(0, 55))) == []


def test_half_the_expected_signs_are_two_standard_deviations_away() -> None:
    assert Level(0.0, 1.386, 56.0).evident is False
    assert Level(0.0, 1.387, 56.0).evident is True
    assert Level(0.0, 1.387, 55.9).evident is False


@pytest.mark.parametrize(("recent", "usual", "index"), [(1.0, 2.0, 0.5), (3.0, 2.0, 1.0)])
def test_the_index_is_the_share_of_the_usual_rate_that_is_left(
    recent: float, usual: float, index: float
) -> None:
    assert Level(recent, usual, 100.0).index == index


def test_steady_visits_of_a_young_customer_make_the_same_rate_in_month_and_year() -> None:
    profile = folded(*[event("web.visit", f"d{day} 12:00") for day in range(60)])
    level = level_of(profile, days(60))
    assert level is not None
    assert (level.recent_per_week, level.usual_per_week) == pytest.approx((7.0, 7.0), rel=0.02)


def test_nothing_is_known_before_the_first_sign_of_life() -> None:
    steps = lived(arrival("payment.failed", "d1"), arrival("email.delivered", "d2"))
    assert known(last_state(steps)) is None
    assert level_of(folded(event("payment.failed", "d1")), days(2)) is None


def test_most_signs_of_life_change_nothing() -> None:
    waiting = EngagementState(day_of(days(CHECKED_DAY)))
    assert Engagement().on_event(waiting, event("web.visit", "d0"), context()) is None


def test_the_checks_fall_on_the_snapshot_day_of_churn() -> None:
    state = last_state(lived(*visits(0, 1), *daily(0, 1)))
    timers = {slot.number: slot.next_timer_ms for slot in state.slots}
    assert timers[Relation.slot] == timers[Engagement.slot] == days(CHECKED_DAY)


DAY = day_of(days(0))


@pytest.mark.parametrize(
    ("a", "b", "joint"),
    [
        (EngagementState(DAY), EngagementState(DAY + 1), EngagementState(DAY)),
        (EngagementState(DAY), EngagementState(None, DAY - 9), EngagementState(DAY)),
        (EngagementState(DAY, DAY - 7), EngagementState(DAY + 1), EngagementState(DAY)),
        (
            EngagementState(DAY, DAY - 7),
            EngagementState(DAY + 1, DAY - 6),
            EngagementState(DAY, DAY - 6),
        ),
        (
            EngagementState(DAY, DAY - 7),
            EngagementState(None, DAY - 9),
            EngagementState(None, DAY - 7),
        ),
    ],
)
def test_two_ids_of_one_person_have_dropped_if_both_have(
    a: EngagementState, b: EngagementState, joint: EngagementState
) -> None:
    assert Engagement().merge(a, b, context()) == joint
    assert Engagement().merge(b, a, context()) == joint


def test_described_are_the_rates_behind_the_index() -> None:
    profile = folded(*[event("web.visit", f"d{day} 12:00") for day in range(0, 141, 2)])
    shown = Engagement().describe(EngagementState(DAY, days(186) // DAY_MS), profile, days(186))
    assert shown == {
        "index": 0.4453,
        "recent_per_week": 1.14,
        "usual_per_week": 2.5601,
        "below_since_ms": days(186),
        "emitted": False,
    }


def test_no_index_is_shown_while_there_is_too_little_to_judge_by() -> None:
    shown = Engagement().describe(EngagementState(DAY), folded(event("web.visit", "d0")), days(1))
    assert shown["index"] is None
