"""A policy that is learnt from one part of a log and judged on the other.

In each decision it chooses the arm with the highest expected reward, by the ridge regressions of
:mod:`.rewards`, which have learnt from other decisions alone: judged on what it was fitted to, a
policy looks better than it is.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from touchstream.streams.decide.evaluation import rewards
from touchstream.streams.decide.evaluation.logged import DecisionLog, Flags, Floats
from touchstream.streams.decide.evaluation.rewards import Split

LEAST_ROWS = 10
"""Decisions with an arm before it may be chosen: fewer say little, and none would predict 0."""


class Learnt(NamedTuple):
    """Greedy by linear models of the context."""

    first: float = 0.5
    """Share of an adaptive log, 0..1, whose decisions only teach. A log with fixed propensities is
    learnt in folds of customers, each judged by what the others taught."""


class NothingLearnt(ValueError):
    """The log has too few decisions to learn from."""


def judged(log: DecisionLog, policy: Learnt, *, in_time: bool) -> Flags:
    """The decisions that are judged, shape (n,)."""
    row = np.arange(len(log.action))
    flags: Flags = row >= policy.first * len(row) if in_time else row >= 0
    return flags


def learnt_probabilities(
    log: DecisionLog, splits: Sequence[Split], keep: Flags, x: Floats
) -> Floats:
    """1 for the best arm of those that could be chosen, shape (n, k); 0 where ``keep`` is false.

    Raises
    ------
    NothingLearnt
        If a judged decision has no arm that was done often enough before.
    """
    expected = rewards.predictions(log, x, splits)
    known = log.could & _known(log, splits)
    if not known[keep].any(axis=1).all():
        raise NothingLearnt(
            f"too few decisions to learn from: want {LEAST_ROWS} of an action that can be chosen"
        )
    best = np.where(known, expected, -np.inf).argmax(axis=1)
    found = np.zeros(log.could.shape)
    found[keep, best[keep]] = 1.0
    return found


def _known(log: DecisionLog, splits: Sequence[Split]) -> Flags:
    """Whether the arm was done often enough in what the row's split learns from; shape (n, k)."""
    known = np.zeros(log.could.shape, np.bool_)
    for split in splits:
        counts = np.bincount(log.action[split.learns], minlength=len(log.arms))
        known[split.predicts] = counts >= LEAST_ROWS
    return known
