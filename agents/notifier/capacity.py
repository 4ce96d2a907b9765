"""Which alerts are worth one of a day's pushes: by priority, not by arrival.

A push cannot be taken back, so the day's best are not known when they come. The last week tells: of
n alerts a day, of which c may be pushed, those above the priority that c a day exceeded. As long as
no more come than may be pushed, all are.
"""

from collections.abc import Sequence

from touchstream.schemas.units import DAY_MS, Millis

WEEK_MS = 7 * DAY_MS
MOST_REMEMBERED = 2_000
"""Priorities of a recipient; a person with more alerts in a week reads none of them."""

Recent = tuple[tuple[Millis, float], ...]


def remembered(recent: Recent, now_ms: Millis, score: float) -> Recent:
    """The priorities of the last week with one more."""
    kept = [one for one in recent if one[0] > now_ms - WEEK_MS]
    return (*kept[-(MOST_REMEMBERED - 1) :], (now_ms, score))


def threshold(recent: Recent, now_ms: Millis, per_day: int) -> float:
    """The least priority that is pushed; 0: all are.

    >>> day = [(Millis(hour * 3_600_000), float(hour)) for hour in range(24)]
    >>> threshold(tuple(day), Millis(DAY_MS), 24), threshold(tuple(day), Millis(DAY_MS), 4)
    (0.0, 20.0)
    """
    scores = sorted((score for at, score in recent if at > now_ms - WEEK_MS), reverse=True)
    if not scores:
        return 0.0
    days = min(7.0, max(1.0, (now_ms - recent[0][0]) / DAY_MS))
    allowed = int(per_day * days)
    if len(scores) <= allowed:
        return 0.0
    return scores[allowed - 1] if allowed else float("inf")


def chosen(scores: Sequence[float], recent: Recent, now_ms: Millis, left: int, per_day: int) -> int:
    """How many of these priorities, highest first, are pushed now, with ``left`` pushes left."""
    least = threshold(recent, now_ms, per_day)
    # Nothing is left, and less than nothing, once an operator has lowered the capacity.
    return max(0, min(left, sum(score >= least for score in scores)))
