"""Did the world change? River's ADWIN (Bifet & Gavalda 2007) over per-tick means.

A tick sees the customers whose day it is, so ticks of one week differ for ever without any drift;
the mean over a *round*, in which everybody came once, does not. ADWIN itself is compiled and cannot
be written out: a window of round means is kept instead, and a new detector reads it whenever a
round closes. So a drift is a function of the window.

Measured on 900 seeded series-years, 7 ticks a round (``tests/unit/streams/learn/test_drift.py``
keeps it true): false alarms a series and year, and the median number of rounds until a shift is
told, in standard deviations of the ticks' own spread.

=============================================  ============  =====  =====  =====
ticks                                          false alarms   1 sd   2 sd   4 sd
=============================================  ============  =====  =====  =====
independent of each other                             0.000     16      9      7
half that, half windows of 28 days                    0.040     42     15      9
nothing but windows of 28 days that overlap           0.064   none     18     10
slow swings (rounds AR(1), about 0.9)                 0.518     32     15      9
=============================================  ============  =====  =====  =====

A shift no larger than a series' own slow swings is mostly not told from them ("none": 39 in 100
within a year), and a swing over months is called drift every second year. That is what it looks
like.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import isfinite, sqrt
from typing import NamedTuple

from river import drift

from schemas.units import Millis
from streams.learn.watch import Series, Watch

CONFIDENCE = 1e-6  # ADWIN's delta; River's 0.002 is for independent values, rounds overlap
SHORTEST = 4  # rounds on either side of a change: one freak week is no drift
WINDOW = 104  # rounds
SCALE = 100.0  # ADWIN adds a term for values of range 1; in 100ths of an sd it vanishes
STILL = 1e-9  # a spread that is only rounding
LARGEST = 1e12  # what is larger counts as this; sums stay finite


class Drift(NamedTuple):
    """A series changed its level."""

    series: str
    before: float
    after: float
    """Mean round before the change and since, in the unit of the series."""
    at_tick: int
    """When it was noticed."""


def observe(
    watch: Watch, tick: int, at_ms: Millis, values: Mapping[str, float], n: int = 1
) -> list[Drift]:
    """Take in the means of one tick at ``at_ms``, over ``n`` examples each.

    Returns the drifts of the round that this tick closes, in the order of names; mostly none. A
    value that is not finite is left out. At ticks without examples nothing need be called.

    At 60 series about 40 us a tick, and 4 ms when a round closes: below 1 ms a daily tick.
    """
    number = at_ms // watch.round_ms
    found: list[Drift] = []
    if number > watch.current:
        found = _close(watch, tick)
        watch.current = number
    for name, value in values.items():
        if isfinite(value):
            series = watch.series.setdefault(name, Series())
            series.total += n * min(LARGEST, max(-LARGEST, value))
            series.weight += n
    return found


def _close(watch: Watch, tick: int) -> list[Drift]:
    found = []
    for name, series in sorted(watch.series.items()):
        if not series.weight:
            continue
        series.rounds = [*series.rounds[1 - WINDOW :], series.total / series.weight]
        series.total = series.weight = 0.0
        start = change(series.rounds)
        if start:
            before, after = series.rounds[:start], series.rounds[start:]
            found.append(Drift(name, _mean(before), _mean(after), tick))
            series.rounds = []  # what is usual is learnt anew: one change is told once
    return found


def change(rounds: Sequence[float]) -> int:
    """Where the new level begins, if ADWIN sees one; 0 where it sees none.

    ADWIN forgets bucket by bucket and does not say where; it is where two levels fit the rounds
    best (least squares; Hinkley 1970, Biometrika 57). Below 32 rounds no change is large enough.

    >>> change([0.0, 0.1] * 20 + [0.5, 0.6] * 6)
    40
    """
    if len(rounds) < 2 * SHORTEST:
        return 0
    mean = _mean(rounds)
    spread = sqrt(sum((value - mean) ** 2 for value in rounds) / (len(rounds) - 1))
    if spread <= STILL * max(1.0, abs(mean)):
        return 0
    standard = [(value - mean) / spread for value in rounds]
    return _best_cut(standard) if _detected(standard) else 0


def _detected(standard: Sequence[float]) -> bool:
    detector = drift.ADWIN(delta=CONFIDENCE, clock=1, min_window_length=SHORTEST)
    for value in standard:
        detector.update(value * SCALE)
        if detector.drift_detected:
            return True
    return False


def _best_cut(standard: Sequence[float]) -> int:
    """The cut that explains most: largest (sum before)^2 / (k (n - k)), the whole sum being 0."""
    n = len(standard)
    sums = list(accumulate(standard))
    return max(range(SHORTEST, n - SHORTEST + 1), key=lambda k: sums[k - 1] ** 2 / (k * (n - k)))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
