"""Facts: what a feature measures, in natural units and true of the profile, to be told to a person.

A feature is made for a model: a logarithm, a decayed sum. A fact is made for a sentence: a count in
a window, a duration, a date. Where the profile cannot give a number exactly, the fact holds the
range that certainly contains it.
"""

from collections.abc import Callable
from math import ceil, expm1, floor, inf, log, nan
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct

from touchstream.schemas.emissions.risk import ReasonKind, ReasonUnit
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.profiles.recent import MOST_OF_A_KIND, WINDOW_DAYS, Rare, count_of

if TYPE_CHECKING:
    from touchstream.streams.features.view import View

Side = Literal["above", "below", "either"]
"""The side of the usual value on which a fact can be a reason for leaving."""

KNOWN_WINDOWS = 3
"""An own average over fewer windows than this is no habit."""

NEWS_DAYS = 28
"""A single event that is older is no news, however bad it was."""

_ROUNDING = 1e-9
"""Relative error of a decayed sum, with room to spare."""


class Fact(Struct, frozen=True, gc=False):
    """One fact about a customer at a moment."""

    kind: ReasonKind
    unit: ReasonUnit
    low: float
    high: float
    """``low <= value <= high``, in ``unit``; equal where the value is known exactly."""
    raises: Side
    usual: float | None = None
    """The customer's own usual value, None if the profile does not know it."""
    at_ms: Millis | None = None
    """The event that the fact is about, if it is about one."""
    currency: str | None = None
    ordinary: float | None = None
    """Compared with where no usual value is known; None: then there is nothing to tell."""


class Statement(NamedTuple):
    """How a feature is told: its fact, and the average customer's value of it."""

    fact: Callable[["View"], Fact | None]
    """None: there is nothing to tell now."""
    usual: Callable[[float], float]
    """From the feature's mean over the model's examples to the fact's unit; NaN: not comparable."""
    of: str | None = None
    """The feature whose mean that is; None: the feature itself."""


def exactly(
    kind: ReasonKind,
    unit: ReasonUnit,
    value: float,
    raises: Side,
    *,
    usual: float | None = None,
    at_ms: Millis | None = None,
    ordinary: float | None = None,
) -> Fact:
    """A fact whose value is known exactly."""
    return Fact(kind, unit, value, value, raises, usual, at_ms, None, ordinary)


def counted(view: "View", kind: ReasonKind, rare: Rare, *, count: int | None = None) -> Fact:
    """The number of rare events in the last 28 days; ``count``: of all so far, if it is known."""
    number = count_of(view.profile.recent, rare, view.at_ms)
    usual = None
    if count is not None and view.known_days >= KNOWN_WINDOWS * WINDOW_DAYS:
        # Without the window itself, which would be compared with itself.
        usual = (count - number) * WINDOW_DAYS / (view.known_days - WINDOW_DAYS)
    high = inf if number == MOST_OF_A_KIND else number
    return Fact(kind, "count", number, high, "above", usual, ordinary=0.0)


def summed(
    kind: ReasonKind,
    unit: ReasonUnit,
    amount: float,
    total: float,
    newest_days: float,
    window_days: float,
    known_days: float,
    raises: Side = "below",
    *,
    outside: float = 0.5,
    currency: str | None = None,
) -> Fact:
    """What certainly follows from a decayed sum about a window that ends now.

    Parameters
    ----------
    amount
        The decayed sum A: every unit weighs more than ``outside`` within the window, and at most
        that before it.
    total
        The same sum without decay, N.
    newest_days, known_days
        Age of the newest part, and of the oldest or more.

    Notes
    -----
    With n in the window, A <= n + outside (N - n) and A > outside n, so

        (A - outside N) / (1 - outside) <= n < A / outside,

    n is 0 if the newest part is older than the window, and N if all history is younger. Two events
    of today and one of 56 days ago are a sum of 2.25:

    >>> fact = summed("web_28_days", "count", 2.25, 3, 0.0, 28, 56)
    >>> fact.low, fact.high
    (2, 3)
    """
    low = high = 0
    if known_days < window_days:
        low = high = int(total)
    elif newest_days < window_days:
        room = _ROUNDING * (1.0 + total)
        high = min(int(total), floor(amount / outside + room))
        low = max(1, ceil((amount - outside * total) / (1.0 - outside) - room))
    usual = None
    if known_days >= KNOWN_WINDOWS * window_days:
        usual = total * window_days / known_days
    return Fact(kind, unit, min(low, high), high, raises, usual, None, currency)


def days_since(view: "View", at_ms: Millis) -> float:
    """Days from a moment to the view's, never negative."""
    return max(0, view.at_ms - at_ms) / DAY_MS


def same(mean: float) -> float:
    """For features in the fact's own unit."""
    return mean


def of_window(mean: float) -> float:
    """Events in a window as long as the half-life, from the mean of ln(1 + decayed sum).

    A steady rate r fills a sum of half-life H to r H / ln 2.

    >>> round(of_window(log(1 + 4 / log(2))), 9)
    4.0
    """
    return log(2) * expm1(mean)


def none_or_unknown(mean: float) -> float:
    """0 if even the wider kind of events that the feature sums is rare, else not comparable."""
    return 0.0 if of_window(mean) < 0.5 else nan  # noqa: PLR2004 - rounds to none


def incomparable(_: float) -> float:
    """For facts that other customers say nothing about."""
    return nan
