"""Running standardisation: mean and variance of each column over the examples, where present."""

from math import isfinite, sqrt

import numpy as np
from msgspec import Struct

from streams.learn.arrays import Floats, pack, unpack

LARGEST_Z = 5.0  # standard deviations; one wild value must not outweigh all else
LEAST_VARIANCE = 1e-4
"""Below it a column counts as constant: half floats and a tick's seconds alone make so much."""


class StandardData(Struct, frozen=True):
    """Counts, means and sums of squared deviations, a double for each column."""

    counts: bytes
    means: bytes
    squares: bytes


def empty(width: int) -> StandardData:
    """Nothing seen yet."""
    nothing = pack(np.zeros(width))
    return StandardData(nothing, nothing, nothing)


class Standard:
    """Welford's recurrence (1962) on all columns at once; the first, the intercept, stays 1."""

    def __init__(self, data: StandardData) -> None:
        self.counts, self.means = unpack(data.counts), unpack(data.means)
        self.squares = unpack(data.squares)
        self._scale: Floats | None = None

    def learn(self, columns: Floats) -> None:
        """Take in one row; a NaN is left out, an infinite value refused with ``ValueError``."""
        missing = np.isnan(columns)
        off = columns - self.means
        off[missing] = 0.0
        off[0] = 0.0
        if not isfinite(off.dot(off)):
            raise ValueError("a feature is not finite")
        self.counts += ~missing
        step = off / np.maximum(self.counts, 1.0)
        self.means += step
        self.squares += off * (off - step)
        self._scale = None

    def standardise(self, columns: Floats) -> Floats:
        """Standard deviations from the mean, within 5; 0 for what is missing or never varied."""
        if self._scale is None:
            self._scale = self._scales()
        z: Floats = columns - self.means
        z *= self._scale
        z[np.isnan(z)] = 0.0
        np.minimum(z, LARGEST_Z, out=z)
        np.maximum(z, -LARGEST_Z, out=z)
        return z

    def spread(self, column: int) -> float:
        """Standard deviation of one column; 0 before the second value."""
        variance: float = self.squares[column] / max(self.counts[column], 1.0)
        return sqrt(variance)

    def data(self) -> StandardData:
        """All of it; a ``Standard`` made from it goes on exactly from here."""
        return StandardData(pack(self.counts), pack(self.means), pack(self.squares))

    def _scales(self) -> Floats:
        variance = self.squares / np.maximum(self.counts, 1.0)
        varies = variance > LEAST_VARIANCE
        scale: Floats = varies / np.sqrt(np.maximum(variance, LEAST_VARIANCE))
        scale[0] = 1.0
        return scale
