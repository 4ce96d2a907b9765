"""A customer's rhythm: running statistics of the gaps between their visits.

Gaps are approximately log-normal in purchase and contact logs, so mean and spread are those of
ln(days). Signs of life within :data:`VISIT_MS` of each other are one visit: a burst of clicks does
not predict the next visit. Gaps follow the order of arrival; late events do not change them.
"""

from math import log

from msgspec import Struct

from touchstream.schemas.units import DAY_MS, HOUR_MS, Millis

VISIT_MS = 6 * HOUR_MS


class Rhythm(Struct, frozen=True, array_like=True, gc=False):
    """Mean and spread of ln(gap in days), by Welford's recurrence (1962)."""

    count: int
    """Gaps so far."""
    mean: float
    squares: float
    """Sum of squared deviations from the mean."""
    last: float
    """ln(days) of the newest gap."""


def after_gap(rhythm: Rhythm | None, gap_ms: Millis | int) -> Rhythm | None:
    """The rhythm after a sign of life ``gap_ms`` after the newest one so far.

    >>> after_gap(after_gap(None, DAY_MS), DAY_MS)
    Rhythm(count=2, mean=0.0, squares=0.0, last=0.0)
    >>> after_gap(None, 60_000) is None
    True
    """
    if gap_ms < VISIT_MS:
        return rhythm
    gap = log(gap_ms / DAY_MS)
    if rhythm is None:
        return Rhythm(1, gap, 0.0, gap)
    count = rhythm.count + 1
    off = gap - rhythm.mean
    mean = rhythm.mean + off / count
    return Rhythm(count, mean, rhythm.squares + off * (gap - mean), gap)
