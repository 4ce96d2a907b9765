"""The lines of an event file, with their customer and time of receipt.

A line is a CloudEvent, a record of a live log (``touchstream tail --record``), or neither. A line
that is neither is published as it is, and ends among the dead letters.
"""

import base64
import binascii
from typing import Any, NamedTuple

import orjson

from touchstream.agents.spelling import read_spelled
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.registry import TICK_TYPE
from touchstream.schemas.units import Millis

RECORD = "touchstream_record"
"""Marks a line that is a record of a live log; its value is the format's version."""

RECORD_FORMAT = 1


class LinesError(ValueError):
    """Lines that cannot be replayed; the message gives the reason."""


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
