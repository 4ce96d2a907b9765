"""A customer is seen less than they used to be."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.rules import Probability

PerWeek = Annotated[float, Meta(ge=0.0)]


class EngagementDropping(Struct, frozen=True, kw_only=True, gc=False):
    """Signs of life fell below half of the customer's own level and stayed there for a week."""

    index: Probability
    """``recent_per_week`` over ``usual_per_week``, at most 1; below 0.5 it is a drop."""
    recent_per_week: PerWeek
    """Signs of life a week, over a memory with a half-life of 28 d."""
    usual_per_week: PerWeek
    """The same with a half-life of 364 d: the customer's own level."""
    below_since: date
    """The UTC day of the weekly check that first found the index below 0.5."""
    rules: str
    """Digest of the rules in force."""
    cause: Cause
    """The tick that found it."""
