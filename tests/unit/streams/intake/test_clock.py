from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.intake.clock import clamp, too_late

RECEIVED_MS = Millis(1_000_000)
FIVE_MINUTES_MS = 300_000
TICK_MS = Millis(100 * DAY_MS)


def test_an_event_of_2099_is_put_five_minutes_after_it_was_received_and_flagged() -> None:
    in_2099_ms = Millis(4_070_908_800_000)
    assert clamp(in_2099_ms, RECEIVED_MS) == (RECEIVED_MS + FIVE_MINUTES_MS, True)


def test_an_event_exactly_five_minutes_ahead_keeps_its_time() -> None:
    ahead_ms = Millis(RECEIVED_MS + FIVE_MINUTES_MS)
    assert clamp(ahead_ms, RECEIVED_MS) == (ahead_ms, False)


def test_an_event_of_long_ago_keeps_its_time() -> None:
    assert clamp(Millis(-5), RECEIVED_MS) == (-5, False)


def test_an_event_exactly_as_late_as_allowed_is_not_too_late() -> None:
    assert not too_late(Millis(93 * DAY_MS), TICK_MS, allowed_lateness_days=7)


def test_an_event_a_millisecond_later_than_allowed_is_too_late() -> None:
    assert too_late(Millis(93 * DAY_MS - 1), TICK_MS, allowed_lateness_days=7)


def test_nothing_is_too_late_before_the_first_tick() -> None:
    assert not too_late(Millis(0), None, allowed_lateness_days=0)


def test_with_no_lateness_allowed_an_event_at_the_tick_itself_still_counts() -> None:
    assert not too_late(TICK_MS, TICK_MS, allowed_lateness_days=0)
