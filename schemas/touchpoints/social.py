"""What a customer says in public."""

from msgspec import Struct

from touchstream.schemas.touchpoints.fields import FreeText, Label, Score, ScoreMax


class ReviewPosted(Struct, frozen=True, kw_only=True, gc=False):
    """The customer reviewed us or a product."""

    rating: Score | None = None
    """The stars given."""
    rating_max: ScoreMax | None = None
    """The most stars there are."""
    product: Label | None = None
    """What was reviewed."""
    text: FreeText | None = None
    """The customer's words."""


class SocialMentioned(Struct, frozen=True, kw_only=True, gc=False):
    """The customer spoke of us on a social network."""

    network: Label
    """Which network."""
    text: FreeText | None = None
    """The customer's words."""
