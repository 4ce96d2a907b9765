"""How far a replay is, for whoever shows it."""

from collections.abc import Callable
from typing import NamedTuple

from touchstream.schemas.units import Millis


class Phase(NamedTuple):
    """How far a replay is."""

    name: str
    records: int
    ticks: int
    time_ms: Millis | None


Show = Callable[[Phase], None]
