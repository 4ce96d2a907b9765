"""The lines of an event file, with their customer and time of receipt.

A line is a CloudEvent, a record of a live log (``touchstream tail --record``), or neither. A line
that is neither is published as it is, and ends among the dead letters.
"""

import base64
import binascii
import gzip
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

from touchstream.agents.spelling import read_spelled
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.registry import TICK_TYPE
from touchstream.schemas.units import Millis

RECORD = "touchstream_record"
"""Marks a line that is a record of a live log; its value is the format's version."""

RECORD_FORMAT = 1


STDIN = Path("-")
"""Standard input, which can be read once."""

_GZIP = b"\x1f\x8b"


class LinesError(ValueError):
    """A file that cannot be replayed; the message names it and the reason."""


class Line(NamedTuple):
    """One record to publish."""

    value: bytes
    key: bytes | None
    time_ms: Millis | None
    """Time of receipt; None if the line has none."""
    partition: int | None = None
    """The partition of a recorded line; None: the key decides."""
    tick: bool = False
    headers: tuple[tuple[str, bytes | None], ...] = ()


class RawLine(NamedTuple):
    """A line that is not empty, without the white space around it."""

    file: Path
    number: int
    """From 1."""
    value: bytes

    @property
    def where(self) -> str:
        """``FILE:NUMBER``."""
        return f"{self.file}:{self.number}"


def read_lines(files: Sequence[Path]) -> Iterator[Line]:
    """Every line of every file, plain or .gz, in order, without empty ones."""
    for raw in raw_lines(files):
        yield parse_line(raw.value)


def raw_lines(files: Sequence[Path]) -> Iterator[RawLine]:
    """Every line of every file as bytes; ``-`` is standard input."""
    for file in files:
        with open_lines(file) if file != STDIN else _unpacked(STDIN, sys.stdin.buffer) as lines:
            for number, line in enumerate(lines, 1):
                value = line.strip()
                if value:
                    yield RawLine(file, number, value)


def parse_line(raw: bytes) -> Line:
    """Classify a line; raises only for a recorded line that is malformed."""
    try:
        decoded = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return Line(raw, None, None)
    if not isinstance(decoded, dict):
        return Line(raw, None, None)
    if RECORD in decoded:
        return _recorded(raw, decoded)
    # In binary mode the subject is a header; a plain file has structured events only.
    subject = decoded.get("subject")
    key = subject.encode() if isinstance(subject, str) and subject else None
    return Line(
        raw,
        key,
        _moment(decoded.get("receivedtime")) or _moment(decoded.get("time")),
        tick=decoded.get("type") == TICK_TYPE and key is None,
    )


def has_ticks(files: Sequence[Path]) -> bool:
    """Whether the files bring their own ticks, so that the replay writes none."""
    needle = f'"{TICK_TYPE}"'.encode()
    return any(line.tick for line in read_lines(files) if needle in line.value)


def _recorded(raw: bytes, record: dict[str, Any]) -> Line:
    try:
        if record[RECORD] != RECORD_FORMAT:
            raise ValueError(f"format {record[RECORD]!r}, want {RECORD_FORMAT}")
        return Line(
            read_spelled(record, "value") or b"",
            read_spelled(record, "key"),
            Millis(int(record["received"])),
            int(record["partition"]),
            tick=record.get("tick") is True,
            headers=tuple(
                (_text(name), None if text is None else base64.b64decode(text, validate=True))
                for name, text in record["headers"]
            ),
        )
    except (KeyError, TypeError, ValueError, binascii.Error) as exc:
        raise LinesError(f"a recorded line that cannot be read: {exc}: {raw[:80]!r}") from exc


def _text(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a header's name is {name!r}, want text")
    return name


def _moment(text: object) -> Millis | None:
    if not isinstance(text, str):
        return None
    try:
        return parse_time(text)
    except ValueError:
        return None


@contextmanager
def open_lines(file: Path) -> Iterator[Iterable[bytes]]:
    """The file's bytes, unpacked; raises :class:`LinesError` if it cannot be read."""
    try:
        packed = file.open("rb")
    except OSError as exc:
        raise LinesError(f"{file}: {exc.strerror}") from exc
    with packed, _unpacked(file, packed) as lines:
        yield lines


@contextmanager
def _unpacked(file: Path, packed: IO[bytes]) -> Iterator[Iterable[bytes]]:
    # The first bytes tell: a pipe has no suffix, and cannot be opened twice to look.
    if not isinstance(packed, BufferedReader) or packed.peek(len(_GZIP))[: len(_GZIP)] != _GZIP:
        yield packed
        return
    try:
        with gzip.GzipFile(fileobj=packed) as lines:
            yield lines
    except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
        raise LinesError(f"{file}: gzip: {exc}") from exc
