"""Alerts: a person should look at this customer."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.customer_risk import LastAction, Moment
from touchstream.schemas.emissions.risk import Reason
from touchstream.schemas.rules import Band, Probability
from touchstream.schemas.touchpoints.actions import Rating
from touchstream.schemas.touchpoints.fields import Currency

AlertChange = Literal[
    "band", "risk", "action", "owner", "acknowledged", "snoozed", "awake", "rated"
]
ClearedBecause = Literal[
    "recovered", "left", "returned", "expired", "resolved", "false_alarm", "erased"
]
ValueFrom = Literal["orders", "subscription", "default"]
SaveabilityFrom = Literal["none", "response"]


class Priority(Struct, frozen=True, kw_only=True, gc=False):
    """What is at stake and can be saved: risk x value x saveability."""

    score: Annotated[float, Meta(ge=0.0)]
    """The product, in minor units of ``currency``."""
    risk: Probability
    """The probability of what an action may avert (0..1): of a return, that there is none."""
    value_minor: Annotated[int, Meta(ge=0)]
    """Value of the customer in a year, in minor units."""
    currency: Currency
    """ISO 4217 currency of ``value_minor``."""
    value_from: ValueFrom
    """The larger part: orders of late or the subscription; else the default of the settings."""
    saveability: Probability
    """Share of such customers whom an action keeps (0..1)."""
    saveability_from: SaveabilityFrom
    """``none``: not learnt, so 1."""


class Snooze(Struct, frozen=True, kw_only=True, gc=False):
    """When a snoozed alert awakes: at the first of these."""

    until: Moment | None = None
    """At this moment."""
    risk: Probability | None = None
    """When the risk reaches this."""
    next_touchpoint: bool = False
    """At the customer's next sign of life."""


class Alert(Struct, frozen=True, kw_only=True, gc=False):
    """All that a person needs to act; every event about an open alert carries the whole of it."""

    alert: str
    """Id of the alert; an ``alert.feedback`` names it."""
    kind: str
    """What it is about: ``churn``, ``return``, ``engagement`` or the name of a target."""
    owner: str | None
    """Id of the rep who owns the customer; null: nobody does, the alert waits in the queue."""
    rep: str | None
    """The same, by its earlier name."""
    queue: str
    """The queue that the routing names for this customer."""
    band: Band
    """The customer's band, of the return for a former one; high for a target's signal."""
    risk: Probability
    """Calibrated probability of churn, of a return or of the target's event (0..1)."""
    priority: Priority
    """By which open alerts are sorted."""
    reasons: tuple[Reason, ...]
    """The three strongest reasons at most, the strongest first."""
    action: LastAction | None
    """What to do; null: nothing was recommended."""
    summary: str
    """Event and advice, in a sentence or two."""
    raised: Moment
    """When the alert was raised."""
    expires: Moment
    """When it is cleared if nothing happens."""
    cause: Cause
    """The event or tick that led to this."""


class AlertRaised(Alert, frozen=True, kw_only=True, gc=False):
    """A person should look at this customer."""


class AlertUpdated(Alert, frozen=True, kw_only=True, gc=False):
    """Something about an open alert changed; this replaces what was known of it."""

    changed: tuple[AlertChange, ...]
    """What changed."""
    snooze: Snooze | None = None
    """Until when it is snoozed; null: it is not."""
    rating: Rating | None = None
    """What a person thinks of it; null: not rated."""
    acknowledged_by: str | None = None
    """Id of the rep who has taken note; null: nobody has."""


class AlertCleared(Struct, frozen=True, kw_only=True, gc=False):
    """An alert is over."""

    alert: str
    """Id of the alert."""
    kind: str
    """What it was about."""
    owner: str | None
    """Id of the rep who owns the customer."""
    queue: str
    """The queue of the routing."""
    why: ClearedBecause
    """``recovered``: the band was left, ``left`` or ``returned``: the relation changed,
    ``expired``: nobody answered in time, ``resolved`` or ``false_alarm``: a person said so,
    ``erased``: the customer asked to be forgotten."""
    rating: Rating | None
    """What a person thought of it; null: not rated."""
    raised: Moment
    """When it was raised."""
    cause: Cause
    """The event or tick that ended it."""
