"""How often there were signs of life, in all and lately."""

from math import log, log1p

from streams.features.view import View


def activity_count(view: View) -> float:
    """ln(1 + signs of life so far)."""
    return log1p(view.activity_count)


def activity_repeated(view: View) -> float:
    """1 from the second sign of life on, else 0."""
    return 1.0 if view.activity_count > 1 else 0.0


def activity_week(view: View) -> float:
    """ln(1 + signs of life with a half-life of 7 d)."""
    return log1p(view.active_week)


def activity_month(view: View) -> float:
    """ln(1 + signs of life with a half-life of 28 d)."""
    return log1p(view.active_month)


def activity_quarter(view: View) -> float:
    """ln(1 + signs of life with a half-life of 91 d)."""
    return log1p(view.active_quarter)


def activity_rate(view: View) -> float:
    """ln(1 + signs of life per 28 d since the first event), that time counted as 28 d longer."""
    return log1p(view.activity_count * 28 / (view.known_days + 28))


def activity_trend(view: View) -> float | None:
    """ln((1 + month's) / (1 + quarter's decayed count)), missing without any sign of life.

    It falls as signs of life thin out.
    """
    if not view.activity_count:
        return None
    return log((1 + view.active_month) / (1 + view.active_quarter))
