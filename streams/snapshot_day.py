"""Snapshot days: each customer has their own, so that the cost is spread evenly."""

import hashlib
from functools import lru_cache

from touchstream.schemas.units import DAY_MS, Millis


def next_snapshot_day_ms(subject: str, after_ms: Millis, every_days: int) -> Millis:
    """Midnight UTC of the customer's next snapshot day, strictly after ``after_ms``.

    Snapshot days are the days since 1970 that equal hash(id) modulo ``every_days``.
    """
    today = after_ms // DAY_MS
    ahead = (_snapshot_day(subject) - today) % every_days
    # Never today, or a customer could get two snapshots on one day.
    return Millis((today + (ahead or every_days)) * DAY_MS)


@lru_cache(maxsize=65_536)
def _snapshot_day(subject: str) -> int:
    return int.from_bytes(hashlib.blake2b(subject.encode(), digest_size=4).digest(), "little")
