"""State of the drift detectors: plain data, without the cost of importing River."""

import struct
from collections.abc import Sequence

from msgspec import Struct

from touchstream.schemas.units import DAY_MS, Millis


class Series(Struct, array_like=True):
    """One monitored series: its open round, and the means of its closed ones."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0
    """Number, sum and sum of squares of the values in the open round."""
    variance: float = 0.0
    """Sampling variance of a round's mean, over the last rounds; 0: not known."""
    packed: bytes = b""
    """Means of the closed rounds since the last drift, the oldest first; at most 52."""

    @property
    def rounds(self) -> tuple[float, ...]:
        """The packed means."""
        return struct.unpack(f"<{len(self.packed) // 4}f", self.packed)

    @rounds.setter
    def rounds(self, means: Sequence[float]) -> None:
        self.packed = struct.pack(f"<{len(means)}f", *means)


class DriftState(Struct, array_like=True):
    """Named series, monitored for drift by ``streams/learn/drift.py``.

    Mutable; 4 bytes per round, at most 300 bytes per series as MessagePack.
    """

    round_ms: Millis
    """Length of a round, in which every customer is scored once."""
    current: int = -1
    """The open round: time // round_ms."""
    series: dict[str, Series] = {}

    @staticmethod
    def of(every_days: int) -> "DriftState":
        """An empty state; each customer is scored every ``every_days``."""
        return DriftState(Millis(every_days * DAY_MS))
