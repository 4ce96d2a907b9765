"""All that a page, a mail or a message says, in one language."""

from collections.abc import Sequence
from typing import Literal, Protocol

from touchstream.agents.languages.amount_texts import (
    age_s,
    ago_text,
    amount_text,
    moment_text,
    near_text,
)
from touchstream.agents.languages.catalogue import Argument, Catalogue, LanguageError, catalogues
from touchstream.agents.languages.reason_texts import reason_text
from touchstream.agents.settings_reps import Language
from touchstream.schemas.emissions.customer_risk import LastAction
from touchstream.schemas.emissions.risk import Reason
from touchstream.schemas.rules import Band
from touchstream.schemas.units import Millis
from touchstream.streams.emit.amounts import amount, duration_amount, money_amount

Why = Literal["recovered", "left", "returned", "expired", "resolved", "false_alarm", "erased"]
"""Why an alert was cleared."""
Change = Literal["band", "risk", "action", "owner", "acknowledged", "snoozed", "awake", "rated"]
"""What changed about an open alert."""
SUMMARY_REASONS = 2  # the rest is on the page
_KINDS = frozenset({"churn", "return", "engagement"})
_BY_RISK = frozenset({"churn", "engagement"})
"""Kinds whose band is that of the risk of leaving."""


class AlertFacts(Protocol):
    """The part of an alert that its summary tells."""

    @property
    def kind(self) -> str: ...
    @property
    def band(self) -> Band | None: ...
    @property
    def risk(self) -> float | None: ...
    @property
    def reasons(self) -> Sequence[Reason]: ...
    @property
    def action(self) -> LastAction | None: ...


class Texts:
    """The texts of one language. A text takes some ten microseconds; the files are read once."""

    def __init__(self, language: Language) -> None:
        self._words: Catalogue = catalogues()[language]
        self.language: Language = language

    def text(self, key: str, /, **arguments: Argument) -> str:
        """The text of a key; numbers among the arguments are written by the locale.

        Raises
        ------
        LanguageError
            There is no such key, or an argument is missing.
        """
        return self._words.text(key, **arguments)

    def reason(self, reason: Reason, now_ms: Millis) -> str:
        """Why a customer may leave; ``now_ms``: the moment of the score."""
        return reason_text(self._words, reason, now_ms)

    def action(self, name: str) -> str:
        """What to do; an action of the deployment's own is its name."""
        key = f"action-{name}"
        return self.text(key) if key in self._words.keys else name.replace("_", " ")

    def band(self, band: Band) -> str:
        return self.text(f"band-{band}")

    def kind(self, kind: str) -> str:
        """What an alert is about: leaving, coming back, engagement, or a target."""
        if kind in _KINDS:
            return self.text(f"kind-{kind}")
        return self.text("kind-target", target=kind.replace("_", " "))

    def cleared(self, why: Why) -> str:
        return self.text(f"cleared-{why}")

    def changed(self, what: Change) -> str:
        return self.text(f"change-{what}")

    def chance(self, band: Band | None, risk: float | None) -> str:
        """Band and probability, as far as they are known: "high risk, 82 %"."""
        if risk is None:
            return "" if band is None else self.text("chance-only-band", band=self.band(band))
        if band is None:
            return self.text("chance", risk=self.risk(risk))
        return self.text("chance-band", band=self.band(band), risk=self.risk(risk))

    def what(self, kind: str, customer: str | None = None) -> str:
        """Who may do what: "ada may leave"."""
        who = customer or self.text("a-customer")
        if kind in _KINDS:
            return self.text(f"summary-{kind}", who=who)
        return self.text("summary-target", who=who, target=kind.replace("_", " "))

    def headline(
        self, kind: str, customer: str | None, band: Band | None, risk: float | None
    ) -> str:
        """Who may do what, and how likely: "ada may leave (high risk, 82 %)"."""
        what = self.what(kind, customer)
        chance = self.chance(band if kind in _BY_RISK else None, risk)
        return self.text("summary-chance", what=what, chance=chance) if chance else what

    def summary(self, alert: AlertFacts, now_ms: Millis, customer: str | None = None) -> str:
        """One or two sentences: who may leave and why, and what to do."""
        what = self.headline(alert.kind, customer, alert.band, alert.risk)
        why = "; ".join(self.reason(one, now_ms) for one in alert.reasons[:SUMMARY_REASONS])
        key = "summary-why" if why else "summary-only"
        first = self.text(key, what=what, reasons=why)
        if alert.action is None:
            return first
        action = self.action(alert.action.action)
        return f"{first} {self.text('summary-action', action=action)}"

    def number(self, number: float) -> str:
        return self._words.number(number)

    def money(self, minor: float, currency: str) -> str:
        """An amount in minor units of an ISO 4217 currency."""
        return amount_text(self._words, money_amount(minor, currency))

    def percent(self, share: float) -> str:
        """A share (0..1), rounded down to one decimal of a per cent."""
        return amount_text(self._words, amount(share, "share"))

    def risk(self, risk: float) -> str:
        """A probability (0..1) in whole per cent."""
        return amount_text(self._words, amount(round(risk, 2), "share"))

    def duration(self, seconds: float) -> str:
        """A duration, rounded down to what a person needs."""
        return amount_text(self._words, duration_amount(seconds))

    def lasting(self, seconds: float) -> str:
        """For how long something has lasted: a form of its own in some languages."""
        return amount_text(self._words, duration_amount(seconds), ".since")

    def ago(self, at_ms: Millis, now_ms: Millis) -> str:
        """How long ago it was: "3 days ago", "just now"."""
        return ago_text(self._words, age_s(at_ms, now_ms))

    def moment(self, at_ms: Millis, time_zone: str) -> str:
        """Day and minute in a time zone: "29 Nov 2026, 18:00"."""
        return moment_text(self._words, at_ms, time_zone)

    def near(self, at_ms: Millis, now_ms: Millis, time_zone: str) -> str:
        """The same, with "today" and "yesterday"."""
        return near_text(self._words, at_ms, now_ms, time_zone)


__all__ = ["AlertFacts", "Change", "LanguageError", "Texts", "Why"]
