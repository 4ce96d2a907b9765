"""Content and events: watched, heard, attended."""

from msgspec import Struct

from touchstream.schemas.touchpoints.fields import Label, Seconds


class ContentStreamed(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A film, a song, a lesson was played."""

    content: Label
    """The title played."""
    seconds: Seconds
    """Seconds played."""


class EventAttended(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The customer came to a webinar, a fair, a training."""

    name: Label
    """Name of the event."""
