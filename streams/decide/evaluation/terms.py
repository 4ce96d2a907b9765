"""The estimators of a policy's value, each as a ratio of sums over decisions.

w = target probability / propensity of the logged action, v the decision's own weight, r its reward.
"""

from typing import NamedTuple

import numpy as np

from touchstream.streams.decide.evaluation.logged import DecisionLog, Floats
from touchstream.streams.decide.evaluation.lots import lots


class Terms(NamedTuple):
    """An estimate is sum(top) / sum(bottom)."""

    top: Floats
    """Shape (n,)."""
    bottom: Floats
    """Shape (n,), >= 0."""

    @property
    def estimate(self) -> float:
        """In the unit of the reward; NaN if the bottom is empty."""
        bottom = float(self.bottom.sum())
        return float(self.top.sum()) / bottom if bottom > 0.0 else float("nan")


def importance(log: DecisionLog, target: Floats) -> Floats:
    """W of every decision: 0 if the policy would not have done that, up to 1 / propensity."""
    chosen: Floats = target[np.arange(len(log.action)), log.action]
    return chosen / log.propensity


def logged(log: DecisionLog) -> Terms:
    """The logging policy itself: sum(v r) / sum(v)."""
    return Terms(log.weight * log.reward, log.weight)


def replay(log: DecisionLog, w: Floats, seed: int) -> Terms:
    """The mean reward of accepted decisions, each accepted with probability w / max(w).

    For a constant action in a log of equal propensities: the decisions with that action (Li et al.
    2011, "Unbiased offline evaluation of contextual-bandit-based news article recommendation").
    """
    accepted = lots(seed, "replay", len(w)) * w.max(initial=0.0) < w
    return Terms(log.weight * log.reward * accepted, log.weight * accepted)


def ips(log: DecisionLog, w: Floats) -> Terms:
    """Inverse propensity scoring: sum(v w r) / sum(v); unbiased (Horvitz and Thompson 1952)."""
    return Terms(log.weight * w * log.reward, log.weight)


def snips(log: DecisionLog, w: Floats) -> Terms:
    """Self-normalised: sum(v w r) / sum(v w); within the range of the rewards.

    Swaminathan and Joachims 2015, "The self-normalized estimator for counterfactual learning".
    """
    return Terms(log.weight * w * log.reward, log.weight * w)


def doubly_robust(log: DecisionLog, w: Floats, target: Floats, expected: Floats) -> Terms:
    """sum(v (m + w (r - q_a))) / sum(v), with m = sum over arms of target x q.

    q is ``expected``, shape (n, k): rewards predicted from other decisions. Unbiased whatever q is,
    and as precise as q is good (Dudik, Langford and Li 2011).
    """
    direct = (target * expected).sum(axis=1)
    residual = log.reward - expected[np.arange(len(log.action)), log.action]
    return Terms(log.weight * (direct + w * residual), log.weight)


def mean_weight(log: DecisionLog, w: Floats) -> Terms:
    """sum(v w) / sum(v): 1 in expectation if the propensities are right."""
    return Terms(log.weight * w, log.weight)


def effective_n(weights: Floats) -> float:
    """(sum w)^2 / sum w^2, from 0 (all are 0) to n (all are equal).

    >>> effective_n(np.array([2.0, 2.0, 0.0]))
    2.0
    """
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0.0 else 0.0
