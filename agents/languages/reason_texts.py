"""Reasons in the words of a language, from their typed parts alone.

In English they are the core's own sentences. The rules of rounding are shared with the core, in
:mod:`touchstream.streams.emit.amounts`. What the core compares before it tells a fact stays there:
a reason is told as it came.

A value in days is carried with four decimals (9 s). The core knows it exactly, so within that of a
whole unit the two may differ by one: 2 hours are .0833 days, a little less.
"""

from touchstream.agents.languages.amount_texts import age_s, ago_text, amount_text
from touchstream.agents.languages.catalogue import Catalogue
from touchstream.schemas.emissions.risk import Reason, ReasonUnit
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.units import Millis
from touchstream.streams.emit.amounts import Amount, amount, usual_amount

_DAY_S = 86_400
_BOUNDED = frozenset({"count", "minor_units"})
_BOUNDS = {"at_least": "at-least", "at_most": "at-most"}


def reason_text(words: Catalogue, reason: Reason, now_ms: Millis) -> str:
    """The sentence of a reason; an event of an earlier build, without parts, keeps its text.

    ``now_ms`` is the moment of the score: the age of an event is told as of then, like the rest.
    """
    if reason.kind is None or reason.value is None or reason.unit is None:
        return reason.text
    value = reason.value
    if reason.kind == "silence":
        return _silence(words, reason, value, reason.unit)
    if reason.kind.startswith("subscription_"):
        return words.text(f"reason-{reason.kind}", ago=ago_text(words, value * _DAY_S))
    shown = amount(value, reason.unit, reason.currency or "")
    fact = words.text(
        f"reason-{reason.kind}",
        n=reason.value,
        number=words.number(shown.number),
        amount=_bounded(words, reason, shown),
        bound=reason.bound or "exactly",
        ago="" if reason.at is None else ago_text(words, age_s(parse_time(reason.at), now_ms)),
    )
    return _compared(words, reason, fact, _usual(reason, reason.unit))


def _bounded(words: Catalogue, reason: Reason, shown: Amount) -> str:
    text = amount_text(words, shown)
    # Other facts are known exactly; a silence has a sentence of its own.
    bound = _BOUNDS.get(reason.bound or "exactly") if reason.unit in _BOUNDED else None
    return text if bound is None else words.text(bound, amount=text)


def _usual(reason: Reason, unit: ReasonUnit) -> Amount | None:
    if reason.usual is None:
        return None
    return usual_amount(reason.usual, unit, reason.currency or "")


def _compared(words: Catalogue, reason: Reason, fact: str, usually: Amount | None) -> str:
    if usually is None:
        return fact
    key = "compared-own" if reason.compared_with == "own" else "compared-customers"
    usual = words.text("nothing") if usually.is_nothing else amount_text(words, usually)
    return words.text(key, fact=fact, usual=usual)


def _silence(words: Catalogue, reason: Reason, value: float, unit: ReasonUnit) -> str:
    """Longer than usual it is a silence, shorter than usual a sign of life."""
    shown, usually = amount(value, unit), _usual(reason, unit)
    arguments = {
        "amount": amount_text(words, shown),
        "since": amount_text(words, shown, ".since"),
        "ago": ago_text(words, value * _DAY_S),
    }
    fact = words.text(_silence_key(reason, value), **arguments)
    if usually is None or reason.compared_with != "own":
        return _compared(words, reason, fact, usually)
    # "19 days, usually every 4": the unit is said once where a language can.
    form = ".again" if shown.unit == "days" else ".every"
    return words.text("reason-silence-every", fact=fact, every=amount_text(words, usually, form))


def _silence_key(reason: Reason, value: float) -> str:
    if reason.bound == "at_least":
        return "reason-silence-unknown"
    above = reason.usual is None or value > reason.usual
    return "reason-silence" if above else "reason-silence-seen"
