"""The way from a lead to a deal."""

from msgspec import Struct

from touchstream.schemas.touchpoints.fields import Currency, Label, Minor


class LeadCreated(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A potential customer appeared."""

    source: Label | None = None
    """Origin of the lead."""
    cost_minor: Minor | None = None
    """Cost of the lead, in minor units."""
    currency: Currency | None = None
    """Currency of ``cost_minor``."""


class LeadQualified(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Sales found the lead worth pursuing."""


class DemoHeld(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The product was shown."""


class ProposalSent(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An offer went out."""


class DealWon(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The lead became a customer."""

    amount_minor: Minor
    """Value of the deal, in minor units."""
    currency: Currency
    """Currency of ``amount_minor``."""


class DealLost(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The lead went elsewhere, or nowhere."""

    reason: Label | None = None
    """The reason, in a word."""
