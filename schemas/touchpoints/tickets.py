"""Support tickets."""

from typing import Literal

from msgspec import Struct

from touchstream.schemas.touchpoints.fields import Currency, FreeText, Label, Minor


class TicketOpened(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The customer asked for help."""

    ticket: Label
    """The ticket's number."""
    topic: Label | None = None
    """Subject: billing, delivery ..."""
    priority: Label | None = None
    """Urgency as filed."""
    channel: Label | None = None
    """Channel: email, chat, phone ..."""
    text: FreeText | None = None
    """The customer's words."""
    language: Label | None = None
    """BCP 47 tag of the text's language."""


class TicketReplied(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A message was added to the ticket."""

    ticket: Label
    """The ticket's number."""
    by: Literal["customer", "agent"]
    """The writer."""


class TicketResolved(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The ticket was closed as solved."""

    ticket: Label
    """The ticket's number."""
    cost_minor: Minor | None = None
    """Cost of solving it, in minor units."""
    currency: Currency | None = None
    """Currency of ``cost_minor``."""


class TicketReopened(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The ticket turned out not to be solved."""

    ticket: Label
    """The ticket's number."""
    cost_minor: Minor | None = None
    """Cost since it was reopened, in minor units."""
    currency: Currency | None = None
    """Currency of ``cost_minor``."""
