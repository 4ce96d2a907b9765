"""How far an event's own time may stand from ours (docs/delivery.md)."""

from touchstream.schemas.units import DAY_MS, MINUTE_MS, Millis

FUTURE_TOLERANCE_MS = 5 * MINUTE_MS
"""Clocks of producers run ahead by seconds, at times by minutes; more is a mistaken clock."""


def clamp(time_ms: Millis, received_ms: Millis) -> tuple[Millis, bool]:
    """Time to fold an event at, and whether the producer's own lay too far ahead of its arrival.

    One event dated 2099 would otherwise look recent for the rest of the customer's life.

    >>> clamp(Millis(1_300_001), received_ms=Millis(1_000_000))
    (1300000, True)
    """
    latest = Millis(received_ms + FUTURE_TOLERANCE_MS)
    return (latest, True) if time_ms > latest else (time_ms, False)


def too_late(time_ms: Millis, watermark_ms: Millis | None, allowed_lateness_days: int) -> bool:
    """Whether an event is older than its partition's last tick by more than is allowed.

    Before the first tick (``clock_ms`` None) there is nothing to be late for.

    >>> too_late(Millis(0), watermark_ms=Millis(86_400_000), allowed_lateness_days=1)
    False
    """
    return watermark_ms is not None and watermark_ms - time_ms > allowed_lateness_days * DAY_MS
