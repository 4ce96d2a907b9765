"""The two baselines that every model has to beat: the base rate, and recency alone.

Both use every label known before the example's own matures. The model predicted a horizon earlier,
so the comparison favours the baselines, never the model.
"""

from math import isnan

from msgspec import Struct, field

RECENCY_BINS = 64
RECENCY_TOP = 8.0  # ln(1 + days): eight years
PRIOR = 1.0  # one pseudo-churner and one pseudo-stayer per bin


class Baselines(Struct, array_like=True):
    """Counts of churn in total, and by silence at the moment of scoring.

    Mutable plain data.
    """

    n: float = 0.0
    churned: float = 0.0
    n_by_bin: list[float] = field(default_factory=lambda: [0.0] * RECENCY_BINS)
    churned_by_bin: list[float] = field(default_factory=lambda: [0.0] * RECENCY_BINS)

    def copy(self) -> "Baselines":
        """An independent copy."""
        return Baselines(self.n, self.churned, list(self.n_by_bin), list(self.churned_by_bin))

    def base_rate(self) -> float:
        """Share of churn so far, with one pseudo-count of each label."""
        return (self.churned + PRIOR) / (self.n + 2 * PRIOR)

    def recency(self, silence: float) -> float:
        """Share of churn among customers with the same silence.

        ``silence`` is ln(1 + days), NaN if never active.
        """
        position = _bin(silence)
        # An empty bin has the base rate.
        prior = 2 * PRIOR * self.base_rate()
        return (self.churned_by_bin[position] + prior) / (self.n_by_bin[position] + 2 * PRIOR)

    def learn(self, silence: float, label: int, weight: float = 1.0) -> None:
        """Count one matured label with its weight, the number of customers that it represents."""
        position = _bin(silence)
        self.n += weight
        self.churned += weight * label
        self.n_by_bin[position] += weight
        self.churned_by_bin[position] += weight * label


def recency_rank(silence: float) -> float:
    """Rank of a silence, 0..1; a longer one ranks higher."""
    return 1.0 if isnan(silence) else min(1.0, max(0.0, silence / RECENCY_TOP))


def _bin(silence: float) -> int:
    return min(RECENCY_BINS - 1, int(recency_rank(silence) * RECENCY_BINS))
