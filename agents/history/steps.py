"""The steps of a replay: the lines of its history, and the ticks between them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from touchstream.agents.history.pacer import Publish, TickAt, paced
from touchstream.agents.history.reading import History, opened_history
from touchstream.schemas.units import Millis

Step = Publish | TickAt


def read_steps(files: Sequence[Path], every_days: int) -> Iterator[Step]:
    """The steps of some files, read as :func:`opened_history` reads them."""
    with opened_history(files) as history:
        yield from steps(history, every_days)


def steps(history: History, every_days: int) -> Iterator[Step]:
    """Every line with the ticks between; a recorded log brings its own ticks."""
    if history.has_ticks:
        return (Publish(line, line.time_ms or Millis(0)) for line in history.lines())
    return paced(history.lines(), history.first_ms, every_days)
