"""Public statements of customers."""

from msgspec import Struct

from touchstream.schemas.touchpoints.fields import FreeText, Label, Score, ScoreMax


class ReviewPosted(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The customer reviewed us or a product."""

    rating: Score | None = None
    """The stars given."""
    rating_max: ScoreMax | None = None
    """The largest possible number of stars."""
    product: Label | None = None
    """The product reviewed."""
    text: FreeText | None = None
    """The customer's words."""


class SocialMentioned(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The customer spoke of us on a social network."""

    network: Label
    """The network."""
    text: FreeText | None = None
    """The customer's words."""
