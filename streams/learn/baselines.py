"""The two rules that every model has to beat: the base rate, and recency alone.

Both may use every label known before theirs matures. The model said its probability a horizon
earlier, so the comparison leans towards the rules, never towards the model.
"""

from math import isnan

from msgspec import Struct, field

RECENCY_BINS = 64
RECENCY_TOP = 8.0  # ln(1 + days): eight years
PRIOR = 1.0  # one imagined churner and one imagined stayer a bin


class Baselines(Struct, array_like=True):
    """Counts of churn in all, and by the silence at the moment of scoring.

    Mutable, and data all through.
    """

    n: float = 0.0
    churned: float = 0.0
    n_by_bin: list[float] = field(default_factory=lambda: [0.0] * RECENCY_BINS)
    churned_by_bin: list[float] = field(default_factory=lambda: [0.0] * RECENCY_BINS)

    def copy(self) -> "Baselines":
        """One of its own."""
        return Baselines(self.n, self.churned, list(self.n_by_bin), list(self.churned_by_bin))

    def base_rate(self) -> float:
        """Share of churn so far, one of each imagined before the first."""
        return (self.churned + PRIOR) / (self.n + 2 * PRIOR)

    def recency(self, silence: float) -> float:
        """Share of churn among those who had been silent as long.

        ``silence`` is ln(1 + days); NaN: never active.
        """
        position = _bin(silence)
        prior = 2 * PRIOR * self.base_rate()
        return (self.churned_by_bin[position] + prior) / (self.n_by_bin[position] + 2 * PRIOR)

    def learn(self, silence: float, label: int, weight: float = 1.0) -> None:
        """Count one matured label, for as many customers as it stands for."""
        position = _bin(silence)
        self.n += weight
        self.churned += weight * label
        self.n_by_bin[position] += weight
        self.churned_by_bin[position] += weight * label


def recency_rank(silence: float) -> float:
    """The longer silent, the higher: 0..1."""
    return 1.0 if isnan(silence) else min(1.0, max(0.0, silence / RECENCY_TOP))


def _bin(silence: float) -> int:
    return min(RECENCY_BINS - 1, int(recency_rank(silence) * RECENCY_BINS))
