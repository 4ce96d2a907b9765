"""The basis of a single row in plain floats, bit for bit equal to ``streams/learn/basis.py``.

A numpy call costs as much for one row as for ten, and a wave of one customer would make sixty of
them. Sums and products use Python floats, the same IEEE doubles. Transcendental functions (exp, ln,
sine) must be numpy's, because the last bit differs from libm; they are called on several values at
once. ``tests/laws/test_basis_laws.py`` checks that both agree.
"""

from collections.abc import Sequence
from math import erfc, inf, isnan, nan, pi, sqrt

import numpy as np

from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.basis import MAY_MISS, PRODUCTS, RATIOS
from touchstream.streams.learn.seen import (
    CERTAIN_TO_STAY,
    CYCLES_DAYS,
    FARTHEST_Z,
    LARGEST_LN,
    LARGEST_LOGIT,
    LARGEST_MEAN,
    LARGEST_Z,
    LEAST_SPREAD,
    PHASES,
    PSEUDO_GAPS,
    ROOT_TWO,
    SEASONS_MS,
    SHORTEST_DAYS,
    SURE_GAPS,
    Population,
    ln_tail,
)

_WIDTH = len(FEATURES.names)
_SILENCE, _KNOWN, _GAPS, _USUAL, _SPREAD, _COUNT, _RUNNING = (
    FEATURES.names.index(name)
    for name in (
        "silence_days",
        "known_days",
        "gap_count",
        "gap_usual",
        "gap_spread",
        "activity_count",
        "subscription_running",
    )
)


def _pairs(names: Sequence[tuple[str, str]]) -> list[tuple[int, int]]:
    return [(FEATURES.names.index(one), FEATURES.names.index(other)) for one, other in names]


_PRODUCTS, _RATIOS = _pairs(PRODUCTS), _pairs(RATIOS)
_MAY_MISS = [FEATURES.names.index(name) for name in MAY_MISS]


def expand_one(
    row: Sequence[float], at_ms: Millis, horizon_days: float, population: Population
) -> list[float]:
    """All columns of one row; see ``expand``.

    About 20 us. Raises ``ValueError`` if the length of the row is not that of the feature list.
    """
    if len(row) != _WIDTH:
        raise ValueError(f"a row of {len(row)} features, want {_WIDTH}")
    counts = [_within(row[place], 0.0, LARGEST_LN) for place in (_GAPS, _SILENCE, _COUNT, _KNOWN)]
    gap_count, silent_days, count, known_days = np.expm1(counts).tolist()
    sure = _at_most(gap_count, SURE_GAPS) / SURE_GAPS
    mean, spread = rhythm_of(gap_count, row[_USUAL], row[_SPREAD], population)
    days = [_at_least(silent_days, SHORTEST_DAYS), silent_days + horizon_days]
    now, then = np.log(days).tolist()
    z = (now - mean) / spread
    silent = _logit_silent(z, _at_least(then - now, 0.0) / spread)
    usual, *bumps = _usual_and_bumps(mean, z)
    one_more = [usual, count * 28 / (known_days + 28)]
    ln_usual, rate = np.log1p(one_more).tolist()
    slopes = [row[nearer] - row[farther] for nearer, farther in _RATIOS]
    running = row[_RUNNING] * row[_SILENCE]
    return [
        1.0,
        *row,
        *(row[_SILENCE] - ln_usual, mean, spread, z, sure, silent, silent * sure),
        *bumps,
        *[bump * sure for bump in bumps],
        *(*slopes[:3], rate, slopes[3]),
        *[row[left] * row[right] for left, right in _PRODUCTS],
        *(running, running * row[_SILENCE]),
        *[0.0 if isnan(row[place]) else 1.0 for place in _MAY_MISS],
        *_seasons(at_ms, population.since_ms),
    ]


def rhythm_of(
    count: float, usual: float, spread: float, population: Population
) -> tuple[float, float]:
    """Mean and spread of a customer's ln(days) between visits, shrunk towards the population's.

    ``count`` gaps of mean ``usual`` and standard deviation ``spread``, NaN where there is none; see
    :class:`touchstream.streams.learn.seen.Seen`.
    """
    freedom = squares = 0.0
    if not isnan(spread):
        freedom = _at_least(count - 1.0, 0.0)
        # Not ``** 2``: numpy multiplies, and the last bit of pow() may differ.
        squares = freedom * (spread * spread)
    own = count * (usual if count > 0 else 0.0)
    mean = (own + PSEUDO_GAPS * population.gap_mean) / (count + PSEUDO_GAPS)
    variance = (squares + PSEUDO_GAPS * population.gap_spread**2) / (freedom + PSEUDO_GAPS)
    return mean, _at_least(sqrt(variance), LEAST_SPREAD)


def _logit_silent(z: float, further: float) -> float:
    farther = z + further
    if farther > LARGEST_Z or z > LARGEST_Z:
        then, now = ln_tail(np.array([farther, z])).tolist()
    else:
        tails = [erfc(_at_least(one, -LARGEST_Z) / ROOT_TWO) for one in (farther, z)]
        then, now = np.log(tails).tolist()
    stays = _at_most(then - now, -CERTAIN_TO_STAY)
    logit = stays - float(np.log(-np.expm1(stays)))
    return _within(logit, -LARGEST_LOGIT, LARGEST_LOGIT)


def _usual_and_bumps(mean: float, z: float) -> list[float]:
    near = _within(z, -FARTHEST_Z, FARTHEST_Z)
    off = [near - phase for phase in PHASES]
    powers = [_at_most(mean, LARGEST_MEAN), *[-0.5 * (one * one) for one in off]]
    found: list[float] = np.exp(powers).tolist()
    return found


def _seasons(at_ms: Millis, since_ms: Millis | None) -> list[float]:
    turn = 2 * pi * (at_ms / DAY_MS)
    turns = np.array([turn / days for days in CYCLES_DAYS])
    sines, cosines = np.sin(turns).tolist(), np.cos(turns).tolist()
    if at_ms - (inf if since_ms is None else since_ms) < SEASONS_MS:
        sines[-1] = cosines[-1] = nan
    return [one for both in zip(sines, cosines, strict=True) for one in both]


# Comparisons with NaN are false, so NaN passes through, as in numpy's maximum and minimum.
def _at_least(value: float, bound: float) -> float:
    return bound if value < bound else value


def _at_most(value: float, bound: float) -> float:
    return bound if value > bound else value


def _within(value: float, low: float, high: float) -> float:
    return low if value < low else high if value > high else value
