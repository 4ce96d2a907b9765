"""The mathematics of the checks: ranking against an oracle, coverage, chance."""

from collections import Counter
from collections.abc import Sequence
from math import sqrt

from bench.scores import Scored, quality

CHANCE = 0.5


def auc(scores: Sequence[float], labels: Sequence[int]) -> float:
    """P(a positive is ranked above a negative), ties half.

    Raises
    ------
    ValueError
        If all labels are the same.

    >>> auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    """
    found = quality(map(Scored, scores, labels)).roc_auc
    if found is None:
        raise ValueError(f"{len(labels)} labels of one kind: want both kinds")
    return found


def share_of_the_way(achieved: float, best: float) -> float:
    """Share of the way from chance to ``best`` that ``achieved`` reached, both ROC AUC.

    >>> share_of_the_way(0.69, 0.70)
    0.95
    """
    return round((achieved - CHANCE) / (best - CHANCE), 12)


def coverage(low: Sequence[float], high: Sequence[float], truth: Sequence[float]) -> float:
    """The share (0..1) of intervals that hold their truth, ends included.

    >>> coverage([0.1, 0.1, 0.5, 0.1], [0.2, 0.3, 0.9, 0.2], [0.2, 0.2, 0.4, 0.1])
    0.75
    """
    within = [a <= value <= b for a, b, value in zip(low, high, truth, strict=True)]
    return sum(within) / len(within)


def chance_error(scores: Sequence[float], labels: Sequence[int]) -> float:
    r"""Standard deviation of :func:`auc` of a score that knows nothing of the labels.

    .. math:: \sqrt{\frac{n + 1 - \sum_t (t^3 - t) / (n (n - 1))}{12 n_1 n_0}}

    with ``t`` over the sizes of the groups of equal scores (Lehmann 1975, section 1.4). It holds
    where the scores of different rows are independent of each other, whatever the labels are.

    >>> round(chance_error([1.0, 2.0, 3.0, 4.0], [0, 1, 0, 1]), 4)
    0.3227
    """
    n, positives = len(labels), sum(labels)
    ties = sum(t**3 - t for t in Counter(scores).values())
    return sqrt((n + 1 - ties / (n * (n - 1))) / (12 * positives * (n - positives)))
