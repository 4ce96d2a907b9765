"""The cause of an emission."""

from msgspec import Struct


class Cause(Struct, frozen=True, kw_only=True, gc=False):
    """The event or tick that led to an emission; with its source the id is unique."""

    type: str
    """CloudEvents type of the event or tick."""
    source: str
    """CloudEvents source of the event or tick."""
    id: str
    """CloudEvents id of the event; the number of the tick."""
