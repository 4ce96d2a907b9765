"""When a message that failed is sent again: the schedule of Standard Webhooks, with jitter."""

import hashlib

from touchstream.agents.channels.message import Delivery
from touchstream.schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, Millis

SECOND_MS = 1_000
DELAYS_MS = (
    *(0, 5 * SECOND_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS),
    *(5 * HOUR_MS, 10 * HOUR_MS, 14 * HOUR_MS, 20 * HOUR_MS, 24 * HOUR_MS),
)
"""Before each attempt, since the one before failed; three days and four hours in all."""
JITTER_SHARE = 0.1
"""Of a delay: messages that failed together do not come back together."""
LONGEST_RETRY_AFTER_MS = DAY_MS
"""A receiver may ask for patience, not for silence."""


def next_attempt_ms(
    message: str, made: int, delivery: Delivery | None, now_ms: Millis
) -> Millis | None:
    """Return when to attempt next; None: never.

    Parameters
    ----------
    message
        The message's id. Id and number of the attempt decide the jitter, so that a process that
        starts again finds the same time.
    made
        Attempts made, >= 0.
    delivery
        What came of the last one; None before the first.
    now_ms
        When that was.

    >>> next_attempt_ms("a", 0, None, Millis(7))
    7
    >>> next_attempt_ms("a", 1, Delivery("retry"), Millis(0))
    5084
    >>> next_attempt_ms("a", 1, Delivery("retry", retry_after_s=60), Millis(0))
    60000
    """
    if delivery is not None and delivery.status != "retry":
        return None
    if made >= len(DELAYS_MS):
        return None
    delay_ms = DELAYS_MS[made]
    wait_ms = delay_ms + int(delay_ms * JITTER_SHARE * _chance(message, made))
    if delivery is not None and delivery.retry_after_s is not None:
        asked_ms = min(delivery.retry_after_s * SECOND_MS, LONGEST_RETRY_AFTER_MS)
        wait_ms = max(wait_ms, int(asked_ms))
    return Millis(now_ms + wait_ms)


def _chance(message: str, made: int) -> float:
    """Return a number in [0, 1) that follows from the two."""
    digest = hashlib.sha256(f"{message}:{made}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
