"""Outcomes of our recommendations and alerts."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from touchstream.schemas.touchpoints.fields import Currency, Label, Minor

Rating = Literal["useful", "noise"]


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
    verdict: Literal["acknowledged", "released", "snoozed", "resolved", "false_alarm"]
    """The rep's assessment. ``resolved`` and ``false_alarm`` clear the alert, ``released`` takes
    ``acknowledged`` back."""
    rep: Label | None = None
    """Id of the rep."""
    rating: Rating | None = None
    """Whether the alert was worth having; null: not rated. A false alarm is noise."""
    reason: Label | None = None
    """Why, in a few words."""
    until: Annotated[datetime, Meta(tz=True)] | None = None
    """Snoozed until this moment; without any of these three: for a day."""
    worse_by: Annotated[float, Meta(gt=0.0, le=1.0)] | None = None
    """Snoozed until the risk has risen by this much (0..1)."""
    next_touchpoint: bool = False
    """Snoozed until the customer's next sign of life."""
