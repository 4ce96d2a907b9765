"""Bands with hysteresis and cooldown: a customer at the edge does not flap."""

from typing import Literal

from msgspec import Struct

from touchstream.schemas.rules import Band, BandRules, Rules, Thresholds
from touchstream.schemas.units import DAY_MS, Millis

Gate = Literal[
    "relation", "evidence", "capacity", "interval", "term", "cooldown", "own_band", "holdout"
]
"""What can hold back an emission: see ``streams/gates.py`` for what each means."""
ORDER: tuple[Band, ...] = ("low", "medium", "high")


class Crossing(Struct, frozen=True, array_like=True, gc=False):
    """The last change of band."""

    at_ms: Millis
    up: bool


def next_band(band: Band | None, risk: float, rules: Thresholds) -> Band:
    """The band for ``risk`` (0..1) coming from ``band``.

    A band is entered at ``*_enter`` and left below ``*_leave``.

    >>> next_band("high", 0.65, Thresholds()), next_band("low", 0.65, Thresholds())
    ('high', 'medium')
    """
    if risk >= rules.high_enter or (band == "high" and risk >= rules.high_leave):
        return "high"
    if risk >= rules.medium_enter or (band in {"medium", "high"} and risk >= rules.medium_leave):
        return "medium"
    return "low"


def gated_band(
    before: Band | None,
    after: Band,
    doubt: float,
    last: "Crossing | None",
    now_ms: Millis,
    rules: Rules,
    *,
    term_is_over: bool = False,
) -> tuple[Band | None, Gate | None]:
    """The band after the gates, and the gate that held the change from ``before`` to ``after``.

    ``doubt``: width (0..1) of the interval that more examples would narrow. Uncertainty prevents
    a rise, never a fall; the end of a term both.
    """
    if after == before:
        return before, None
    rising = rises(before, after)
    if rising and doubt > rules.learning.widest:
        return before, "interval"
    # Renewed or ended: after its term a risk is news only once it is known which.
    if term_is_over:
        return before, "term"
    if before is not None and held_back(before, after, last, now_ms, rules.bands):
        return before, "cooldown"
    return after, None


def held_back(
    before: Band, after: Band, last: "Crossing | None", now_ms: Millis, rules: BandRules
) -> bool:
    """Whether going from ``before`` to ``after`` would reverse a crossing within the cooldown."""
    if last is None or now_ms - last.at_ms >= rules.cooldown_days * DAY_MS:
        return False
    # A further crossing in the same direction is not flapping.
    return rises(before, after) != last.up


def rises(before: Band | None, after: Band) -> bool:
    """Whether ``after`` is the worse band; no band yet counts as low."""
    return ORDER.index(after) > ORDER.index(before or "low")
