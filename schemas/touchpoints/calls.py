"""Telephone calls."""

from typing import Literal

from msgspec import Struct

from touchstream.schemas.touchpoints.fields import Count, Currency, FreeText, Label, Minor, Seconds


class CallEnded(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A call with the customer ended."""

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
    """Number of times the customer was transferred."""
    topic: Label | None = None
    """Subject of the call."""
    purpose: Literal["support", "sales", "retention"] | None = None
    """Purpose of the call."""
    outcome: Label | None = None
    """Result: resolved, hung_up, no_answer ..."""
    text: FreeText | None = None
    """Transcript or summary."""
    cost_minor: Minor | None = None
    """Cost of the call, in minor units."""
    currency: Currency | None = None
    """Currency of ``cost_minor``."""
