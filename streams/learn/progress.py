"""Prequential evaluation (test, then train): scores of predictions made before their labels.

Bounded memory: log loss and Brier score are exact sums; AUC and average precision use a histogram
of :data:`BINS` bins over the score, in which scores of one bin are ties; calibration uses
:data:`RELIABILITY_BINS`.
"""

from collections.abc import Mapping, Sequence
from math import log
from operator import add
from typing import NamedTuple

from msgspec import Struct, field

from touchstream.streams.learn.numbers import CERTAIN

BINS = 1000
RELIABILITY_BINS = 10


class Tally(Struct, array_like=True):
    """Running sums of one model's scores; mutable plain data."""

    n: int = 0
    churned: int = 0
    log_loss: float = 0.0
    brier: float = 0.0
    stayed_by_bin: dict[int, int] = {}
    churned_by_bin: dict[int, int] = {}
    risk_by_tenth: list[float] = field(default_factory=lambda: [0.0] * RELIABILITY_BINS)
    churned_by_tenth: list[int] = field(default_factory=lambda: [0] * RELIABILITY_BINS)
    n_by_tenth: list[int] = field(default_factory=lambda: [0] * RELIABILITY_BINS)

    def add(self, risk: float, label: int, rank: float | None = None) -> None:
        """Count one score: ``risk`` (0..1) with its ``label``.

        ``rank`` (0..1) replaces ``risk`` as the order, if given.
        """
        # One certain but wrong prediction must not make the sum infinite.
        likelihood = min(1 - CERTAIN, max(CERTAIN, risk))
        self.n += 1
        self.churned += label
        self.log_loss -= log(likelihood if label else 1 - likelihood)
        self.brier += (risk - label) ** 2
        position = min(BINS - 1, int((risk if rank is None else rank) * BINS))
        by_bin = self.churned_by_bin if label else self.stayed_by_bin
        by_bin[position] = by_bin.get(position, 0) + 1
        tenth = min(RELIABILITY_BINS - 1, int(risk * RELIABILITY_BINS))
        self.risk_by_tenth[tenth] += risk
        self.churned_by_tenth[tenth] += label
        self.n_by_tenth[tenth] += 1

    def measures(self) -> "Measures":
        """All measures so far."""
        steps = [
            (self.churned_by_bin.get(position, 0), self.stayed_by_bin.get(position, 0))
            for position in sorted({*self.churned_by_bin, *self.stayed_by_bin}, reverse=True)
        ]
        stayed = self.n - self.churned
        return Measures(
            n=self.n,
            base_rate=_share(self.churned, self.n),
            log_loss=_share(self.log_loss, self.n),
            brier=_share(self.brier, self.n),
            roc_auc=roc_auc(steps),
            average_precision=average_precision(steps),
            average_precision_stays=average_precision([(b, a) for a, b in reversed(steps)])
            if stayed
            else None,
            ece=self._ece(),
        )

    def mirrored(self) -> "Tally":
        """The tally of the opposite question: 1 - risk, and the other label.

        A score at the edge of a bin may fall into its neighbour.
        """
        return Tally(
            n=self.n,
            churned=self.n - self.churned,
            log_loss=self.log_loss,
            brier=self.brier,
            stayed_by_bin={BINS - 1 - place: n for place, n in self.churned_by_bin.items()},
            churned_by_bin={BINS - 1 - place: n for place, n in self.stayed_by_bin.items()},
            risk_by_tenth=[
                n - risk
                for n, risk in zip(self.n_by_tenth[::-1], self.risk_by_tenth[::-1], strict=True)
            ],
            churned_by_tenth=[
                n - ones
                for n, ones in zip(self.n_by_tenth[::-1], self.churned_by_tenth[::-1], strict=True)
            ],
            n_by_tenth=self.n_by_tenth[::-1],
        )

    def plus(self, other: "Tally") -> "Tally":
        """Both tallies together; neither is changed."""
        return Tally(
            n=self.n + other.n,
            churned=self.churned + other.churned,
            log_loss=self.log_loss + other.log_loss,
            brier=self.brier + other.brier,
            stayed_by_bin=_added(self.stayed_by_bin, other.stayed_by_bin),
            churned_by_bin=_added(self.churned_by_bin, other.churned_by_bin),
            risk_by_tenth=[*map(add, self.risk_by_tenth, other.risk_by_tenth)],
            churned_by_tenth=[*map(add, self.churned_by_tenth, other.churned_by_tenth)],
            n_by_tenth=[*map(add, self.n_by_tenth, other.n_by_tenth)],
        )

    def _ece(self) -> float | None:
        if not self.n:
            return None
        gaps = zip(self.risk_by_tenth, self.churned_by_tenth, strict=True)
        return sum(abs(risk - churned) for risk, churned in gaps) / self.n


class Measures(NamedTuple):
    """Prequential measures over ``n`` matured labels; None if undefined."""

    n: int
    base_rate: float | None
    """Share of churn."""
    log_loss: float | None
    """Mean negative log-likelihood, nats."""
    brier: float | None
    """Mean squared error of the probability."""
    roc_auc: float | None
    """P(a churner is ranked above a stayer), ties half."""
    average_precision: float | None
    """Area under precision over recall, churn as the positive class."""
    average_precision_stays: float | None
    """The same with staying as the positive class."""
    ece: float | None
    """Expected calibration error over ten equal bins of risk."""


def average_precision(steps: Sequence[tuple[int, int]]) -> float | None:
    """Sum of precision x gain in recall over bins of (positives, negatives), best bin first.

    >>> average_precision([(1, 0), (0, 1), (1, 0)])
    0.8333333333333333
    """
    positives = sum(hits for hits, _ in steps)
    if not positives:
        return None
    found = seen = 0
    area = 0.0
    for hits, misses in steps:
        found += hits
        seen += hits + misses
        area += hits / positives * found / seen if hits else 0.0
    return area


def roc_auc(steps: Sequence[tuple[int, int]]) -> float | None:
    """P(a positive is ranked above a negative), ties half, over bins of (positives, negatives).

    >>> roc_auc([(1, 0), (0, 1), (1, 1)])
    0.625
    """
    positives = sum(hits for hits, _ in steps)
    negatives = sum(misses for _, misses in steps)
    if not positives or not negatives:
        return None
    above = 0
    pairs = 0.0
    for hits, misses in steps:
        pairs += misses * (above + hits / 2)
        above += hits
    return pairs / (positives * negatives)


def _added(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    return {place: one.get(place, 0) + other.get(place, 0) for place in {*one, *other}}


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None
