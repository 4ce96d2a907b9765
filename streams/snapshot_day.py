"""Every customer has a day of his own for snapshots, so that their cost is spread evenly."""

import hashlib
from functools import lru_cache

from touchstream.schemas.units import DAY_MS, Millis


def next_snapshot_day_ms(subject: str, after_ms: Millis, every_days: int) -> Millis:
    """Midnight UTC that begins his next own day, strictly after ``after_ms``.

    His days are those whose number since 1970 leaves the same rest by ``every_days`` as a hash of
    his id.
    """
    today = after_ms // DAY_MS
    ahead = (_snapshot_day(subject) - today) % every_days
    return Millis((today + (ahead or every_days)) * DAY_MS)


@lru_cache(maxsize=65_536)
def _snapshot_day(subject: str) -> int:
    return int.from_bytes(hashlib.blake2b(subject.encode(), digest_size=4).digest(), "little")
