"""Whether predicted risks differ from what came true by more than chance, bin by bin."""

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from touchstream.agents.report.scores import Floats, Ints, Scores
from touchstream.streams.decide.capacity import Flags
from touchstream.streams.learn.progress import RELIABILITY_BINS

FEWEST_IN_BIN = 100
"""Bins of fewer scores are not judged."""
CONFIDENCE = 0.99
"""Of ten bins that are right, one is called off on one page in ten."""
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


class Interval(NamedTuple):
    """A range of a share, 0..1."""

    low: float
    high: float


class Checked(NamedTuple):
    """A bin of risk, and what its observed rate may be by chance."""

    number: int
    """From 0: risks from number / 10 on."""
    n: int
    counts_as: float
    """Independent scores that tell as much as these."""
    predicted: float
    came_true: float
    interval: Interval | None
    """Of the true rate, 99 %; None below :data:`FEWEST_IN_BIN` scores."""

    @property
    def is_off(self) -> bool:
        """Whether the mean predicted risk lies outside."""
        return self.interval is not None and not (
            self.interval.low <= self.predicted <= self.interval.high
        )


def checked_bins(scores: Scores) -> list[Checked]:
    """Ten equal bins of risk; empty ones are left out."""
    tenth = np.minimum((scores.risk * RELIABILITY_BINS).astype(np.int64), RELIABILITY_BINS - 1)
    return [_checked(int(number), scores, tenth == number) for number in np.unique(tenth)]


def off_by_more_than_chance(bins: Sequence[Checked]) -> list[Checked]:
    """The bins that are off, the largest distance first."""
    found = [one for one in bins if one.is_off]
    return sorted(found, key=lambda one: -abs(one.predicted - one.came_true))


def effective_n(risk: Floats, label: Ints, customer: Ints) -> float:
    r"""Number of independent scores that n scores of recurring customers are worth, 1..n.

    With residuals centred on the bin's mean, by customer c and over all i, and the rate y:

    .. math:: n_{eff} = n / \max(1, d), \quad d = \frac{\sum_c (\sum_{i \in c} e_i)^2}{n y (1 - y)}

    d is the design effect of clusters (Kish, Survey Sampling, 1965). Without two kinds of labels,
    each customer counts once.

    Two customers whose four scores each end alike count as two:

    >>> customers = np.array([1, 1, 1, 1, 2, 2, 2, 2])
    >>> effective_n(np.full(8, 0.5), np.array([0, 0, 0, 0, 1, 1, 1, 1]), customers)
    2.0
    """
    n, rate = len(label), float(label.mean())
    _, place = np.unique(customer, return_inverse=True)
    if rate in (0.0, 1.0):
        return float(place.max() + 1)
    error = label - risk
    sums = np.bincount(place.reshape(-1), weights=error - error.mean())
    effect = float((sums**2).sum()) / (n * rate * (1 - rate))
    return n / max(1.0, effect)


def wilson(rate: float, n: float) -> Interval:
    """The 99 % interval of a share observed in ``n`` independent scores (Wilson 1927).

    >>> low, high = wilson(0.2, 100)
    >>> round(low, 3), round(high, 3)
    (0.117, 0.32)
    """
    square = _Z**2 / n
    middle = (rate + square / 2) / (1 + square)
    reach = _Z / (1 + square) * sqrt(rate * (1 - rate) / n + square / (4 * n))
    return Interval(max(0.0, middle - reach), min(1.0, middle + reach))


def _checked(number: int, scores: Scores, chosen: Flags) -> Checked:
    risk, label = scores.risk[chosen], scores.label[chosen]
    n, rate = len(label), float(label.mean())
    counts_as = effective_n(risk, label, scores.customer[chosen])
    interval = wilson(rate, counts_as) if n >= FEWEST_IN_BIN else None
    return Checked(number, n, counts_as, float(risk.mean()), rate, interval)
