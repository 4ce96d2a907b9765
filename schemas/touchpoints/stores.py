"""Visits to physical stores."""

from msgspec import Struct

from touchstream.schemas.touchpoints.fields import Label, Seconds


class StoreVisited(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The customer was in a store."""

    store: Label
    """The store."""
    duration_s: Seconds | None = None
    """Seconds between coming and leaving."""
