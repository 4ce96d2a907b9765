"""The life of a subscription or contract."""

from msgspec import Struct

from touchstream.schemas.touchpoints.fields import Currency, Days, Label, Minor


class SubscriptionStarted(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A subscription began; it runs until it is cancelled or its term ends."""

    plan: Label
    """The plan's name."""
    amount_minor: Minor
    """Price of one term, in minor units."""
    currency: Currency
    """Currency of ``amount_minor``."""
    term_days: Days | None = None
    """Length of a term; none given: it runs until cancelled."""


class SubscriptionRenewed(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A further term began."""

    plan: Label
    """The plan's name."""
    amount_minor: Minor
    """Price of the new term, in minor units."""
    currency: Currency
    """Currency of ``amount_minor``."""
    term_days: Days | None = None
    """Length of the new term; none given: it runs until cancelled."""


class SubscriptionChanged(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The customer went over to another plan, up or down."""

    plan: Label
    """The new plan's name."""
    amount_minor: Minor
    """Price of one term of the new plan, in minor units."""
    currency: Currency
    """Currency of ``amount_minor``."""
    term_days: Days | None = None
    """Length of a term; none given: it runs until cancelled."""


class SubscriptionCancelled(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The subscription was ended: churn, unless the rules say otherwise."""

    reason: Label | None = None
    """Why, in a word: price, quality, moved ..."""
