"""The structure of an explanation, with feature values in natural units."""

from collections.abc import Callable
from math import exp, expm1, isnan

from msgspec import Struct

from touchstream.schemas.emissions.risk import Reason
from touchstream.schemas.units import Millis

PLAIN: dict[str, tuple[Callable[[float], float], str]] = {
    "ln(1+d)": (expm1, "days"),
    "ln(d)": (exp, "days"),
    "d": (float, "days"),
    "ln(1+s)": (expm1, "seconds"),
    "ln(1+n)": (expm1, ""),
    "n": (float, ""),
    "ln(1+minor)": (expm1, "minor units"),
    "ln ratio": (exp, "times"),
    "0..1": (float, "of 1"),
    "0/1": (float, "(1 = yes)"),
}
"""Feature unit -> inverse transform and natural unit."""


class Part(Struct, frozen=True, kw_only=True):
    """One feature's part of a reason. Values are in ``unit``, None if missing."""

    feature: str
    text: str
    """The feature in words."""
    unit: str
    value: float | None
    typical: float | None
    """Mean over the examples, averaged on the model's scale."""
    contribution: float
    """Log-odds added relative to the average example."""


class ExplainedReason(Part, frozen=True, kw_only=True):
    """The joint contribution of all features derived from the same kinds of events.

    Name and value are those of the feature in the sentence; without a sentence, of the one that
    contributes most in the direction of the sum. ``contribution`` is the sum.
    """

    sentence: str | None = None
    """The fact in words, as in ``churn.risk_changed``; None: there is nothing to tell."""
    fact: Reason | None = None
    """The same with its typed parts, for other languages."""

    change: float | None
    """Change of the contribution since the last emission; None if there is none to compare with."""
    about: tuple[str, ...]
    """Event families behind it; empty: it rests on no events and cannot be verified."""
    parts: tuple[Part, ...]
    """Contributions of the features, largest first."""
    events: int | None = None
    """Number of events behind it; None if there are none, or before verification."""
    risk_without: float | None = None
    """The risk without them."""
    moved: float | None = None
    """Change of the log-odds without them."""
    verified: bool | None = None
    """The log-odds moved against the contribution."""


class Proof(Struct, frozen=True, kw_only=True):
    """The history that the reasons were verified with."""

    events: int
    """Number of applied events."""
    first_ms: Millis | None
    differing: tuple[str, ...]
    """Features whose value differs from the stored state; empty: the history is complete."""


class Before(Struct, frozen=True, kw_only=True):
    """The last emission."""

    at_ms: Millis
    risk: float | None


class Explanation(Struct, frozen=True, kw_only=True):
    """A risk with its interval and its reasons."""

    target: str
    at_ms: Millis
    """Time of the score."""
    risk: float
    low: float
    high: float
    """``low`` to ``high``: 90 % interval of the customer's probability."""
    n: int
    """Matured examples behind the model."""
    log_odds: float
    rest: float
    """Log-odds of no feature: those of the average example, and the season's."""
    before: Before | None
    reasons: tuple[ExplainedReason, ...]
    """Largest first."""
    proof: Proof | None = None


def plain(unit: str, value: float) -> float | None:
    """A feature's value in its natural unit; None if missing.

    >>> plain("ln(1+d)", 2.3978952727983707), plain("ln(1+d)", float("nan"))
    (10.0, None)
    """
    undo, _ = PLAIN[unit]
    # Half floats have three digits; more would be noise.
    return None if isnan(value) else round(float(f"{undo(value):.3g}"), 2)
