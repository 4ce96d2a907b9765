"""Silence, and the customer's usual rhythm of visits."""

from math import exp, expm1, inf, log1p, sqrt

from touchstream.streams.features.fact import Fact, Statement, exactly
from touchstream.streams.features.feature import LN_COUNT, LN_DAYS, Feature
from touchstream.streams.features.view import View


def silence_days(view: View) -> float | None:
    """ln(1 + days since the last sign of life); missing before the first.

    >>> view = seen("d9", event("web.visit", "d1"), event("email.delivered", "d5"))
    >>> round(expm1(silence_days(view)), 9)
    8.0
    """
    return None if view.silence_days is None else log1p(view.silence_days)


def known_days(view: View) -> float:
    """ln(1 + days since the first event).

    >>> view = seen("d9", event("email.delivered", "d1"))
    >>> round(expm1(known_days(view)), 9)
    8.0
    """
    return log1p(view.known_days)


def gap_count(view: View) -> float:
    """ln(1 + gaps between visits so far).

    >>> view = seen(
    ...     "d9",
    ...     event("web.visit", "d1"),
    ...     event("web.visit", "d2"),
    ...     event("web.visit", "d5"),
    ... )
    >>> round(expm1(gap_count(view)), 9)
    2.0
    """
    return 0.0 if view.rhythm is None else log1p(view.rhythm.count)


def gap_usual(view: View) -> float | None:
    """Mean of ln(days) over the gaps between visits; missing before the second visit.

    >>> view = seen(
    ...     "d9",
    ...     event("web.visit", "d0"),
    ...     event("web.visit", "d2"),
    ...     event("web.visit", "d10"),
    ... )
    >>> round(exp(gap_usual(view)), 9)
    4.0
    """
    return None if view.rhythm is None else view.rhythm.mean


def gap_spread(view: View) -> float | None:
    """Standard deviation of ln(days) over the gaps; missing before the third visit.

    >>> view = seen(
    ...     "d9",
    ...     event("web.visit", "d0"),
    ...     event("web.visit", "d2"),
    ...     event("web.visit", "d10"),
    ... )
    >>> round(gap_spread(view), 9)
    0.980258143
    """
    rhythm = view.rhythm
    if rhythm is None or rhythm.count == 1:
        return None
    return sqrt(rhythm.squares / (rhythm.count - 1))


def gap_last(view: View) -> float | None:
    """ln(days) of the newest gap between visits; missing before the second visit.

    >>> view = seen(
    ...     "d9",
    ...     event("web.visit", "d0"),
    ...     event("web.visit", "d2"),
    ...     event("web.visit", "d10"),
    ... )
    >>> round(exp(gap_last(view)), 9)
    8.0
    """
    return None if view.rhythm is None else view.rhythm.last


LEAST_GAPS = 3
"""Fewer gaps between visits are no habit."""


def _silence(view: View) -> Fact | None:
    """Days since the last sign of life, against the customer's own gaps."""
    if view.silence_days is None:
        # Before the first sign of life all that is known of the customer is silence.
        known_days = view.known_days
        return Fact("silence", "days", known_days, inf, "above", ordinary=0.0)
    rhythm = view.rhythm
    usual = None if rhythm is None or rhythm.count < LEAST_GAPS else exp(rhythm.mean)
    return exactly("silence", "days", view.silence_days, "above", usual=usual, ordinary=0.0)


SILENCE = Statement(_silence, expm1, of="silence_days")


FEATURES = (
    Feature(
        silence_days,
        LN_DAYS,
        "time since the last sign of life",
        ("activity",),
        says=(SILENCE,),
    ),
    Feature(known_days, LN_DAYS, "time since the first event", (), ages=True),
    Feature(gap_count, LN_COUNT, "number of visits in rhythm", ("activity",), ages=True),
    Feature(gap_usual, "ln(d)", "usual time between visits", ("activity",), ages=True),
    Feature(gap_spread, "ln ratio", "how irregular the visits are", ("activity",), ages=True),
    Feature(gap_last, "ln(d)", "time between the last two visits", ("activity",)),
)
"""Function, unit, text, and the event families that it is derived from."""
