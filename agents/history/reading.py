"""A history: every line of some files, read once, in the order of time.

Lines of files that were exported in any order, or by customer, are sorted by the time of their
receipt; lines of the same time keep their order, and a line without a time stays behind the one
before it. A recorded log keeps its order, because its ticks stand between its lines.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from touchstream.agents.history.finding import Finding
from touchstream.agents.history.inputs import InputError, Place, RawLine, raw_lines
from touchstream.agents.history.lines import Line, LinesError, parse_line
from touchstream.agents.history.sorting import NOWHERE, Keyed, Sorter, temporary_folder
from touchstream.schemas.envelope import format_time
from touchstream.schemas.units import Millis

OnLine = Callable[[], None]


def nothing() -> None:
    """Ignore a line."""


class TimeRange(NamedTuple):
    """The part of a history that counts; bounds are None where there is none."""

    from_ms: Millis | None = None
    """Earlier lines are outside."""
    until_ms: Millis | None = None
    """Later lines, and those at this moment, are outside."""

    def __contains__(self, time_ms: object) -> bool:
        assert isinstance(time_ms, int)
        return not self.is_before(time_ms) and not self.is_after(time_ms)

    def __str__(self) -> str:
        """``2024-01-01T00:00:00.000Z to 2025-01-01T00:00:00.000Z``."""
        begin = "the beginning" if self.from_ms is None else format_time(self.from_ms)
        end = "the end" if self.until_ms is None else format_time(self.until_ms)
        return f"{begin} to {end}"

    def is_before(self, time_ms: int) -> bool:
        return self.from_ms is not None and time_ms < self.from_ms

    def is_after(self, time_ms: int) -> bool:
        return self.until_ms is not None and time_ms >= self.until_ms


EVER = TimeRange()


class Unread(NamedTuple):
    """A file that could not be read to its end."""

    file: Path
    why: str


class BadRecord(NamedTuple):
    """A line that says it is a record of a live log, and is none."""

    place: Place
    why: str


Problem = Unread | BadRecord


class History:
    """The lines of some files, in the order of a replay; may be iterated several times."""

    def __init__(self, files: Sequence[Path], sorter: Sorter) -> None:
        self._files = files
        self._sorter = sorter
        self.counts: dict[Path, int] = dict.fromkeys(files, 0)
        """File -> its lines that are not empty."""
        self.is_recorded = False
        """Its lines are records of a live log."""
        self.has_ticks = False
        """It is a recorded log that brings its own ticks."""
        self.first_ms: Millis | None = None
        self.last_ms: Millis | None = None
        """Times of receipt in the range; None without any."""
        self.before = Finding()
        self.after = Finding()
        """Lines earlier and later than the range."""
        self.out_of_order = Finding()
        """Lines that are earlier than one that stands above them in their file."""
        self.furthest_back_ms = 0
        """By how much, at most."""
        self.fingerprint = 0
        """Sum of 64-bit hashes of its lines, which their order does not change."""

    @property
    def outside(self) -> int:
        """Lines out of the range."""
        return self.before.count + self.after.count

    @property
    def count(self) -> int:
        """Lines in the range."""
        return sum(self.counts.values()) - self.outside

    def raw(self) -> Iterator[RawLine]:
        """Every line in the range as bytes."""
        for _, file, number, value in self._sorter:
            yield RawLine(Place(self._files[file], number), value)

    def lines(self) -> Iterator[Line]:
        """Every line in the range, parsed."""
        for raw in self.raw():
            yield parse_line(raw.value)


def read_history(
    files: Sequence[Path],
    folder: Path,
    within: TimeRange = EVER,
    *,
    on_line: OnLine = nothing,
    on_outside: Callable[[RawLine], None] | None = None,
    on_problem: Callable[[Problem], None] | None = None,
) -> History:
    """Read the files to their ends, each once.

    Parameters
    ----------
    files
        Plain or gzip, pipes, ``-`` for standard input.
    folder
        For temporary files, as long as the history is used.
    within
        Lines with a time of receipt outside of it are counted, and passed to ``on_outside``.
    on_line
        Called for every line, to show progress.
    on_problem
        Called for a file or a line that cannot be read; reading goes on after it.

    Raises
    ------
    InputError, LinesError
        For what ``on_problem`` would be called with.
    OSError
        If the disk has no room for the lines.
    """
    history = History(files, Sorter(folder))
    reader = _Reader(history, folder, within, on_line, on_outside, on_problem)
    for number, file in enumerate(files):
        reader.read(number, file)
    reader.finish()
    return history


@contextmanager
def opened_history(
    files: Sequence[Path], within: TimeRange = EVER, on_line: OnLine = nothing
) -> Iterator[History]:
    """A history with a temporary folder of its own; raises what :func:`read_history` does."""
    with temporary_folder() as folder:
        yield read_history(files, Path(folder), within, on_line=on_line)


class _Reader:
    """Fills a history."""

    def __init__(
        self,
        history: History,
        folder: Path,
        within: TimeRange,
        on_line: OnLine,
        on_outside: Callable[[RawLine], None] | None,
        on_problem: Callable[[Problem], None] | None,
    ) -> None:
        self._history = history
        self._folder = folder
        self._within = within
        self._on_line = on_line
        self._on_outside = on_outside
        self._on_problem = on_problem
        self._newest_ms = NOWHERE
        self._recorded: bool | None = None
        """Whether the lines are records of a live log, as the first one is; None before it."""

    def read(self, number: int, file: Path) -> None:
        """Take every line of a file."""
        self._newest_ms = NOWHERE
        place_ms = NOWHERE
        try:
            for raw in raw_lines([file]):
                self._on_line()
                self._history.counts[file] += 1
                line = self._parsed(raw)
                if line is not None:
                    place_ms = self._take(number, raw, line, place_ms)
        except InputError as exc:
            if self._on_problem is None:
                raise
            self._on_problem(Unread(file, str(exc).removeprefix(f"{file}: ")))

    def finish(self) -> None:
        """A recorded log without ticks is sorted after all: nothing says when its time passed."""
        history = self._history
        if not self._recorded or history.has_ticks:
            return
        unsorted, history._sorter = history._sorter, Sorter(self._folder / "again")
        (self._folder / "again").mkdir()
        for line in unsorted:
            time_ms = parse_line(line.value).time_ms
            history._sorter.add(line._replace(key=NOWHERE if time_ms is None else time_ms))

    def _parsed(self, raw: RawLine) -> Line | None:
        try:
            line = parse_line(raw.value)
            self._require_alike(line)
        except LinesError as exc:
            if self._on_problem is None:
                raise LinesError(f"{raw.place}: {exc}") from exc
            self._on_problem(BadRecord(raw.place, str(exc)))
            return None
        return line

    def _require_alike(self, line: Line) -> None:
        is_recorded = line.partition is not None
        if self._recorded is None:
            self._recorded = self._history.is_recorded = is_recorded
        if line.tick and not is_recorded:
            raise LinesError(
                "ticks without a partition: record the log by `touchstream tail touchpoints "
                "--record`"
            )
        if self._recorded != is_recorded:
            raise LinesError(
                "a recorded log and plain events: replay them apart"
                if is_recorded
                else "no record of a live log, as the lines before it: was it cut off?"
            )

    def _take(self, file: int, raw: RawLine, line: Line, place_ms: int) -> int:
        """Put a line in its place, and return that."""
        history = self._history
        history.has_ticks = history.has_ticks or line.tick
        if line.time_ms is not None:
            if not self._recorded and line.time_ms not in self._within:
                self._leave_out(raw, line.time_ms)
                return place_ms
            self._note_order(raw, line.time_ms)
            place_ms = line.time_ms
            history.first_ms = _least(history.first_ms, line.time_ms)
            history.last_ms = _most(history.last_ms, line.time_ms)
        digest = hashlib.blake2b(raw.value, digest_size=8).digest()
        history.fingerprint = (history.fingerprint + int.from_bytes(digest)) % 2**64
        key = 0 if self._recorded else place_ms
        history._sorter.add(Keyed(key, file, raw.place.number, raw.value))
        return place_ms

    def _note_order(self, raw: RawLine, time_ms: int) -> None:
        back_ms, history = self._newest_ms - time_ms, self._history
        self._newest_ms = max(self._newest_ms, time_ms)
        if back_ms > 0:
            history.out_of_order.add(str(raw.place))
            history.furthest_back_ms = max(history.furthest_back_ms, back_ms)

    def _leave_out(self, raw: RawLine, time_ms: int) -> None:
        history = self._history
        found = history.before if self._within.is_before(time_ms) else history.after
        found.add(str(raw.place))
        if self._on_outside is not None:
            self._on_outside(raw)


def _least(a: Millis | None, b: Millis) -> Millis:
    return b if a is None else min(a, b)


def _most(a: Millis | None, b: Millis) -> Millis:
    return b if a is None else max(a, b)
