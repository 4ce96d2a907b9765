"""Event files as people have them: each opened once, unpacked by its content, never by its name.

Other formats than one event a line are refused, with the command that converts them.
"""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, cast

from touchstream.agents.history.layout import OtherFormat, refuse_packed, refuse_unlike_lines

STDIN = Path("-")
"""Standard input."""

MAX_LINE_BYTES = 4 * 1024 * 1024
"""The rest of a longer line is not read: no broker takes it, and it would fill memory."""

_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PEEKED_BYTES = 16


class InputError(ValueError):
    """A file that cannot be read; the message names it, the place and the reason."""


class Place(NamedTuple):
    """Where a line stands."""

    file: Path
    number: int
    """From 1."""

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


class RawLine(NamedTuple):
    """A line that is not empty, without the white space around it."""

    place: Place
    value: bytes


def raw_lines(files: Sequence[Path]) -> Iterator[RawLine]:
    """Every line of every file, in order; raises :class:`InputError`."""
    for file in files:
        yield from _lines_of(file)


def _lines_of(file: Path) -> Iterator[RawLine]:
    number = 0
    first: bytes | None = b""
    try:
        with _opened(file) as source:
            for number, line in enumerate(_bounded(_unpacked(source)), 1):
                # Files that were put together may have a mark in the middle.
                value = line.strip().removeprefix(_BYTE_ORDER_MARK)
                if not value:
                    continue
                # The second line tells a pretty-printed object from a line that is cut off.
                if first is not None:
                    refuse_unlike_lines(first, value)
                    first = None if first else value
                yield RawLine(Place(file, number), value)
    except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
        raise InputError(f"{file}: gzip: damaged or cut off after line {number}: {exc}") from exc
    except OSError as exc:
        raise InputError(f"{file}: {exc.strerror or exc}") from exc
    except OtherFormat as exc:
        raise InputError(f"{file}: {exc}") from exc


@contextmanager
def _opened(file: Path) -> Iterator[io.BufferedReader]:
    if file == STDIN:
        yield cast(io.BufferedReader, sys.stdin.buffer)
        return
    with file.open("rb") as source:
        yield source


def _unpacked(source: io.BufferedReader) -> io.BufferedReader:
    """The bytes below any layers of gzip."""
    while (head := source.peek(_PEEKED_BYTES)[:_PEEKED_BYTES]).startswith(_GZIP):
        source = io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=source, mode="rb")))
    refuse_packed(head)
    return source


def _bounded(source: IO[bytes]) -> Iterator[bytes]:
    """Lines of at most ``MAX_LINE_BYTES``; the rest of a longer one is skipped."""
    while line := source.readline(MAX_LINE_BYTES):
        yield line
        while len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = source.readline(MAX_LINE_BYTES)
