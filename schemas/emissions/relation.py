"""A customer's relation began, ended, or began again."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from touchstream.schemas.emissions.cause import Cause

Relation = Literal["open", "ended", "lapsed", "back"]
"""A customer; left by cancellation or the end of a term; left in silence; returned after either."""

DaysSilent = Annotated[float, Meta(ge=0.0)]


class RelationChanged(Struct, frozen=True, kw_only=True, gc=False):
    """The customer left, or came back: who left is not warned about any more."""

    before: Relation
    """The relation until now."""
    relation: Relation
    """The relation from now on."""
    since: Annotated[datetime, Meta(tz=True)]
    """The moment of the cancellation, of the end of the term, of the return, or of the tick that
    found the silence too long (UTC)."""
    silent_days: DaysSilent | None = None
    """For a lapse: days since the last sign of life."""
    lapses_after_days: DaysSilent | None = None
    """For a lapse: the silence that it exceeds. Customers like this returned after shorter ones."""
    rules: str
    """Digest of the rules in force."""
    cause: Cause
    """The event or tick that changed it."""
