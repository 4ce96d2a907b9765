"""Which of many findings to believe, so that few of them are wrong."""

import math
from collections.abc import Sequence


def discoveries(log_e_values: Sequence[float], alpha: float) -> list[bool]:
    """The e-BH procedure (Wang and Ramdas 2022, "False discovery rate control with e-values").

    Of K e-values the k largest are believed, for the largest k whose k-th e-value is at least
    K / (k alpha). The expected share of wrong ones among those believed is alpha at most, whatever
    the dependence of the e-values: a segment may be part of another.

    >>> [round(20 * 3 / k) for k in (1, 2, 3)]
    [60, 30, 20]
    >>> discoveries([math.log(31), math.log(19), math.log(31)], 0.05)
    [True, False, True]
    """
    count = len(log_e_values)
    threshold = math.inf
    for rank, value in enumerate(sorted(log_e_values, reverse=True), 1):
        if value >= math.log(count / (rank * alpha)):
            threshold = value
    return [value >= threshold for value in log_e_values]
