"""A customer's churn risk crossed into another band."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.rules import Band, Probability
from touchstream.schemas.touchpoints.fields import Currency

ReasonKind = Literal[
    "silence",
    "activity_7_days",
    "activity_28_days",
    "activity_91_days",
    "spending_91_days",
    "returned_share",
    "open_tickets",
    "open_ticket_age",
    "tickets_opened_28_days",
    "tickets_reopened_28_days",
    "calls_28_days",
    "call_duration",
    "call_wait",
    "call_transfers",
    "payments_failed_28_days",
    "web_28_days",
    "leaving_views_28_days",
    "emails_28_days",
    "content_28_days",
    "survey_score",
    "subscription_started",
    "subscription_renewed",
    "subscription_changed",
    "subscription_cancelled",
    "subscription_expired",
    "term_end",
]
"""The facts that a reason can tell; docs/models.md has the sentence of each."""
ReasonUnit = Literal["count", "days", "seconds", "share", "minor_units"]
Bound = Literal["exactly", "at_least", "at_most"]
ComparedWith = Literal["own", "customers"]
Direction = Literal["raises", "lowers"]


class Reason(Struct, frozen=True, kw_only=True, gc=False):
    """A fact that raises or lowers the risk, as a sentence and as the parts it is made of.

    The parts from ``kind`` on are missing in events of earlier builds.
    """

    feature: str
    """Name of the feature that the sentence tells, the strongest of its kind of events."""
    text: str
    """The fact as a sentence, true of the customer at the moment of the score."""
    contribution: float
    """Sum of the features of its kind of events in the log-odds of churn; negative: it speaks
    for staying."""
    change: float | None
    """Its change (log-odds) since the last crossing; null: nothing to compare with."""
    kind: ReasonKind | None = None
    """The fact."""
    value: float | None = None
    """Its value, in ``unit``."""
    bound: Bound | None = None
    """What is known of the value: it is this, at least this, or at most this."""
    unit: ReasonUnit | None = None
    """``share``: 0 to 1; ``minor_units``: of ``currency``."""
    usual: float | None = None
    """The value to compare with, in ``unit``; null: none is known."""
    compared_with: ComparedWith | None = None
    """``own``: the customer's own usual value; ``customers``: the average customer's."""
    direction: Direction | None = None
    """Whether it raises or lowers the risk."""
    at: Annotated[str, Meta(extra_json_schema={"format": "date-time"})] | None = None
    """Time of the event that the fact is about (a call, an answer); null: it is about several."""
    currency: Currency | None = None
    """ISO 4217 currency of an amount."""


class RiskChanged(Struct, frozen=True, kw_only=True, gc=False):
    """The calibrated risk of churn entered another band; emitted on a crossing, not per event."""

    horizon_days: Annotated[int, Meta(ge=1)]
    """Length of the churn window, in days."""
    risk_before: Probability | None
    """Probability at the last crossing (0..1); null: there was none."""
    risk: Probability
    """Calibrated probability of churn within the horizon if nothing is done (0..1)."""
    low: Probability
    """Lower end of the 90 % interval of the customer's probability."""
    high: Probability
    """Upper end of that interval; measured coverage: docs/models.md."""
    band_before: Band | None
    """The band that was left; null: the customer was in none."""
    band: Band
    """The band that was entered."""
    n: Annotated[int, Meta(ge=0)]
    """Matured examples behind the model."""
    model_version: Annotated[int, Meta(ge=0)]
    """The model version that scored."""
    rules: str
    """Digest of the rules in force."""
    reasons: tuple[Reason, ...]
    """The strongest reasons that can be told, one for each kind of events, the strongest first: on
    a rise those that raise the risk, on a fall those that lower it; possibly none."""
    cause: Cause
    """The event or tick that moved the risk."""
