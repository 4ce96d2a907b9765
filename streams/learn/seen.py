"""Rows of features, with values that several derived columns share, such as the rhythm."""

from math import erfc, inf, log, pi, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.arrays import Floats

LEAST_SPREAD = 0.05  # nobody is more regular, and the spread is a divisor
PSEUDO_GAPS = 2.0
"""Pseudo-gaps of the population with which each customer starts."""
SHORTEST_DAYS = 0.25
"""Shorter silences count as this: within a visit there is no rhythm."""
SURE_GAPS = 10.0
"""Gaps from which on a rhythm counts in full."""
LARGEST_LOGIT = 8.0
FARTHEST_Z = 30.0  # every bump is 0 there; the square must not overflow
CERTAIN_TO_STAY = 1e-9
LARGEST_LN = 25.0  # 70 billion days or events: a broken row, and expm1 must not overflow
LARGEST_Z = 8.0  # up to here erfc is exact, beyond it the asymptotic series is good to 1e-5
SEASONS_MS = 2 * 365 * DAY_MS
"""In less time a yearly season cannot be told from a trend."""
LARGEST_MEAN = 30.0  # of ln(days): exp must not overflow
PHASES = (-1.0, 0.0, 1.0, 2.0)
"""Early, on time, late, overdue: standard deviations from the usual gap."""
CYCLES_DAYS = (7.0, 1.0, 365.25)
"""Week, day and year."""
ROOT_TWO, _ROOT_HALF_PI = sqrt(2.0), sqrt(pi / 2)

Places = NDArray[np.intp]


def places(*names: str) -> Places:
    """Indexes of features in the vector."""
    return np.array([FEATURES.names.index(name) for name in names], dtype=np.intp)


def constant(value: float) -> Floats:
    """An array of one: numpy is slower with Python numbers, by more than one row's arithmetic."""
    return np.full(1, value)


ZERO, _LEAST_SPREAD, _SHORTEST_DAYS = map(constant, (0.0, LEAST_SPREAD, SHORTEST_DAYS))
_SURE_GAPS, _LARGEST_LN, _LARGEST_Z = map(constant, (SURE_GAPS, LARGEST_LN, LARGEST_Z))
_LARGEST_LOGIT, _CERTAIN_TO_STAY = map(constant, (LARGEST_LOGIT, -CERTAIN_TO_STAY))
_COUNTS = places("gap_count", "silence_days", "activity_count", "known_days")
_PLACES = {name: place for place, name in enumerate(FEATURES.names)}


class Population(NamedTuple):
    """The model's statistics of all customers that the basis of each one needs."""

    gap_mean: float = log(30.0)
    """Mean of ln(days) between visits."""
    gap_spread: float = 1.0
    """Its standard deviation."""
    since_ms: Millis | None = None
    """Time of the first example learnt."""


class Seen:
    r"""Rows of features, (n, features), and values that several derived columns share, each (n,).

    With ``n`` gaps of mean ``m`` and standard deviation ``s`` of ln(days), shrunk towards the
    population's ``m0`` and ``s0`` by two pseudo-gaps:

    .. math:: \mu = (n m + 2 m_0) / (n + 2), \quad
              \sigma^2 = ((n - 1) s^2 + 2 s_0^2) / (n + 1)

    ``z`` is the length of the silence in the customer's own rhythm, in standard deviations.
    """

    def __init__(
        self, rows: Floats, at_ms: Floats, horizon_days: float, population: Population
    ) -> None:
        self.measured = np.ascontiguousarray(rows.T)
        self.at_ms = at_ms
        since_ms = inf if population.since_ms is None else population.since_ms
        self.seasons = at_ms - since_ms >= SEASONS_MS
        gap_count, silent_days, self.activity_count, self.known_days = _undone(self.all(_COUNTS))
        self.sure = np.minimum(gap_count, _SURE_GAPS) / _SURE_GAPS
        self.mean, self.spread = self._rhythm(gap_count, population)
        now = np.log(np.maximum(silent_days, _SHORTEST_DAYS))
        self.z = (now - self.mean) / self.spread
        further = np.maximum(np.log(silent_days + horizon_days) - now, ZERO) / self.spread
        self.logit_silent = logit_silent(self.z, further)

    def __getitem__(self, name: str) -> Floats:
        """One feature of all rows."""
        column: Floats = self.measured[_PLACES[name]]
        return column

    def all(self, places: Places) -> Floats:
        """Several features of all rows, (len(places), n), in one look-up."""
        return self.measured.take(places, axis=0)

    def _rhythm(self, count: Floats, population: Population) -> tuple[Floats, Floats]:
        usual = np.where(count > ZERO, self["gap_usual"], ZERO)
        spread = self["gap_spread"]
        unknown = np.isnan(spread)
        freedom = np.where(unknown, ZERO, np.maximum(count - 1.0, ZERO))
        squares = freedom * np.where(unknown, ZERO, spread) ** 2
        mean = (count * usual + PSEUDO_GAPS * population.gap_mean) / (count + PSEUDO_GAPS)
        variance = (squares + PSEUDO_GAPS * population.gap_spread**2) / (freedom + PSEUDO_GAPS)
        return mean, np.maximum(np.sqrt(variance), _LEAST_SPREAD)


def logit_silent(z: Floats, further: Floats) -> Floats:
    r"""Log-odds that a log-normal silence now at ``z`` lasts to ``z + further``.

    .. math:: P = \Phi(-(z + f)) / \Phi(-z)

    >>> logit_silent(np.zeros(1), np.array([0.6744897501960817])).round(6)  # P = 1/2
    array([0.])
    """
    then, now = ln_tail(np.concatenate((z + further, z))).reshape(2, -1)
    # Strictly below 0, or the log-odds would be infinite.
    stays = np.minimum(then - now, _CERTAIN_TO_STAY)
    logit = stays - np.log(-np.expm1(stays))
    bounded: Floats = np.maximum(np.minimum(logit, _LARGEST_LOGIT), -_LARGEST_LOGIT)
    return bounded


def ln_tail(z: Floats) -> Floats:
    """Log of P(normal > z) up to a constant; by its asymptotic series for large z."""
    near = np.minimum(np.maximum(z, -_LARGEST_Z), _LARGEST_Z) / ROOT_TWO
    # numpy has no erfc.
    tails: Floats = np.log(np.array(list(map(erfc, near.tolist()))))
    beyond = z > _LARGEST_Z
    if beyond.any():
        far = z[beyond]
        part = 1 / (far * far)
        series = np.log1p(part * (-1 + part * (3 - 15 * part)))
        tails[beyond] = series - 0.5 * far * far - np.log(far * _ROOT_HALF_PI)
    return tails


def _undone(values: Floats) -> Floats:
    """Invert ln(1 + x) for any finite numbers; NaN stays NaN."""
    undone: Floats = np.expm1(np.minimum(np.maximum(values, ZERO), _LARGEST_LN))
    return undone
