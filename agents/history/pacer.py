"""The ticks of a replay between the lines of a sorted history. Pure."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from touchstream.agents.history.lines import Line
from touchstream.schemas.units import DAY_MS, Millis


class Publish(NamedTuple):
    """A line to publish, with its time of receipt."""

    line: Line
    received_ms: Millis


class TickAt(NamedTuple):
    """A tick to publish."""

    time_ms: Millis
    skippable: bool = False
    """No line lies between it and the next tick, so it does nothing unless a customer is due."""


def paced(
    lines: Iterable[Line], begin_ms: Millis | None, every_days: int
) -> Iterator[Publish | TickAt]:
    """Lines with the ticks between them, on multiples of ``every_days`` since 1970.

    The first tick comes before the first event, so that the event has an active configuration;
    the last is the first at or after the last event. ``lines`` are in the order of time,
    ``begin_ms`` is their earliest time; None, if none has a time: then there are no ticks.
    """
    pacer = Pacer(begin_ms or Millis(0), every_days)
    for line in lines:
        yield from pacer.step(line)
    if begin_ms is not None:
        yield from pacer.end()


class Pacer:
    """Turns lines into publications and ticks."""

    def __init__(self, begin_ms: Millis, every_days: int) -> None:
        self._every_ms = every_days * DAY_MS
        self._latest_ms = begin_ms
        self._next_tick_ms = Millis((begin_ms - 1) // self._every_ms * self._every_ms)
        self._started = False

    def step(self, line: Line) -> Iterator[Publish | TickAt]:
        """The ticks before the line, and the line; an event at a tick's own time precedes it."""
        received_ms = self._latest_ms if line.time_ms is None else line.time_ms
        self._latest_ms = max(received_ms, self._latest_ms)
        yield from self._ticks()
        yield Publish(line, received_ms)

    def end(self) -> Iterator[TickAt]:
        """The last tick: the first at or after the last event."""
        self._latest_ms = Millis(self._latest_ms + self._every_ms)
        yield from self._ticks()

    def _ticks(self) -> Iterator[TickAt]:
        """All ticks before the latest line, at least the first of all."""
        while self._next_tick_ms < self._latest_ms or not self._started:
            time_ms = self._next_tick_ms
            self._next_tick_ms = Millis(time_ms + self._every_ms)
            # The first tick brings the configuration, the last one before a line its watermark.
            skippable = self._started and self._next_tick_ms < self._latest_ms
            self._started = True
            yield TickAt(time_ms, skippable)
