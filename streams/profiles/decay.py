"""Counters with exponential decay at several half-lives, exact for events out of order."""

from math import exp2

from msgspec import Struct

from touchstream.schemas.units import DAY_MS, Millis

HALF_LIVES_DAYS = (7, 28, 91, 364)  # a week's, a month's, a quarter's and a year's memory
MONTH_DAYS, QUARTER_DAYS = HALF_LIVES_DAYS[1:3]
_WEEK, _MONTH, _QUARTER, _YEAR = (days * DAY_MS for days in HALF_LIVES_DAYS)


class Counter(Struct, frozen=True, array_like=True, gc=False):
    """A count and decayed counts: each event weighs 2^-(age / half-life) at ``at_ms``.

    ``at_ms`` is the latest event's time, so it is also "last seen".
    """

    at_ms: Millis
    week: float
    month: float
    quarter: float
    year: float
    count: int


class Lately(Struct, frozen=True, array_like=True, gc=False):
    """A counter with one half-life, to be small, because a profile has many of them."""

    at_ms: Millis
    amount: float
    count: int


def add(counter: Counter | None, at_ms: Millis) -> Counter:
    """Count one more event, in or out of order.

    >>> day = DAY_MS
    >>> add(add(None, Millis(0)), Millis(7 * day)).week
    1.5
    >>> add(add(None, Millis(7 * day)), Millis(0)).week
    1.5
    """
    if counter is None:
        return Counter(at_ms, 1.0, 1.0, 1.0, 1.0, 1)
    apart = at_ms - counter.at_ms
    week, month, quarter, year = _weights(abs(apart))
    count = counter.count + 1
    if apart >= 0:
        return Counter(
            at_ms,
            counter.week * week + 1.0,
            counter.month * month + 1.0,
            counter.quarter * quarter + 1.0,
            counter.year * year + 1.0,
            count,
        )
    return Counter(
        counter.at_ms,
        counter.week + week,
        counter.month + month,
        counter.quarter + quarter,
        counter.year + year,
        count,
    )


def at(counter: Counter, now_ms: Millis) -> tuple[float, float, float, float]:
    """The values of week, month, quarter and year at ``now_ms``, or at the last event if later."""
    age_ms = now_ms - counter.at_ms
    if age_ms <= 0:
        return counter.week, counter.month, counter.quarter, counter.year
    week, month, quarter, year = _weights(age_ms)
    return (
        counter.week * week,
        counter.month * month,
        counter.quarter * quarter,
        counter.year * year,
    )


def add_lately(
    held: Lately | None, at_ms: Millis, amount: float = 1.0, half_life_days: int = MONTH_DAYS
) -> Lately:
    """Add ``amount`` at ``at_ms``, in or out of order.

    >>> day = DAY_MS
    >>> add_lately(add_lately(None, Millis(0)), Millis(28 * day), 2.0)
    Lately(at_ms=2419200000, amount=2.5, count=2)
    """
    if held is None:
        return Lately(at_ms, amount, 1)
    apart = at_ms - held.at_ms
    left, count = exp2(-abs(apart) / (half_life_days * DAY_MS)), held.count + 1
    if apart >= 0:
        return Lately(at_ms, held.amount * left + amount, count)
    return Lately(held.at_ms, held.amount + amount * left, count)


def lately_at(held: Lately, now_ms: Millis, half_life_days: int = MONTH_DAYS) -> float:
    """The amount at ``now_ms``, or at the last addition if later."""
    age_ms = now_ms - held.at_ms
    if age_ms <= 0:
        return held.amount
    return held.amount * exp2(-age_ms / (half_life_days * DAY_MS))


def remaining(age_ms: int, half_life_days: int = MONTH_DAYS) -> float:
    """Decay factor after ``age_ms``."""
    return exp2(-age_ms / (half_life_days * DAY_MS))


def _weights(age_ms: int) -> tuple[float, float, float, float]:
    return (
        exp2(-age_ms / _WEEK),
        exp2(-age_ms / _MONTH),
        exp2(-age_ms / _QUARTER),
        exp2(-age_ms / _YEAR),
    )
