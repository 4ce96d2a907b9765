"""Counters that forget: exponential decay at several half-lives, exact for events out of order."""

from math import exp2

from msgspec import Struct

from schemas.units import DAY_MS, Millis

HALF_LIVES_DAYS = (7, 28, 91)  # a week's, a month's and a quarter's memory
_WEEK, _MONTH, _QUARTER = (days * DAY_MS for days in HALF_LIVES_DAYS)


class Counter(Struct, frozen=True, array_like=True, gc=False):
    """How often, and how often lately: each event weighs 2^-(age / half-life) at ``at_ms``.

    ``at_ms`` is the latest event's time, so it is also "last seen".
    """

    at_ms: Millis
    week: float
    month: float
    quarter: float
    count: int


def first(at_ms: Millis, amount: float = 1.0) -> Counter:
    """A counter of one event."""
    return Counter(at_ms, amount, amount, amount, 1)


def add(counter: Counter | None, at_ms: Millis, amount: float = 1.0) -> Counter:
    """Count one more event of weight ``amount``, early or late.

    >>> day = DAY_MS
    >>> add(first(Millis(0)), Millis(7 * day)).week
    1.5
    >>> add(first(Millis(7 * day)), Millis(0)).week
    1.5
    """
    if counter is None:
        return first(at_ms, amount)
    apart = at_ms - counter.at_ms
    week, month, quarter = _weights(abs(apart))
    if apart >= 0:
        return Counter(
            at_ms,
            counter.week * week + amount,
            counter.month * month + amount,
            counter.quarter * quarter + amount,
            counter.count + 1,
        )
    return Counter(
        counter.at_ms,
        counter.week + amount * week,
        counter.month + amount * month,
        counter.quarter + amount * quarter,
        counter.count + 1,
    )


def at(counter: Counter, now_ms: Millis) -> tuple[float, float, float]:
    """The week's, month's and quarter's value at ``now_ms``, or when last seen if that is later."""
    week, month, quarter = _weights(max(0, now_ms - counter.at_ms))
    return counter.week * week, counter.month * month, counter.quarter * quarter


def month_at(counter: Counter, now_ms: Millis) -> float:
    """The month's value alone at ``now_ms``; a third of the cost of :func:`at`."""
    return counter.month * exp2(-max(0, now_ms - counter.at_ms) / _MONTH)


def quarter_at(counter: Counter, now_ms: Millis) -> float:
    """The quarter's value alone at ``now_ms``."""
    return counter.quarter * exp2(-max(0, now_ms - counter.at_ms) / _QUARTER)


def _weights(age_ms: int) -> tuple[float, float, float]:
    return exp2(-age_ms / _WEEK), exp2(-age_ms / _MONTH), exp2(-age_ms / _QUARTER)
