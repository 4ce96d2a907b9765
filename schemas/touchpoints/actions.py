"""Outcomes of our recommendations and alerts."""

from typing import Literal

from msgspec import Struct

from touchstream.schemas.touchpoints.fields import Currency, Label, Minor


class ActionOutcome(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A recommended action reached a further step."""

    decision: Label
    """Id of the decision, from ``action.recommended``."""
    action: Label
    """The action's name."""
    outcome: Literal["sent", "delivered", "seen", "accepted", "declined", "failed"]
    """The step."""
    value_minor: Minor | None = None
    """Value of the outcome, in minor units."""
    currency: Currency | None = None
    """Currency of ``value_minor``."""


class AlertFeedback(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A rep answered an alert."""

    alert: Label
    """The alert's id, from ``alert.raised``."""
    verdict: Literal["acknowledged", "snoozed", "resolved", "false_alarm"]
    """The rep's assessment."""
    rep: Label | None = None
    """Id of the rep."""
