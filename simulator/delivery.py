"""From the day's events to arrivals: noise, delay, and counts of what was handed out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from operator import attrgetter

import numpy as np
from msgspec import Struct

from touchstream.simulator.event_log import Event
from touchstream.simulator.noise import Fate, Line, Noise, deliver


class Day(Struct, frozen=True):
    """One day of the world."""

    number: int
    start_ms: int
    lines: list[Line]
    """Arrivals in order; on the last day also those still under way."""
    active: int
    """Customers at its end."""
    left: int
    """Departures in it."""


class Expected(Struct, frozen=True):
    """Deliveries so far with their required fates; an exact run shows the same counts."""

    lines: int
    fates: Mapping[Fate, int]
    troubles: Mapping[str, int]
    """By field of :class:`Noise`."""


class Transport:
    """Events under way, and counts of those that have arrived."""

    def __init__(self, noise: Noise, rng: np.random.Generator) -> None:
        self._noise, self._rng = noise, rng
        self._under_way: list[Line] = []
        self._fates: Counter[Fate] = Counter()
        self._troubles: Counter[str] = Counter()

    @property
    def expected(self) -> Expected:
        """Counts over all lines handed out so far."""
        return Expected(self._fates.total(), dict(self._fates), dict(self._troubles))

    def send(self, events: Sequence[tuple[int, Event]]) -> None:
        """Take the events of a day as (moment in ms since 1970, event)."""
        self._under_way += deliver(events, self._noise, self._rng)

    def arrive(self, until_ms: int | None) -> list[Line]:
        """Hand out what arrives before ``until_ms``, in order of arrival; None: everything."""
        arrived, self._under_way = self._under_way, []
        if until_ms is not None:
            self._under_way = [line for line in arrived if line.received_ms >= until_ms]
            arrived = [line for line in arrived if line.received_ms < until_ms]
        arrived.sort(key=attrgetter("received_ms"))
        self._fates.update(line.fate for line in arrived)
        self._troubles.update(line.trouble for line in arrived if line.trouble)
        return arrived
