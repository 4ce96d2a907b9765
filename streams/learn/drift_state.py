"""What the drift detectors remember: data all through, and light to import (no River)."""

import struct
from collections.abc import Sequence

from msgspec import Struct

from touchstream.schemas.units import DAY_MS, Millis


class Series(Struct, array_like=True):
    """One watched number: the open round, and the means of the rounds before it."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0
    """Of the open round: how many values, their sum, and the sum of their squares."""
    variance: float = 0.0
    """Of a round's mean by the choice of customers alone, as of the last rounds; 0: not known."""
    packed: bytes = b""
    """Means of the closed rounds since the last drift was told, the oldest first; at most 52."""

    @property
    def rounds(self) -> tuple[float, ...]:
        """What is packed."""
        return struct.unpack(f"<{len(self.packed) // 4}f", self.packed)

    @rounds.setter
    def rounds(self, means: Sequence[float]) -> None:
        self.packed = struct.pack(f"<{len(means)}f", *means)


class DriftState(Struct, array_like=True):
    """Named series, watched for drift by ``streams/learn/drift.py``.

    Mutable; 4 bytes a round, at most 300 bytes a series as MessagePack.
    """

    round_ms: Millis
    """Length of a round; within one, every customer was scored once."""
    current: int = -1
    """The open round: time // round_ms."""
    series: dict[str, Series] = {}

    @staticmethod
    def of(every_days: int) -> "DriftState":
        """A watch that knows nothing; each customer is scored every ``every_days``."""
        return DriftState(Millis(every_days * DAY_MS))
