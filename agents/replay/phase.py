"""The progress of a replay, for display."""

from collections.abc import Callable
from typing import NamedTuple

from touchstream.schemas.units import Millis


class Phase(NamedTuple):
    """The current phase with its counts."""

    name: str
    records: int
    ticks: int
    time_ms: Millis | None


Show = Callable[[Phase], None]
