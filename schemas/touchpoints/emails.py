"""E-mail campaigns."""

from msgspec import Struct

from touchstream.schemas.touchpoints.fields import Currency, Label, Minor


class EmailDelivered(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A mail of a campaign reached the mailbox."""

    campaign: Label
    """The campaign's name."""
    cost_minor: Minor | None = None
    """Cost of the mail, in minor units."""
    currency: Currency | None = None
    """Currency of ``cost_minor``."""


class EmailOpened(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The customer opened the mail."""

    campaign: Label
    """The campaign's name."""
    cost_minor: Minor | None = None
    """Cost of the opening, in minor units."""
    currency: Currency | None = None
    """Currency of ``cost_minor``."""


class EmailClicked(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The customer followed a link of the mail."""

    campaign: Label
    """The campaign's name."""
    cost_minor: Minor | None = None
    """Cost of the click, in minor units."""
    currency: Currency | None = None
    """Currency of ``cost_minor``."""


class EmailUnsubscribed(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The customer unsubscribed from mails of this kind."""

    campaign: Label
    """The campaign that led to it."""
    cost_minor: Minor | None = None
    """Cost of it, in minor units."""
    currency: Currency | None = None
    """Currency of ``cost_minor``."""
