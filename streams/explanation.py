"""What an explanation of a risk says, and values as people count."""

from collections.abc import Callable
from math import exp, expm1, isnan

from msgspec import Struct

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
"""A feature's unit -> how its value is made plain, and the unit that people read."""


class Part(Struct, frozen=True, kw_only=True):
    """One measurement's part in a reason. Values are in ``unit``, and None where missing."""

    feature: str
    text: str
    """What it is, in words."""
    unit: str
    value: float | None
    typical: float | None
    """The average example's, on the scale on which the model reads it."""
    contribution: float
    """What it adds to the log-odds against the average example."""


class ExplainedReason(Part, frozen=True, kw_only=True):
    """What all measurements made of the same kinds of events add to the risk.

    Named after the one among them that pulls most in the direction of all, with its value;
    ``contribution`` is that of all together.
    """

    change: float | None
    """How far the contribution moved since it was last told; None: there is none to compare."""
    about: tuple[str, ...]
    """The events it is made of; none: it is of no event, and cannot be put to the proof."""
    parts: tuple[Part, ...]
    """What each measurement adds, the weightiest first."""
    events: int | None = None
    """So many events it is made of; None: not asked for, or there are none."""
    risk_without: float | None = None
    """The risk without them."""
    moved: float | None = None
    """How far the log-odds of the risk moved without them."""
    verified: bool | None = None
    """They moved against the contribution."""


class Proof(Struct, frozen=True, kw_only=True):
    """What leaving out events shows."""

    events: int
    """So many counted in the history that was read."""
    first_ms: Millis | None
    differing: tuple[str, ...]
    """Features that this history gives another value than the kept state; none: it is whole."""


class Before(Struct, frozen=True, kw_only=True):
    """The last emission."""

    at_ms: Millis
    risk: float | None


class Explanation(Struct, frozen=True, kw_only=True):
    """A risk, how sure it is, and why."""

    target: str
    at_ms: Millis
    """As of when."""
    risk: float
    low: float
    high: float
    """What can be known of the probability lies between ``low`` and ``high`` with 90 %."""
    n: int
    """Matured examples behind the model."""
    log_odds: float
    rest: float
    """What is of no measurement: the average example's log-odds, and the season."""
    before: Before | None
    reasons: tuple[ExplainedReason, ...]
    """The weightiest first."""
    proof: Proof | None = None


def plain(unit: str, value: float) -> float | None:
    """A feature's value as people count; None where it is missing.

    >>> plain("ln(1+d)", 2.3978952727983707), plain("ln(1+d)", float("nan"))
    (10.0, None)
    """
    undo, _ = PLAIN[unit]
    return None if isnan(value) else round(float(f"{undo(value):.3g}"), 2)
