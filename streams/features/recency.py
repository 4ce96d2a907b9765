"""How long it has been silent, and how that compares with what is usual for this customer."""

from math import log, log1p

from schemas.units import DAY_MS
from streams.features.view import View


def silence_days(view: View) -> float | None:
    """ln(1 + days since the last sign of life); missing for who never gave one."""
    return None if view.silence_days is None else log1p(view.silence_days)


def known_days(view: View) -> float:
    """ln(1 + days since the first event)."""
    return log1p(view.known_days)


def silence_over_gap(view: View) -> float | None:
    """ln((silence + 1 d) / (mean gap + 1 d)), missing before a second sign of life.

    0 is the usual rhythm.
    """
    activity, first_ms = view.profile.activity, view.profile.first_active_ms
    if activity is None or first_ms is None or view.silence_days is None or activity.count == 1:
        return None
    gap_days = (activity.at_ms - first_ms) / (activity.count - 1) / DAY_MS
    return log((view.silence_days + 1) / (gap_days + 1))
