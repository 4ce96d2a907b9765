"""Did the world change? River's Page-Hinkley test (Page 1954) over rounds, in units of chance.

A tick sees the customers whose day it is, so ticks of one week differ for ever without any drift;
the mean over a *round*, in which everybody came once, does not. The means of 52 rounds are kept,
and whenever a round closes a new detector reads them: a drift is a function of the window.

What is usual is the level before the best cut; how far a round may lie off it is what chance does,
the larger of two: the swing of the rounds within the two sides of the cut, so that the change is
not in it, taken for as long as rounds hang together; and 1.5 standard errors of a round's mean over
its customers, because those of another month may be others. With a slack of 1 and no round counting
for more than 2.75, at least three rounds must agree.

Measured on 900 series-years of 100 customers each (``tests/unit/streams/learn/test_drift.py`` keeps
it true): false alarms a series and year, and the median number of rounds until a shift is told, in
standard errors of a round.

=====================================================  ============  ====  ====  =====
rounds                                                 false alarms  3 se  5 se  10 se
=====================================================  ============  ====  ====  =====
of customers who are others every time                        0.000     4     3      3
of customers who stay, 1 in 50 a round is replaced            0.002    10     3      3
of windows that overlap, each in four rounds                  0.013    22     5      3
the first, and all swing together (AR(1) .9, 2 se)            0.81     14     5      3
=====================================================  ============  ====  ====  =====

What everybody does together for months and undoes again is called drift: that is what it looks
like.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from math import sqrt
from typing import NamedTuple

from river import drift

from touchstream.schemas.units import Millis
from touchstream.streams.learn.drift_state import DriftState, Series

LEAST = 12  # rounds, before which nothing is usual
SHORTEST = 3  # rounds on either side of a change
WINDOW = 52  # rounds
SLACK = 1.0  # Page-Hinkley's delta: what a round may be off its usual level
THRESHOLD = 3.5  # its lambda: what such rounds may add up to
FARTHEST = 2.75  # no round counts for more, so that two cannot make a drift
CHANCE = 1.5  # standard errors; two levels of other customers lie sqrt(2) apart by chance
MOST = 1_000  # customers: of more, a mean that moves by 1/30 of their spread is worth no word
STILL = 1e-6  # a scale that is only rounding: rounds are kept as single floats
MOST_ALIKE = 0.95  # what rounds may have in common with the one before
MEMORY = 10  # rounds
LARGEST = 1e12  # what is larger is left out; sums of squares stay finite


class Drift(NamedTuple):
    """A series changed its level."""

    series: str
    before: float
    after: float
    """Mean round before the change and since, in the unit of the series."""
    at_tick: int
    """When it was noticed."""


def update_drift(
    drift_state: DriftState, tick: int, at_ms: Millis, values: Mapping[str, Sequence[float]]
) -> list[Drift]:
    """Take in what one tick's customers had of each series at ``at_ms``.

    Returns the drifts of the round that this tick closes, in the order of names; mostly none. A
    value that is not finite is left out. At ticks without examples nothing need be called.
    """
    number = at_ms // drift_state.round_ms
    found: list[Drift] = []
    if number > drift_state.current:
        found = _close(drift_state, tick)
        drift_state.current = number
    for name, column in values.items():
        present = [value for value in column if -LARGEST <= value <= LARGEST]
        if present:
            series = drift_state.series.setdefault(name, Series())
            series.n += len(present)
            series.total += sum(present)
            series.squares += sum(value * value for value in present)
    return found


def _close(drift_state: DriftState, tick: int) -> list[Drift]:
    found = []
    for name, series in sorted(drift_state.series.items()):
        if not series.n:
            continue
        _end_round(series)
        rounds = series.rounds
        start = change(rounds, series.variance)
        if start:
            found.append(Drift(name, _mean(rounds[:start]), _mean(rounds[start:]), tick))
            series.rounds = ()  # what is usual is learnt anew: one change is told once
    return found


def _end_round(series: Series) -> None:
    mean = series.total / series.n
    series.rounds = (*series.rounds[1 - WINDOW :], mean)
    if series.n > 1:
        variance = max(0.0, series.squares / series.n - mean * mean) / min(MOST, series.n - 1)
        weight = 1 / MEMORY if series.variance else 1.0
        series.variance += weight * (variance - series.variance)
    series.n, series.total, series.squares = 0, 0.0, 0.0


def change(rounds: Sequence[float], variance: float = 0.0) -> int:
    """Where the new level begins, if Page-Hinkley sees one; 0 where it sees none.

    ``variance`` is of a round's mean, by the choice of customers alone. The test does not say
    where; it is where two levels fit the rounds best (least squares; Hinkley 1970, Biometrika 57).

    >>> change([0.0, 0.1] * 20 + [0.5, 0.6] * 2)
    40
    """
    if len(rounds) < LEAST:
        return 0
    split = _best_cut(rounds)
    usual = _mean(rounds[:split])
    scale = max(_swing(rounds, split), CHANCE * sqrt(variance), STILL * max(1.0, abs(usual)))
    detector = drift.PageHinkley(LEAST, SLACK, THRESHOLD)
    for mean in rounds:
        detector.update(max(-FARTHEST, min(FARTHEST, (mean - usual) / scale)))
        if detector.drift_detected:
            return split
    return 0


def _best_cut(rounds: Sequence[float]) -> int:
    """The cut that explains most: largest (sum before)^2 / (k (n - k)), the whole sum being 0."""
    n, mean = len(rounds), _mean(rounds)
    sums = list(accumulate(value - mean for value in rounds))
    return max(range(SHORTEST, n - SHORTEST + 1), key=lambda k: sums[k - 1] ** 2 / (k * (n - k)))


def _swing(rounds: Sequence[float], split: int) -> float:
    r"""How far a level wanders by itself: the long-run standard deviation of rounds on both sides.

    .. math:: s \sqrt{(1 + \rho) / (1 - \rho)}

    if each has :math:`\rho` of the one before (an AR(1); its estimate is too low by
    (1 + 4 rho) / n: Marriott & Pope 1954, Biometrika 41). The change itself is not in it.
    """
    n = len(rounds)
    sides = [[v - _mean(side) for v in side] for side in (rounds[:split], rounds[split:])]
    squares = sum(off * off for side in sides for off in side)
    if not squares:
        return 0.0
    alike = sum(one * next_ for side in sides for one, next_ in pairwise(side)) / squares
    alike = max(0.0, min(MOST_ALIKE, alike + (1 + 4 * alike) / n))
    return sqrt(squares / (n - 2) * (1 + alike) / (1 - alike))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
