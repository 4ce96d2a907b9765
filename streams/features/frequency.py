"""Frequency of signs of life, in total and recently."""

from math import log1p

from touchstream.schemas.emissions.risk import ReasonKind
from touchstream.streams.features.fact import (
    Fact,
    Statement,
    days_since,
    incomparable,
    of_window,
    summed,
)
from touchstream.streams.features.feature import LN_COUNT, Feature
from touchstream.streams.features.recency import SILENCE
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


def _signs(view: View, kind: ReasonKind, amount: float, window_days: float) -> Fact | None:
    """Signs of life in a window as long as the half-life of ``amount``."""
    profile = view.profile
    if view.silence_days is None or profile.first_active_ms is None:
        return None
    known_days = days_since(view, profile.first_active_ms)
    count = view.activity_count
    return summed(kind, "count", amount, count, view.silence_days, window_days, known_days)


def _signs_7_days(view: View) -> Fact | None:
    return _signs(view, "activity_7_days", view.active_week, 7)


def _signs_28_days(view: View) -> Fact | None:
    return _signs(view, "activity_28_days", view.active_month, 28)


def _signs_91_days(view: View) -> Fact | None:
    return _signs(view, "activity_91_days", view.active_quarter, 91)


FEATURES = (
    Feature(activity_count, LN_COUNT, "signs of life so far", ("activity",), ages=True),
    Feature(
        activity_week,
        LN_COUNT,
        "signs of life, half-life 7 d",
        ("activity",),
        # A fading count is low because of the silence.
        says=(Statement(_signs_7_days, of_window), SILENCE),
    ),
    Feature(
        activity_month,
        LN_COUNT,
        "signs of life, half-life 28 d",
        ("activity",),
        says=(Statement(_signs_28_days, of_window), SILENCE),
    ),
    Feature(
        activity_quarter,
        LN_COUNT,
        "signs of life, half-life 91 d",
        ("activity",),
        ages=True,
        # Against other customers a quarter says only how long the customer is known.
        says=(Statement(_signs_91_days, incomparable),),
    ),
    Feature(activity_year, LN_COUNT, "signs of life, half-life 364 d", ("activity",), ages=True),
)
"""Function, unit, text, and the event families that it is derived from."""
