"""Frequency of signs of life, in total and recently."""

from math import log1p

from touchstream.streams.features.feature import LN_COUNT, Feature
from touchstream.streams.features.view import View


def activity_count(view: View) -> float:
    """ln(1 + signs of life so far).

    >>> view = seen("d9", event("web.visit", "d0"), event("web.visit", "d1"))
    >>> round(expm1(activity_count(view)), 9)
    2.0
    """
    return log1p(view.activity_count)


def activity_week(view: View) -> float:
    """ln(1 + signs of life with a half-life of 7 d).

    >>> view = seen("d7", event("web.visit", "d0"), event("web.visit", "d7"))
    >>> round(expm1(activity_week(view)), 9)
    1.5
    """
    return log1p(view.active_week)


def activity_month(view: View) -> float:
    """ln(1 + signs of life with a half-life of 28 d).

    >>> view = seen("d28", event("web.visit", "d0"), event("web.visit", "d28"))
    >>> round(expm1(activity_month(view)), 9)
    1.5
    """
    return log1p(view.active_month)


def activity_quarter(view: View) -> float:
    """ln(1 + signs of life with a half-life of 91 d).

    >>> view = seen("d91", event("web.visit", "d0"), event("web.visit", "d91"))
    >>> round(expm1(activity_quarter(view)), 9)
    1.5
    """
    return log1p(view.active_quarter)


def activity_year(view: View) -> float:
    """ln(1 + signs of life with a half-life of 364 d).

    >>> view = seen("d364", event("web.visit", "d0"), event("web.visit", "d364"))
    >>> round(expm1(activity_year(view)), 9)
    1.5
    """
    return log1p(view.active_year)


FEATURES = (
    Feature(activity_count, LN_COUNT, "signs of life so far", ("activity",), ages=True),
    Feature(activity_week, LN_COUNT, "signs of life in the last week", ("activity",)),
    Feature(activity_month, LN_COUNT, "signs of life in the last month", ("activity",)),
    Feature(
        activity_quarter, LN_COUNT, "signs of life in the last quarter", ("activity",), ages=True
    ),
    Feature(activity_year, LN_COUNT, "signs of life in the last year", ("activity",), ages=True),
)
"""Function, unit, text, and the event families that it is derived from."""
