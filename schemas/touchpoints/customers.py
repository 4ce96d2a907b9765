"""Facts about the customer, consent, and the request to be forgotten."""

from msgspec import Struct

from touchstream.schemas.touchpoints.fields import Answers, Label


class CustomerUpdated(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Facts about the customer; the named ones replace the known ones, null takes one away."""

    attributes: Answers | None = None
    """region, age, gender, role, sector, plan, time_zone, language, account, owner (id of the
    rep) ...; at most 64."""


class CustomerIdentified(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Another id turned out to be this customer."""

    alias: Label
    """The anonymous or other id."""


class CustomerUnlinked(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The other id is not this customer after all."""

    alias: Label
    """The anonymous or other id."""


class ConsentChanged(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The customer allowed or refused a purpose."""

    purpose: Label
    """Purpose: marketing, profiling ..."""
    granted: bool
    """True: allowed."""


class CustomerErased(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Everything known of the customer must be forgotten."""
