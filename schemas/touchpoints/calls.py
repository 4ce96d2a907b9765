"""Telephone calls."""

from typing import Literal

from msgspec import Struct

from touchstream.schemas.touchpoints.fields import Count, Currency, FreeText, Label, Minor, Seconds


class CallEnded(Struct, frozen=True, kw_only=True, gc=False):
    """A call with the customer is over."""

    call: Label
    """The call's number."""
    direction: Literal["inbound", "outbound"]
    """Inbound: the customer called us."""
    duration_s: Seconds
    """Seconds from pick-up to the end."""
    queue_s: Seconds | None = None
    """Seconds the customer waited to be served."""
    hold_s: Seconds | None = None
    """Seconds on hold during the call."""
    transfers: Count | None = None
    """How often the customer was passed on."""
    topic: Label | None = None
    """What it was about."""
    purpose: Literal["support", "sales", "retention"] | None = None
    """What the call was for."""
    outcome: Label | None = None
    """How it ended: resolved, hung_up, no_answer ..."""
    text: FreeText | None = None
    """Transcript or summary."""
    cost_minor: Minor | None = None
    """What it cost us, in minor units."""
    currency: Currency | None = None
    """Currency of ``cost_minor``."""
