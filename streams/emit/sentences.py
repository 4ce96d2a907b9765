"""Facts as sentences: "silent for 19 days, usually comes every 4".

A fact is told only where it differs, as shown, from the usual value: the customer's own where the
profile knows it, else the average customer's by the model's standard; and only if the difference
can speak in the direction of its contribution. Durations are rounded down, so that they stay true.
"""

from collections.abc import Callable, Mapping
from math import isnan
from typing import NamedTuple

from msgspec import Struct

from touchstream.schemas.emissions.risk import (
    Bound,
    ComparedWith,
    Direction,
    ReasonKind,
    ReasonUnit,
)
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.emit.amounts import (
    Amount,
    amount,
    duration_amount,
    is_just_now,
    money_amount,
    usual_amount,
)
from touchstream.streams.features.fact import Fact, Statement
from touchstream.streams.features.feature import Feature
from touchstream.streams.features.view import View
from touchstream.streams.learn.snapshot import CHURN

Means = Callable[[str], float]
"""A feature's mean over the model's examples, on the feature's scale; NaN: there is none."""


CLEAR: Mapping[ReasonUnit, float] = {
    "count": 1.0,
    "days": 1.25,
    "seconds": 1.25,
    "share": 1.1,
    "minor_units": 1.25,
}
"""A value must be beyond the usual one by this factor: "90 %, usually 91 %" tells nothing."""
CLEAR_BOUND = 2.0
"""The same for a bound: "at most 13, usually 14" may well be none at all."""

_DAY_S = 86_400


class Sentence(Struct, frozen=True, gc=False):
    """A fact in words, and the parts that the words are made of."""

    text: str
    fact: Fact
    value: float
    bound: Bound
    usual: float | None
    compared_with: ComparedWith | None


class Teller(NamedTuple):
    """Tells the facts of one customer at one moment."""

    view: View
    means: Means
    target: str = CHURN
    """What is predicted: a fact that speaks for leaving speaks against a return."""

    def sentence(self, feature: Feature, direction: Direction) -> Sentence | None:
        """The fact as raising or lowering the probability; None if it cannot be told so."""
        speaks: Direction | None = _SPEAKS.get((self.target, direction))
        return sentence(feature, self.view, self.means, speaks)


_SPEAKS: Mapping[tuple[str, Direction], Direction] = {
    (CHURN, "raises"): "raises",
    (CHURN, "lowers"): "lowers",
    ("return", "raises"): "lowers",
    ("return", "lowers"): "raises",
}
"""How a fact has to speak of leaving, by target and direction; other targets take any fact."""


def sentence(
    feature: Feature, view: View, means: Means, speaks: Direction | None
) -> Sentence | None:
    """What the feature measures, in words; None if there is nothing to tell.

    ``speaks``: only if the fact can be said to raise (lower) the risk of leaving. A fact at its
    usual value is not told. About 4 us.
    """
    for says in feature.says:
        fact = says.fact(view)
        if fact is not None:
            usual, compared_with = _usual(fact, says, means(says.of or feature.name))
            found = _compared(fact, usual, compared_with, view.at_ms, speaks)
            if found is not None:
                return found
    return None


def _compared(
    fact: Fact,
    usual: float | None,
    compared_with: ComparedWith | None,
    now_ms: Millis,
    speaks: Direction | None,
) -> Sentence | None:
    other = fact.ordinary if usual is None else usual
    value = None if other is None else _beyond(fact, other)
    if value is None or other is None:
        return None
    if speaks is not None and not _can_be_said(fact, speaks, above=value > other):
        return None
    bound: Bound = "exactly"
    if fact.low != fact.high:
        bound = "at_least" if value == fact.low else "at_most"
    currency = fact.currency or ""
    shown = amount(value, fact.unit, currency)
    usually = None if usual is None else usual_amount(usual, fact.unit, currency)
    # Values that look equal make no comparison.
    if shown == usually:
        return None
    parts = _Parts(fact, value, bound, usual, compared_with, now_ms, shown, usually)
    return Sentence(_TEXTS[fact.kind](parts), fact, value, bound, usual, compared_with)


