"""When a message is sent again, and when a destination is switched off."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstream.agents.channels.attempts import DELAYS_MS, next_attempt_ms
from touchstream.agents.channels.endpoint_health import EndpointHealth
from touchstream.agents.channels.message import Delivery
from touchstream.schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, Millis

FAILED = Delivery("retry", 500)
NOW_MS = Millis(1_790_000_000_000)
SECONDS_S = st.none() | st.floats(0.0, 1e9)


def wait_ms(made: int, delivery: Delivery | None = FAILED, message: str = "msg_1") -> int | None:
    at_ms = next_attempt_ms(message, made, delivery, NOW_MS)
    return None if at_ms is None else at_ms - NOW_MS


def test_the_first_attempt_is_made_at_once() -> None:
    assert wait_ms(0, None) == 0


def test_the_attempts_are_those_of_standard_webhooks() -> None:
    assert DELAYS_MS == (
        0,
        5_000,
        5 * MINUTE_MS,
        30 * MINUTE_MS,
        2 * HOUR_MS,
        5 * HOUR_MS,
        10 * HOUR_MS,
        14 * HOUR_MS,
        20 * HOUR_MS,
        24 * HOUR_MS,
    )


def test_after_the_tenth_there_is_none() -> None:
    assert wait_ms(9) is not None
    assert wait_ms(10) is None


@given(st.text(max_size=30), st.integers(1, 9))
def test_an_attempt_is_never_early_and_at_most_a_tenth_late(message: str, made: int) -> None:
    found = wait_ms(made, message=message)
    assert found is not None
    assert DELAYS_MS[made] <= found <= DELAYS_MS[made] * 1.1


def test_messages_that_failed_together_come_back_apart() -> None:
    waits = {wait_ms(2, message=f"msg_{number}") for number in range(100)}
    assert len(waits) > 90


def test_the_same_message_comes_back_at_the_same_time() -> None:
    assert wait_ms(4) == wait_ms(4)
    assert wait_ms(4) != wait_ms(4, message="msg_2")


def test_a_receiver_that_asks_for_longer_gets_it() -> None:
    assert wait_ms(1, Delivery("retry", 429, retry_after_s=3_600.0)) == HOUR_MS


def test_a_receiver_that_asks_for_less_does_not_hurry_us() -> None:
    assert wait_ms(4, Delivery("retry", 429, retry_after_s=1.0)) == wait_ms(4)


def test_no_receiver_gets_more_than_a_day() -> None:
    assert wait_ms(1, Delivery("retry", 503, retry_after_s=1e9)) == DAY_MS


@given(st.integers(1, 20), SECONDS_S)
def test_whatever_is_asked_for_the_next_attempt_is_within_27_hours(
    made: int, asked_s: float | None
) -> None:
    found = wait_ms(made, Delivery("retry", 429, retry_after_s=asked_s))
    assert (found is None) == (made >= 10)
    assert found is None or DELAYS_MS[made] <= found <= 27 * HOUR_MS


@pytest.mark.parametrize("status", ["delivered", "gone", "refused"])
def test_only_a_failure_that_may_pass_is_repeated(status: str) -> None:
    assert wait_ms(1, Delivery(status)) is None  # type: ignore[arg-type]


def after(*failures_at_days: float, delivery: Delivery = FAILED) -> EndpointHealth:
    health = EndpointHealth()
    for day in failures_at_days:
        health = health.after(delivery, Millis(NOW_MS + int(day * DAY_MS)))
    return health


def test_410_switches_off_at_once() -> None:
    assert after(0, delivery=Delivery("gone", 410)) == EndpointHealth(1, NOW_MS, "gone", NOW_MS)


def test_five_days_of_failures_alone_switch_off() -> None:
    nine = (0, 1, 2, 3, 4, 4.2, 4.4, 4.6, 4.8)
    assert after(*nine, 4.99).disabled is None
    at_ms = Millis(NOW_MS + 5 * DAY_MS)
    assert after(*nine, 5) == EndpointHealth(10, NOW_MS, "failing", at_ms)


def test_few_failures_far_apart_do_not() -> None:
    assert after(0, 7, 14, 21, 28, 35, 42, 49, 56).disabled is None


def test_a_delivery_among_them_begins_anew() -> None:
    failing = after(0, 1, 2, 3, 4, 4.2, 4.4, 4.6, 4.8)
    healthy = failing.after(Delivery("delivered", 200), Millis(NOW_MS + 5 * DAY_MS))
    assert healthy == EndpointHealth()


def test_what_is_switched_off_stays_so_with_its_first_reason() -> None:
    health = after(0, delivery=Delivery("gone", 410))
    later = health.after(FAILED, Millis(NOW_MS + DAY_MS))
    assert (later.disabled, later.disabled_ms) == ("gone", NOW_MS)
