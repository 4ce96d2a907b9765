"""A stable sort of any number of lines in bounded memory (external merge sort: Knuth, TAOCP 5.4).

Lines are gathered up to a bound, sorted in memory and written to a temporary file, a run. Reading
merges the runs. Runs that follow one another in order are read one after the other, so lines that
come sorted cost no comparison.
"""

import heapq
import struct
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

RUN_BYTES = 64 * 1024 * 1024
"""Bound on the lines in memory, with what Python adds to them."""

MOST_RUNS = 256
"""Runs that are merged at once; each takes a buffer and an open file."""

_OVERHEAD_BYTES = 100
"""Of one line in memory."""
_BUFFER_BYTES = 128 * 1024
_HEAD = struct.Struct("<qIII")

NOWHERE = -(2**63)
"""The key before all others."""


class Keyed(NamedTuple):
    """A line with its key, and its place as two numbers."""

    key: int
    """64-bit signed."""
    file: int
    number: int
    value: bytes


class _Run(NamedTuple):
    """Sorted lines in a file."""

    path: Path
    first: int
    last: int

    def lines(self) -> Iterator[Keyed]:
        with self.path.open("rb", _BUFFER_BYTES) as file:
            yield from _unpacked(file)


class Sorter:
    """Takes lines in any order; iterates them by key, equal keys in the order they came.

    May be iterated any number of times, but takes no line after that.
    """

    def __init__(self, folder: Path, run_bytes: int = RUN_BYTES) -> None:
        self._folder = folder
        self._run_bytes = run_bytes
        self._runs: list[_Run] = []
        self._written = 0
        self._keys = array("q")
        self._lines: list[Keyed] = []
        self._bytes = 0

    def add(self, line: Keyed) -> None:
        """Take a line; raises OSError if the disk is full."""
        self._keys.append(line.key)
        self._lines.append(line)
        self._bytes += len(line.value) + _OVERHEAD_BYTES
        if self._bytes >= self._run_bytes:
            self._write_run(self._sorted())
            if len(self._runs) >= MOST_RUNS:
                self._merge_runs()

    def __iter__(self) -> Iterator[Keyed]:
        # The last lines need no file: a history that fits in memory is never written.
        rest = self._sorted()
        return _merged([*_sequences(self._runs), iter(rest)])

    def _sorted(self) -> Sequence[Keyed]:
        order = np.argsort(np.frombuffer(self._keys, np.int64), kind="stable")
        self._lines = [self._lines[index] for index in order.tolist()]
        self._keys = array("q", (line.key for line in self._lines))
        return self._lines

    def _write_run(self, lines: Iterable[Keyed]) -> None:
        path = self._folder / f"run-{self._written}"
        self._written += 1
        first = last = None
        try:
            with path.open("wb", _BUFFER_BYTES) as file:
                for key, number, line, value in lines:
                    first = key if first is None else first
                    last = key
                    file.write(_HEAD.pack(key, number, line, len(value)) + value)
        # A write does not say where the disk is full.
        except OSError as exc:
            raise OSError(exc.errno, f"{exc.strerror} (TMPDIR)", str(path)) from exc
        assert first is not None
        assert last is not None
        self._runs.append(_Run(path, first, last))
        self._keys, self._lines, self._bytes = array("q"), [], 0

    def _merge_runs(self) -> None:
        before, self._runs = self._runs, []
        self._write_run(_merged(_sequences(before)))
        for run in before:
            run.path.unlink()


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for runs, in ``TMPDIR``; removed at the end."""
    return tempfile.TemporaryDirectory(prefix="touchstream-sort-")


def _sequences(runs: Sequence[_Run]) -> list[Iterator[Keyed]]:
    """The runs, those that follow one another in order chained."""
    groups: list[list[_Run]] = []
    for run in runs:
        if groups and groups[-1][-1].last <= run.first:
            groups[-1].append(run)
        else:
            groups.append([run])
    return [chain.from_iterable(run.lines() for run in group) for group in groups]


def _merged(sequences: Sequence[Iterator[Keyed]]) -> Iterator[Keyed]:
    if len(sequences) == 1:
        return sequences[0]
    # Equal keys come in the order of the sequences: that makes the sort stable.
    return heapq.merge(*sequences, key=_key)


def _key(line: Keyed) -> int:
    return line.key


def _unpacked(file: BinaryIO) -> Iterator[Keyed]:
    while head := file.read(_HEAD.size):
        key, number, line, size = _HEAD.unpack(head)
        yield Keyed(key, number, line, file.read(size))