def _usual(fact: Fact, says: Statement, mean: float) -> tuple[float | None, ComparedWith | None]:
    """The customer's own usual value, or the average customer's."""
    if fact.usual is not None:
        return fact.usual, "own"
    typical = says.usual(mean)
    # A mean of logarithms may lie just below zero.
    return (None, None) if isnan(typical) else (max(0.0, typical), "customers")


def _can_be_said(fact: Fact, speaks: Direction, *, above: bool) -> bool:
    """Whether a value on this side of the usual one can raise (lower) the risk of leaving."""
    return fact.raises == "either" or (above == (fact.raises == "above")) == (speaks == "raises")


def _beyond(fact: Fact, other: float) -> float | None:
    """The end of the fact's range next to another value, if all of the range is beyond it."""
    clear = CLEAR[fact.unit] if fact.low == fact.high else CLEAR_BOUND
    if fact.low > clear * other:
        return fact.low
    return fact.high if fact.high * clear < other else None


class _Parts(Struct, frozen=True, gc=False):
    """All that a sentence is made of."""

    fact: Fact
    value: float
    bound: Bound
    usual: float | None
    compared_with: ComparedWith | None
    now_ms: Millis
    amount: Amount
    """The value as shown."""
    usually: Amount | None
    """The usual value as shown."""

    @property
    def shown(self) -> str:
        """The value with its unit."""
        return amount_words(self.amount)

    @property
    def ago(self) -> str:
        """How long ago the event was."""
        assert self.fact.at_ms is not None  # the kinds that ask have one
        return _ago(max(0, self.now_ms - self.fact.at_ms) / DAY_MS)

    def compared(self) -> str:
        """The usual value, as the end of the sentence."""
        if self.usually is None:
            return ""
        usually = "none" if self.usually.is_nothing else amount_words(self.usually)
        return f", usually {usually}" if self.compared_with == "own" else f" (usual: {usually})"


def _count(one: str, many: str, nothing: str = "no {}") -> Callable[[_Parts], str]:
    """The sentence of a count; ``nothing`` replaces both where it is 0."""

    def text(parts: _Parts) -> str:
        number = int(parts.value)
        if not number:
            words = nothing.format(one)
        else:
            words = f"{number:,} {one}" if number == 1 else many.format(f"{number:,}")
            words = f"{_BOUNDS[parts.bound]}{words}"
        return f"{words}{parts.compared()}"

    return text


_BOUNDS: Mapping[Bound, str] = {"exactly": "", "at_least": "at least ", "at_most": "at most "}


def _in_28_days(one: str, many: str) -> Callable[[_Parts], str]:
    since = " in the last 28 days"
    return _count(f"{one}{since}", f"{many}{since}")


def _silence(parts: _Parts) -> str:
    """Longer than usual it is a silence, shorter than usual a sign of life."""
    usual = parts.usual
    above = usual is None or parts.value > usual
    words = f"silent for {parts.shown}" if above else f"last seen {_ago(parts.value)}"
    if parts.bound == "at_least":
        words = f"no sign of life yet, known for {parts.shown}"
    if usual is None or parts.compared_with != "own":
        return f"{words}{parts.compared()}"
    every = "" if parts.usually is None else amount_words(parts.usually)
    # "19 days, usually every 4": the unit is said once.
    if parts.amount.unit == "days":
        every = every.removesuffix(" days")
    return f"{words}, usually comes every {every}"


def _spending(parts: _Parts) -> str:
    amount = f"{_BOUNDS[parts.bound]}{parts.shown}" if parts.value else "nothing"
    return f"{amount} spent in the last 91 days{parts.compared()}"


def _returned(parts: _Parts) -> str:
    return f"{parts.shown} of the amount ordered was returned{parts.compared()}"


def _open_ticket_age(parts: _Parts) -> str:
    return f"a ticket opened {parts.shown} ago is open{parts.compared()}"


def _call_duration(parts: _Parts) -> str:
    took = f"the last call took {parts.shown}" if parts.value else "nobody spoke in the last call"
    return f"{took}, {parts.ago}{parts.compared()}"


