"""Limits between an event's own time and its arrival (docs/delivery.md)."""

from touchstream.schemas.units import DAY_MS, MINUTE_MS, Millis

FUTURE_TOLERANCE_MS = 5 * MINUTE_MS
"""Producers' clocks run ahead by seconds, sometimes minutes; beyond that the clock is wrong."""


def clamp(time_ms: Millis, received_ms: Millis) -> tuple[Millis, bool]:
    """Clamp an event's time to its arrival plus tolerance; True if it was clamped.

    Otherwise one event dated 2099 would look recent for the rest of the customer's life.

    >>> clamp(Millis(1_300_001), received_ms=Millis(1_000_000))
    (1300000, True)
    """
    latest = Millis(received_ms + FUTURE_TOLERANCE_MS)
    return (latest, True) if time_ms > latest else (time_ms, False)


def too_late(time_ms: Millis, watermark_ms: Millis | None, allowed_lateness_days: int) -> bool:
    """Whether an event is older than the watermark by more than the allowed lateness.

    Before the first tick (``watermark_ms`` None) no event is late.

    >>> too_late(Millis(0), watermark_ms=Millis(86_400_000), allowed_lateness_days=1)
    False
    """
    return watermark_ms is not None and watermark_ms - time_ms > allowed_lateness_days * DAY_MS
