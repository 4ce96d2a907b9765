"""Quantiles of integers with a bounded relative error, as counts in logarithmic buckets.

A value x >= 1 falls into bucket i = ceil(log_g(x)), that is g^(i-1) < x <= g^i with
g = (1 + a) / (1 - a) for the relative error a. The bucket is estimated by 2 g^i / (g + 1), which
is within a x of every x in it. Zero has a bucket of its own. Counts of equal buckets add up, so
histograms of batches, days and shards merge exactly.

The bounds are integers floor(g^i), computed exactly: x <= g^i if and only if x <= floor(g^i), so
buckets do not depend on a machine's logarithm.

Masson, Rim, Lee: DDSketch, a fast and fully-mergeable quantile sketch with relative-error
guarantees, PVLDB 12 (2019).
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import takewhile

RELATIVE_ERROR = 0.01
_UPPER, _LOWER = 101, 99  # g = 1.01 / 0.99
GAMMA = _UPPER / _LOWER
LARGEST = 10**15
"""Larger values fall into its bucket; 10^15 ms are 31,700 years."""

ZERO_BUCKET = -1


def bucket_of(value: int) -> int:
    """The bucket of a value >= 0; negative values count as 0.

    >>> [bucket_of(value) for value in (0, 1, 2, 60_000)]
    [-1, 0, 35, 551]
    """
    return ZERO_BUCKET if value <= 0 else min(bisect_left(_BOUNDS, value), _LAST)


def estimate(bucket: int) -> float:
    """The representative value of a bucket.

    >>> abs(estimate(bucket_of(60_000)) - 60_000) <= RELATIVE_ERROR * 60_000
    True
    """
    return 0.0 if bucket == ZERO_BUCKET else 2 * GAMMA**bucket / (GAMMA + 1)


def quantile(counts: Mapping[int, int], q: float) -> float | None:
    """The q-quantile (0 <= q <= 1): the value of rank floor(q (n - 1)), counted from 0.

    None where nothing was counted.

    >>> round(quantile({bucket_of(value): 1 for value in (1_000, 2_000, 9_000)}, 0.5) or 0)
    2019
    """
    rank = int(q * (sum(counts.values()) - 1))
    for bucket in sorted(counts):
        rank -= counts[bucket]
        if rank < 0:
            return estimate(bucket)
    return None


def _powers() -> Iterator[int]:
    upper = lower = 1
    while True:
        yield upper // lower
        upper, lower = upper * _UPPER, lower * _LOWER


_BOUNDS = (*takewhile(lambda bound: bound < LARGEST, _powers()), LARGEST)
_LAST = len(_BOUNDS) - 1