def _call_wait(parts: _Parts) -> str:
    waited = f"waited {parts.shown}" if parts.value else "did not wait"
    return f"{waited} in the last call, {parts.ago}{parts.compared()}"


def _call_transfers(parts: _Parts) -> str:
    number = int(parts.value)
    times = {0: "not transferred", 1: "transferred once"}.get(number, f"transferred {number} times")
    return f"{times} in the last call, {parts.ago}{parts.compared()}"


def _survey(parts: _Parts) -> str:
    return f"scored {parts.shown} in the last survey, {parts.ago}{parts.compared()}"


def _subscription(change: str) -> Callable[[_Parts], str]:
    return lambda parts: f"{change} {parts.ago}"


def _term_end(parts: _Parts) -> str:
    return f"the term ends in {parts.shown}{parts.compared()}"


_TEXTS: Mapping[ReasonKind, Callable[[_Parts], str]] = {
    "silence": _silence,
    "activity_7_days": _count(
        "sign of life in the last 7 days", "{} signs of life in the last 7 days"
    ),
    "activity_28_days": _in_28_days("sign of life", "{} signs of life"),
    "activity_91_days": _count(
        "sign of life in the last 91 days", "{} signs of life in the last 91 days"
    ),
    "spending_91_days": _spending,
    "returned_share": _returned,
    "open_tickets": _count("ticket open", "{} tickets open"),
    "open_ticket_age": _open_ticket_age,
    "tickets_opened_28_days": _in_28_days("ticket opened", "{} tickets opened"),
    # Not "2 tickets": it may have been the same one twice.
    "tickets_reopened_28_days": _in_28_days("ticket reopened", "tickets reopened {} times"),
    "calls_28_days": _in_28_days("call", "{} calls"),
    "call_duration": _call_duration,
    "call_wait": _call_wait,
    "call_transfers": _call_transfers,
    "payments_failed_28_days": _in_28_days("payment failed", "{} payments failed"),
    "web_28_days": _in_28_days("visit or form on the web", "{} visits and forms on the web"),
    "leaving_views_28_days": _in_28_days(
        "look at prices or at how to leave", "{} looks at prices or at how to leave"
    ),
    "emails_28_days": _in_28_days("e-mail event", "{} e-mail events"),
    "content_28_days": _in_28_days("use of content", "{} uses of content"),
    "survey_score": _survey,
    "subscription_started": _subscription("subscription started"),
    "subscription_renewed": _subscription("subscription renewed"),
    "subscription_changed": _subscription("subscription changed"),
    "subscription_cancelled": _subscription("subscription cancelled"),
    "subscription_expired": _subscription("the term of the subscription ended"),
    "term_end": _term_end,
}


def amount_words(shown: Amount) -> str:
    """A value with its unit; counts of nothing are "none"."""
    number = shown.number
    match shown.unit:
        case "count":
            return f"{number:,}" if number else "none"
        case "seconds":
            return f"{number} s"
        case "minutes":
            return f"{number} min {shown.seconds} s" if shown.seconds else f"{number} min"
        case "hours":
            return f"{number} h"
        case "days":
            return f"{number:,} days"
        case "percent":
            return f"{number:g} %"
        case "money":
            return f"{number:,} {shown.currency}"


def duration(seconds: float) -> str:
    """A duration, rounded down to what a person needs.

    >>> duration(400), duration(3_600), duration(30 * 3_600), duration(19.9 * 86_400)
    ('6 min 40 s', '1 h', '30 h', '19 days')
    """
    return amount_words(duration_amount(seconds))


def _ago(days: float) -> str:
    seconds = days * _DAY_S
    return "just now" if is_just_now(seconds) else f"{duration(seconds)} ago"


def money(minor: float, currency: str) -> str:
    """An amount in minor units, as people write it.

    >>> money(1_250, "EUR"), money(1_250, "JPY"), money(1_250, "KWD")
    ('12.50 EUR', '1,250 JPY', '1.250 KWD')
    """
    return amount_words(money_amount(minor, currency))
