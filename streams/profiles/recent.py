"""Exact counts of rare service events in the last 28 days, a byte an event.

A decayed sum cannot be read as a count: two events of today and five of last month weigh the same.
Frequent families (web, e-mail, content) have only their decayed sums, because a byte an event would
be too much for them. Days are UTC days; today and the 27 days before it are the last 28 days.
"""

from typing import Literal

from msgspec import Struct

from touchstream.schemas.units import DAY_MS, Millis

WINDOW_DAYS = 28
MOST_OF_A_KIND = 15
"""Further ones are not counted: a person needs to know no more than "at least 15"."""

Rare = Literal["ticket_opened", "ticket_reopened", "call", "payment_failed", "leaving"]
_CODES: dict[Rare, int] = {
    "ticket_opened": 0,
    "ticket_reopened": 1,
    "call": 2,
    "payment_failed": 3,
    "leaving": 4,
}
_BITS = 3
_KIND = (1 << _BITS) - 1


class Recent(Struct, frozen=True, array_like=True, gc=False):
    """Rare events of the 28 days that end with the newest of them."""

    day: int
    """UTC day of the newest one, counted from 1970-01-01."""
    events: bytes
    """One byte an event, sorted: days before ``day`` (five bits), then its kind (three bits)."""


def noted(held: Recent | None, kind: Rare, at_ms: Millis) -> Recent:
    """Count one more event, in or out of order.

    >>> day = DAY_MS
    >>> both = noted(noted(None, "call", Millis(3 * day)), "call", Millis(day))
    >>> both == noted(noted(None, "call", Millis(day)), "call", Millis(3 * day))
    True
    >>> count_of(both, "call", Millis(3 * day)), count_of(both, "call", Millis(29 * day))
    (2, 1)
    """
    day, code = at_ms // DAY_MS, _CODES[kind]
    if held is None:
        return Recent(day, bytes([code]))
    newest = max(day, held.day)
    aged = newest - held.day
    events = [one + (aged << _BITS) for one in held.events if (one >> _BITS) + aged < WINDOW_DAYS]
    if newest - day < WINDOW_DAYS:
        events.append((newest - day) << _BITS | code)
    events.sort()
    same = [one for one in events if one & _KIND == code]
    if len(same) > MOST_OF_A_KIND:
        events.remove(same[-1])
    return Recent(newest, bytes(events))


def count_of(held: Recent | None, kind: Rare, now_ms: Millis) -> int:
    """Events of a kind in the last 28 days, up to :data:`MOST_OF_A_KIND`."""
    if held is None:
        return 0
    code, aged = _CODES[kind], now_ms // DAY_MS - held.day
    return sum(one & _KIND == code and (one >> _BITS) + aged < WINDOW_DAYS for one in held.events)


def is_over(held: Recent | None, before_ms: Millis) -> bool:
    """Whether no event of this record lies in the last 28 days of any moment from here on."""
    return held is not None and before_ms // DAY_MS - held.day >= WINDOW_DAYS
