"""Were the actions chosen as often as the log says? Checked before anything is concluded.

A test martingale starts at 1 and stays below 1 / alpha for ever with probability 1 - alpha if the
propensities are right, however they depend on the past, and however often one looks.
"""

import math
from typing import NamedTuple

import numpy as np

from touchstream.streams.decide.chance import ROUNDING
from touchstream.streams.decide.evaluation.logged import PROPENSITY_ROUNDING, DecisionLog, Floats

PRIOR = 1.0
"""Choices of each arm that are taken to have been as expected before the first one."""
BETS = (0.01, 0.03, 0.1, 0.3)
"""Shares of the stake, where the log has only the propensity of the action that was chosen."""


class SampleRatio(NamedTuple):
    """The choices against their propensities."""

    log_evidence: float
    """Natural logarithm of the martingale's highest value; 0 and less is none."""
    worst: str
    """The arm whose count is furthest from the expected one, in standard deviations."""
    chosen: float
    """Decisions with that arm."""
    expected: float
    """As many as its propensities add up to."""

    def rejects(self, alpha: float) -> bool:
        """Whether the propensities are wrong; wrongly so with probability alpha at most."""
        return self.log_evidence >= -math.log(alpha)


def sample_ratio(log: DecisionLog, probabilities: Floats | None) -> SampleRatio:
    """Check a log against its probabilities, shape (n, k); None: only propensities are known.

    With probabilities: the Dirichlet-multinomial martingale (Lindon and Malek 2022, "Anytime-valid
    inference for multinomial count data"), for probabilities that change: every decision bets on
    the arms in proportion to p_a theta_a, theta_a = (1 + chosen so far) / (1 + expected so far).
    Without: the mean of bets on [A = a] / p - 1 of every arm, each way.
    """
    chosen = np.zeros(log.could.shape)
    chosen[np.arange(len(log.action)), log.action] = 1.0
    if probabilities is None:
        weighted = chosen / log.propensity[:, None]
        return _summary(log, _weighed(log, weighted), chosen.sum(axis=0), _hoped(log, chosen))
    theta = (PRIOR + _before(chosen)) / (PRIOR + _before(probabilities))
    factors = (chosen * theta).sum(axis=1) / (probabilities * theta).sum(axis=1)
    path = np.cumsum(np.log(factors))
    return _summary(log, path, chosen.sum(axis=0), probabilities.sum(axis=0))


def constant_probabilities(log: DecisionLog) -> Floats | None:
    """The probabilities of all arms, where a log has only those of the chosen ones.

    Known for two arms, and for arms that each have one propensity throughout; else None. Those of
    the latter need not sum to 1: then the log contradicts itself.
    """
    n, k = log.could.shape
    if k == 2:  # noqa: PLR2004
        own = log.propensity[:, None]
        of_first = np.where((log.action == 0)[:, None], own, 1.0 - own)
        return np.column_stack([of_first, 1.0 - of_first])
    found = np.zeros(k)
    for arm in range(k):
        of_arm = log.propensity[log.action == arm]
        if not len(of_arm) or np.ptp(of_arm) > PROPENSITY_ROUNDING:
            return None
        found[arm] = of_arm[0]
    return np.broadcast_to(found, (n, k)).copy()


def contradicts(probabilities: Floats) -> bool:
    """Whether probabilities, shape (n, k), do not sum to 1 for some decision."""
    off = np.abs(probabilities.sum(axis=1) - 1.0)
    return bool((off > len(probabilities[0]) * PROPENSITY_ROUNDING + ROUNDING).any())


def _before(column: Floats) -> Floats:
    """Sums over all earlier rows."""
    sums: Floats = np.cumsum(column, axis=0) - column
    return sums


def _weighed(log: DecisionLog, weighted: Floats) -> Floats:
    """A bet against an arm loses at most its stake: the smallest propensity bounds it."""
    most = 1.0 / float(log.propensity.min())
    stakes = [*BETS, *(-bet / max(most - 1.0, 1.0) for bet in BETS)]
    paths = [np.cumsum(np.log1p(stake * (weighted - 1.0)), axis=0) for stake in stakes]
    every = np.concatenate(paths, axis=1)
    highest = every.max(axis=1)
    mixed: Floats = highest + np.log(np.exp(every - highest[:, None]).mean(axis=1))
    return mixed


def _hoped(log: DecisionLog, chosen: Floats) -> Floats:
    """Expected counts without probabilities: each arm's share as its mean propensity says."""
    counts = chosen.sum(axis=0)
    means = (chosen * log.propensity[:, None]).sum(axis=0) / np.maximum(counts, 1.0)
    expected: Floats = means * len(log.action)
    return expected


def _summary(log: DecisionLog, path: Floats, chosen: Floats, expected: Floats) -> SampleRatio:
    surprise = np.abs(chosen - expected) / np.sqrt(np.maximum(expected, 1.0))
    worst = int(np.argmax(surprise))
    return SampleRatio(
        float(path.max(initial=0.0)), log.arms[worst], float(chosen[worst]), float(expected[worst])
    )
