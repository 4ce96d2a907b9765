"""What a customer does on the web site and in the app."""

from typing import Literal

from msgspec import Struct

from touchstream.schemas.touchpoints.fields import Address, FreeText, Label, Referrer, Seconds


class WebVisit(Struct, frozen=True, kw_only=True, gc=False):
    """A page was viewed."""

    page: Address
    """Path or URL of the page."""
    duration_s: Seconds | None = None
    """Seconds the page was in view."""
    referrer: Referrer | None = None
    """Where the visit came from; empty for a direct one."""
    utm_source: Label | None = None
    """Campaign tag: who sent the traffic."""
    utm_medium: Label | None = None
    """Campaign tag: by which medium."""
    utm_campaign: Label | None = None
    """Campaign tag: for which campaign."""
    device: Label | None = None
    """Kind of device: desktop, phone, tablet ..."""
    product: Label | None = None
    """The product that the page shows."""
    search: Referrer | None = None
    """Words that were searched for on the site."""
    error: bool | None = None
    """True when the page answered with an error."""


class WebFormSubmitted(Struct, frozen=True, kw_only=True, gc=False):
    """A form was filled in and sent."""

    form: Label
    """Name of the form."""
    intent: Literal["help", "complaint", "renewal", "quote", "other"] | None = None
    """What the customer wants by it."""
    text: FreeText | None = None
    """The customer's words."""
