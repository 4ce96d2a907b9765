"""The ticks of a replay, and the lines that may advance its clock. Pure."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from touchstream.agents.replay.lines import Line
from touchstream.schemas.units import DAY_MS, Millis

MOST_OUTLIERS = 1_000
"""With more lines in a row beyond the gap, it is a silence in the history, not a wrong clock."""


class GapTooWide(ValueError):
    """The file continues after a longer silence than the settings allow."""


class Publish(NamedTuple):
    """A line to publish, with its time of receipt."""

    line: Line
    received_ms: Millis


class TickAt(NamedTuple):
    """A tick to publish."""

    time_ms: Millis


def beginning(first_lines: Sequence[Line], max_gap_days: int) -> Millis | None:
    """The beginning of a history: the earliest time not far from the median; None without any.

    One wrong clock among the first lines must not set the clock for all that follow.
    """
    times = sorted(line.time_ms for line in first_lines if line.time_ms is not None)
    if not times:
        return None
    gap_ms = max_gap_days * DAY_MS
    return next(time_ms for time_ms in times if time_ms >= times[len(times) // 2] - gap_ms)


class Pacer:
    """Turns lines into publications and ticks, on multiples of ``every_days`` since 1970.

    The first tick comes before the first event, so that the event has an active configuration.
    """

    def __init__(self, begin_ms: Millis, every_days: int, max_gap_days: int) -> None:
        self._every_ms = every_days * DAY_MS
        self._max_gap_days = max_gap_days
        self._latest_ms = begin_ms
        first_tick = (begin_ms - 1) // self._every_ms
        self._next_tick_ms = Millis(first_tick * self._every_ms)
        self._started = False
        self._outliers = 0

    def step(self, line: Line) -> Iterator[Publish | TickAt]:
        """The ticks before the line, and the line; an event at a tick's own time precedes it."""
        received_ms = self._received(line)
        while received_ms > self._next_tick_ms or not self._started:
            yield self._tick()
        yield Publish(line, received_ms)

    def end(self) -> Iterator[TickAt]:
        """The last tick: the first at or after the last event."""
        while not self._started or self._next_tick_ms - self._every_ms < self._latest_ms:
            yield self._tick()

    def _tick(self) -> TickAt:
        tick = TickAt(self._next_tick_ms)
        self._next_tick_ms = Millis(self._next_tick_ms + self._every_ms)
        self._started = True
        return tick

    def _received(self, line: Line) -> Millis:
        if line.time_ms is None:
            return self._latest_ms
        if line.time_ms > self._latest_ms + self._max_gap_days * DAY_MS:
            return self._outlier()
        self._outliers = 0
        self._latest_ms = max(line.time_ms, self._latest_ms)
        return line.time_ms

    def _outlier(self) -> Millis:
        self._outliers += 1
        # Without a limit one long gap would stop the clock for the rest of the history.
        if self._outliers >= MOST_OUTLIERS:
            raise GapTooWide(
                f"{self._outliers} lines in a row lie more than ticks.max_gap_days = "
                f"{self._max_gap_days} days past the last one before them: raise it if the history "
                "really has such a gap"
            )
        return self._latest_ms
