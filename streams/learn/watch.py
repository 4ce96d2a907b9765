"""What the drift detectors remember: data all through, and light to import (no River)."""

from msgspec import Struct

from schemas.units import DAY_MS, Millis


class Series(Struct, array_like=True):
    """One watched number: the open round, and the means of the rounds before it."""

    total: float = 0.0
    weight: float = 0.0
    """Of the open round: weighted sum of its values, and of their weights."""
    rounds: list[float] = []
    """Means of the closed rounds since the last drift was told, the oldest first; at most 104."""


class Watch(Struct, array_like=True):
    """Named series of per-tick means, watched for drift by :mod:`streams.learn.drift`.

    Mutable; 9 bytes a number as MessagePack, at most 1 KiB a series.
    """

    round_ms: Millis
    """Length of a round; within one, every customer was scored once."""
    current: int = -1
    """The open round: time // round_ms."""
    series: dict[str, Series] = {}

    @staticmethod
    def of(every_days: int) -> "Watch":
        """A watch that knows nothing; each customer is scored every ``every_days``."""
        return Watch(Millis(every_days * DAY_MS))
