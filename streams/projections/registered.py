"""A projection as the processing loop uses it, with its decoder and protocols."""

from typing import Any

import msgspec
from msgspec import Raw

from touchstream.streams.projections.projection import (
    ConcludingProjection,
    DecidedProjection,
    Projection,
    ScoredProjection,
)
from touchstream.streams.state import StateError


class Registered:
    """A projection with everything derived from it once at import."""

    def __init__(self, projection: Projection[Any]) -> None:
        self.projection = projection
        self.slot = projection.slot
        self.name = projection.name
        self.reads = frozenset(projection.reads)
        self.on_event = projection.on_event
        self.on_timer = projection.on_timer
        self.next_timer_ms = projection.next_timer_ms
        self.scored = projection if isinstance(projection, ScoredProjection) else None
        self.decided = projection if isinstance(projection, DecidedProjection) else None
        self.concluding = projection if isinstance(projection, ConcludingProjection) else None
        self._decoder = msgspec.msgpack.Decoder(projection.state_type)

    def decode(self, content: Raw) -> Any:  # noqa: ANN401 - the projection's own state type
        """Decode a slot of this version or an earlier one; raises :class:`StateError`."""
        # The current version is the common case, so older ones are recognised by its failure.
        try:
            return self._decoder.decode(content)
        except msgspec.DecodeError as exc:
            version, *fields = msgspec.msgpack.decode(content, type=list[Any]) or [None]
            if version == self.projection.state_type.__struct_config__.tag:
                raise StateError(f"slot {self.name}: {exc}") from exc
            return self._upgraded(version, fields)

    def _upgraded(self, version: Any, fields: list[Any]) -> Any:  # noqa: ANN401
        try:
            return self.projection.upgrade(version, fields)
        except (LookupError, TypeError, ValueError) as exc:
            raise StateError(f"slot {self.name}, version {version}: {exc}") from exc
