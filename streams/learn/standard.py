"""Running standardisation: mean and variance of each column over its present values."""

from math import sqrt
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from touchstream.streams.learn.arrays import Floats, pack, unpack

LARGEST_Z = 5.0  # standard deviations; an outlier must not outweigh all else
LEAST_VALUES = 1_000
"""With fewer values the deviation is too uncertain to rescale weights by: with 300 new customers,
rescaling from the 30th value on gave an ECE of .054 instead of .029."""
LEAST_VARIANCE = 1e-4
"""Below it a column counts as constant: half floats and a tick's seconds cause that much."""

_NOTHING = np.zeros(1)


class StandardData(Struct, frozen=True):
    """Counts, means and sums of squared deviations, one double per column."""

    counts: bytes
    means: bytes
    squares: bytes


def empty(width: int) -> StandardData:
    """The state before the first row."""
    nothing = pack(np.zeros(width))
    return StandardData(nothing, nothing, nothing)


class Move(NamedTuple):
    """The old standardisation in terms of the new one: z before = scale z after + shift."""

    scale: Floats
    shift: Floats


class Standard:
    """Running mean and variance of all columns at once; the first, the intercept, stays 1."""

    def __init__(self, data: StandardData) -> None:
        self.counts, self.means = unpack(data.counts), unpack(data.means)
        self.squares = unpack(data.squares)
        self._scale: Floats | None = None

    def learn(self, rows: Floats) -> Move:
        """Add rows (n, columns), n >= 1, by the pairwise update of Chan et al. (1983).

        NaN is left out, infinite values raise ``ValueError``. Weights are per unit of the old
        deviations; the returned move converts them to the new ones.
        """
        if np.isinf(rows).any():
            raise ValueError("a feature is not finite")
        present = ~np.isnan(rows)
        # The intercept stays 1.
        present[:, 0] = False
        counts = present.sum(axis=0)
        off = np.where(present, rows - self.means, 0.0)
        means = off.sum(axis=0) / np.maximum(counts, 1)
        squares = np.where(present, (off - means) ** 2, 0.0).sum(axis=0)
        before, old_means, old_scale = self.counts, self.means, self._scales()
        self.counts = before + counts
        self.counts[0] += len(rows)
        share = counts / np.maximum(self.counts, 1.0)
        self.means = old_means + means * share
        self.squares = self.squares + squares + means * means * before * share
        self._scale = self._scales()
        known = (old_scale > 0) & (self._scale > 0) & (before >= LEAST_VALUES)
        known[0] = False
        return Move(
            np.where(known, old_scale / np.where(known, self._scale, 1.0), 1.0),
            np.where(known, (self.means - old_means) * old_scale, 0.0),
        )

    def standardise(self, columns: Floats) -> Floats:
        """Standard deviations from the mean, clipped at 5; 0 if missing or constant."""
        if self._scale is None:
            self._scale = self._scales()
        z: Floats = columns - self.means
        z *= self._scale
        z = np.where(np.isnan(z), _NOTHING, z)
        np.minimum(z, LARGEST_Z, out=z)
        np.maximum(z, -LARGEST_Z, out=z)
        return z

    def spread(self, column: int) -> float:
        """Standard deviation of one column; 0 before the second value."""
        variance: float = self.squares[column] / max(self.counts[column], 1.0)
        return sqrt(variance)

    def data(self) -> StandardData:
        """The state as data; a ``Standard`` made from it continues exactly."""
        return StandardData(pack(self.counts), pack(self.means), pack(self.squares))

    def _scales(self) -> Floats:
        variance = self.squares / np.maximum(self.counts, 1.0)
        varies = variance > LEAST_VARIANCE
        scale: Floats = varies / np.sqrt(np.maximum(variance, LEAST_VARIANCE))
        scale[0] = 1.0
        return scale
