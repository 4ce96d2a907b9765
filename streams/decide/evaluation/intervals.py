"""Intervals of ratios of sums; the customer is the unit, as decisions about one are alike.

Ratios are given per customer as ``tops`` and ``bottoms``, shape (customers, ratios).
"""

import math
from typing import NamedTuple

import numpy as np

from touchstream.streams.decide.evaluation.logged import Floats, Ints
from touchstream.streams.decide.evaluation.lots import lots

RESAMPLES = 1_000
TIGHTEST_AT = 1_000
"""Customers at which the always-valid interval is tightest; set before any data is seen."""


class Bounds(NamedTuple):
    """Intervals of every ratio, and of its difference from the first one; shapes (ratios,)."""

    low: Floats
    high: Floats
    low_gain: Floats
    high_gain: Floats


def by_customer(column: Floats, customer: Ints, customers: int) -> Floats:
    """Sums of a column over each customer's decisions; shape (customers,)."""
    return np.bincount(customer, weights=column, minlength=customers).astype(np.float64)


def bootstrap(
    tops: Floats, bottoms: Floats, level: float, seed: int, resamples: int = RESAMPLES
) -> Bounds:
    """Percentile bootstrap over customers: for logs with fixed propensities, looked at once.

    A resample draws as many customers with replacement, the same ones for every ratio (Efron and
    Tibshirani 1993, chapter 13).
    """
    n, ratios = tops.shape
    both = np.concatenate([tops, bottoms], axis=1)
    found = np.empty((resamples, ratios))
    for number in range(resamples):
        drawn = (lots(seed, f"bootstrap {number}", n) * n).astype(np.int64)
        sums = np.bincount(drawn, minlength=n) @ both
        bottom = sums[ratios:]
        # A small log has resamples without a decision of the policy's; they say nothing.
        found[number] = sums[:ratios] / np.where(bottom > 0.0, bottom, np.nan)
    ends = [50.0 * (1.0 - level), 50.0 * (1.0 + level)]
    low, high = np.nanpercentile(found, ends, axis=0)
    low_gain, high_gain = np.nanpercentile(found - found[:, :1], ends, axis=0)
    return Bounds(low, high, low_gain, high_gain)


def always_valid(tops: Floats, bottoms: Floats, level: float) -> Bounds:
    """Asymptotic confidence sequence: for adaptive logs, valid however often one looks.

    estimate +- s x :func:`margin`, s the standard deviation over customers of the ratio's
    linearisation (top - estimate x bottom) / mean(bottom). Asymptotic: want hundreds of customers.
    Infinite for fewer than two.
    """
    n = len(tops)
    estimate = tops.sum(axis=0) / bottoms.sum(axis=0)
    linear = (tops - estimate * bottoms) / bottoms.mean(axis=0)
    gain = estimate - estimate[0]
    half = _half(linear, n, level)
    half_gain = _half(linear - linear[:, :1], n, level)
    return Bounds(estimate - half, estimate + half, gain - half_gain, gain + half_gain)


def margin(n: int, alpha: float, tightest_at: int = TIGHTEST_AT) -> float:
    """Half the width, in standard deviations of one of n terms.

    sqrt(2 (n rho^2 + 1) / (n^2 rho^2) x ln(sqrt(n rho^2 + 1) / alpha)), the Gaussian mixture
    boundary of asymptotic confidence sequences (Waudby-Smith et al., arXiv 2103.06476), for terms
    of unit variance; rho^2 = (ln(1 - 2 ln alpha) - 2 ln alpha) / n*, approximately the best for
    n = n*, ``tightest_at``.

    >>> [round(math.sqrt(n) * margin(n, 0.05), 2) for n in (100, 1_000, 100_000)]
    [3.86, 3.04, 3.56]
    """
    rho2 = _rho2(alpha, tightest_at)
    inside = n * rho2 + 1.0
    return math.sqrt(2.0 * inside / (n * n * rho2) * math.log(math.sqrt(inside) / alpha))


def log_e_value(total: float, n: int, alpha: float, tightest_at: int = TIGHTEST_AT) -> float:
    """Natural logarithm of the evidence that n terms of unit variance have a mean other than 0.

    ln M = rho^2 S^2 / (2 (n rho^2 + 1)) - ln(n rho^2 + 1) / 2 for their sum S, ``total``: the
    martingale behind :func:`margin`. Without an effect M is at least 1 / alpha at some n with
    probability alpha at most (asymptotically), and its expectation is 1 at any n.

    >>> n = 500
    >>> round(math.exp(log_e_value(n * margin(n, 0.05), n, 0.05)), 6)
    20.0
    """
    rho2 = _rho2(alpha, tightest_at)
    inside = n * rho2 + 1.0
    return rho2 * total * total / (2.0 * inside) - 0.5 * math.log(inside)


def _rho2(alpha: float, tightest_at: int) -> float:
    return (math.log(1.0 - 2.0 * math.log(alpha)) - 2.0 * math.log(alpha)) / tightest_at


def _half(linear: Floats, n: int, level: float) -> Floats:
    if n <= 1:
        return np.full(linear.shape[1], np.inf)
    spread: Floats = linear.std(axis=0, ddof=1)
    return spread * margin(n, 1.0 - level)
