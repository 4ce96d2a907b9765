"""The steps of a replay: the lines of its files, and the ticks between them."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from touchstream.agents.replay.lines import LinesError, has_ticks, read_lines
from touchstream.agents.replay.pacer import Pacer, Publish, TickAt, beginning
from touchstream.agents.settings import TickSettings
from touchstream.schemas.units import Millis

FIRST_LINES = 1_000
"""Enough lines to tell a wrong clock from a right one."""

Step = Publish | TickAt


def steps(files: Sequence[Path], ticks: TickSettings) -> Iterator[Step]:
    """Every line in order with the ticks between; a recorded log brings its own ticks."""
    return recorded(files) if has_ticks(files) else paced(files, ticks)


def paced(files: Sequence[Path], ticks: TickSettings) -> Iterator[Step]:
    """Ticks on multiples of ``ticks.every_days``; an empty file has none."""
    lines = read_lines(files)
    # The beginning is needed before the first line is published.
    first = list(islice(lines, FIRST_LINES))
    begin_ms = beginning(first, ticks.max_gap_days)
    pacer = Pacer(begin_ms or Millis(0), ticks.every_days, ticks.max_gap_days)
    for line in chain(first, lines):
        yield from pacer.step(line)
    if begin_ms is not None:
        yield from pacer.end()


def recorded(files: Sequence[Path]) -> Iterator[Step]:
    """A recorded log as it was; its ticks are lines like any other."""
    for line in read_lines(files):
        if line.tick and line.partition is None:
            raise LinesError("ticks without a partition: record the log by `touchstream tail`")
        yield Publish(line, line.time_ms or Millis(0))
