"""Support tickets."""

from typing import Literal

from msgspec import Struct

from touchstream.schemas.touchpoints.fields import Currency, FreeText, Label, Minor


class TicketOpened(Struct, frozen=True, kw_only=True, gc=False):
    """The customer asked for help."""

    ticket: Label
    """The ticket's number."""
    topic: Label | None = None
    """What it is about: billing, delivery ..."""
    priority: Label | None = None
    """How urgent it was filed."""
    channel: Label | None = None
    """How it came in: email, chat, phone ..."""
    text: FreeText | None = None
    """The customer's words."""
    language: Label | None = None
    """BCP 47 tag of the text's language."""


class TicketReplied(Struct, frozen=True, kw_only=True, gc=False):
    """Somebody wrote to the ticket."""

    ticket: Label
    """The ticket's number."""
    by: Literal["customer", "agent"]
    """Who wrote."""


class TicketResolved(Struct, frozen=True, kw_only=True, gc=False):
    """The ticket was closed as solved."""

    ticket: Label
    """The ticket's number."""
    cost_minor: Minor | None = None
    """What solving it cost us, in minor units."""
    currency: Currency | None = None
    """Currency of ``cost_minor``."""


class TicketReopened(Struct, frozen=True, kw_only=True, gc=False):
    """It was not solved after all."""

    ticket: Label
    """The ticket's number."""
    cost_minor: Minor | None = None
    """What it has cost us since, in minor units."""
    currency: Currency | None = None
    """Currency of ``cost_minor``."""
