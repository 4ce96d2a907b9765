"""Carts, orders, returns and payments."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from touchstream.schemas.touchpoints.fields import Count, Currency, Label, Minor


class CartAbandoned(Struct, frozen=True, kw_only=True, gc=False):
    """A filled cart was left behind."""

    amount_minor: Minor | None = None
    """Worth of the cart, in minor units."""
    currency: Currency | None = None
    """Currency of ``amount_minor``."""


class OrderItem(Struct, frozen=True, kw_only=True, gc=False):
    """One line of an order."""

    sku: Label
    """The article."""
    category: Label | None = None
    """What kind of article it is."""
    quantity: Count | None = None
    """Pieces."""
    price_minor: Minor | None = None
    """Price of one piece, in minor units of the order's currency."""


class OrderPlaced(Struct, frozen=True, kw_only=True, gc=False):
    """The customer bought."""

    order: Label
    """The order's number."""
    amount_minor: Minor
    """What the customer pays in all, in minor units."""
    currency: Currency
    """Currency of all amounts of the order."""
    channel: Literal["online", "store"] | None = None
    """Where it was placed."""
    items: Annotated[tuple[OrderItem, ...], Meta(max_length=1000)] | None = None
    """The order's lines."""


class OrderReturned(Struct, frozen=True, kw_only=True, gc=False):
    """An order, or a part of it, came back."""

    order: Label
    """The order's number."""
    amount_minor: Minor
    """What is paid back, in minor units."""
    currency: Currency
    """Currency of ``amount_minor``."""
    reason: Label | None = None
    """Why it came back."""


class PaymentFailed(Struct, frozen=True, kw_only=True, gc=False):
    """A charge was refused."""

    amount_minor: Minor | None = None
    """What was to be paid, in minor units."""
    currency: Currency | None = None
    """Currency of ``amount_minor``."""
    reason: Label | None = None
    """Why it was refused: card_expired, insufficient_funds ..."""
