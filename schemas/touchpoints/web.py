"""Visits to the web site and the app."""

from typing import Literal

from msgspec import Struct

from touchstream.schemas.touchpoints.fields import Address, FreeText, Label, Referrer, Seconds


class WebVisit(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A page was viewed."""

    page: Address
    """Path or URL of the page."""
    duration_s: Seconds | None = None
    """Seconds the page was in view."""
    referrer: Referrer | None = None
    """Page that linked here; empty for a direct visit."""
    utm_source: Label | None = None
    """Campaign tag: source of the traffic."""
    utm_medium: Label | None = None
    """Campaign tag: medium."""
    utm_campaign: Label | None = None
    """Campaign tag: campaign."""
    device: Label | None = None
    """Kind of device: desktop, phone, tablet ..."""
    product: Label | None = None
    """The product that the page shows."""
    search: Referrer | None = None
    """Search words entered on the site."""
    error: bool | None = None
    """True when the page answered with an error."""


class WebFormSubmitted(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A form was filled in and sent."""

    form: Label
    """Name of the form."""
    intent: Literal["help", "complaint", "renewal", "quote", "other"] | None = None
    """Purpose of the form."""
    text: FreeText | None = None
    """The customer's words."""
