"""Carts, orders, returns and payments."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from touchstream.schemas.touchpoints.fields import Count, Currency, Label, Minor


class CartAbandoned(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A filled cart was left behind."""

    amount_minor: Minor | None = None
    """Value of the cart, in minor units."""
    currency: Currency | None = None
    """Currency of ``amount_minor``."""


class OrderItem(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One line of an order."""

    sku: Label
    """The article."""
    category: Label | None = None
    """Category of the article."""
    quantity: Count | None = None
    """Pieces."""
    price_minor: Minor | None = None
    """Price of one piece, in minor units of the order's currency."""


class OrderPlaced(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The customer placed an order."""

    order: Label
    """The order's number."""
    amount_minor: Minor
    """Total that the customer pays, in minor units."""
    currency: Currency
    """Currency of all amounts of the order."""
    channel: Literal["online", "store"] | None = None
    """Sales channel."""
    items: Annotated[tuple[OrderItem, ...], Meta(max_length=1000)] | None = None
    """The order's lines."""


class OrderReturned(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An order, or a part of it, came back."""

    order: Label
    """The order's number."""
    amount_minor: Minor
    """Amount refunded, in minor units."""
    currency: Currency
    """Currency of ``amount_minor``."""
    reason: Label | None = None
    """Reason for the return."""


class PaymentFailed(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A charge was refused."""

    amount_minor: Minor | None = None
    """Amount of the charge, in minor units."""
    currency: Currency | None = None
    """Currency of ``amount_minor``."""
    reason: Label | None = None
    """Reason: card_expired, insufficient_funds ..."""
