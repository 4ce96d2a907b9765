"""Sigmoid and logit, safe for any finite argument."""

from math import exp, log

CERTAIN = 1e-6  # distance of probabilities from 0 and 1, so that log loss stays finite
_ALMOST_ONE = 1 - CERTAIN
_LARGEST = 700.0  # exp overflows beyond 709


def sigmoid(logit: float) -> float:
    """1 / (1 + e^-logit), within (CERTAIN, 1 - CERTAIN).

    >>> sigmoid(0.0)
    0.5
    >>> sigmoid(-1000.0)
    1e-06
    """
    # Either branch takes exp of a number <= 0, which cannot overflow.
    if logit >= 0:
        chance = 1 / (1 + exp(-logit if logit < _LARGEST else -_LARGEST))
    else:
        odds = exp(logit if logit > -_LARGEST else -_LARGEST)
        chance = odds / (1 + odds)
    if chance > CERTAIN:
        return chance if chance < _ALMOST_ONE else _ALMOST_ONE
    return CERTAIN


def logit(probability: float) -> float:
    """ln(p / (1 - p)) for 0 < p < 1.

    >>> logit(0.5)
    0.0
    """
    return log(probability / (1 - probability))
