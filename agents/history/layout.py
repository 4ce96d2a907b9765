"""Formats that are not one JSON object a line: recognised, and refused with the way out. Pure."""

import json

import orjson

_PACKED = (
    (b"PK\x03\x04", "a zip archive", "unzip -p FILE"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd", "zstd -dc FILE"),
    (b"BZh", "packed by bzip2", "bzip2 -dc FILE"),
    (b"\xfd7zXZ\x00", "packed by xz", "xz -dc FILE"),
    (b"PAR1", "a Parquet file", "duckdb -c \"COPY (FROM 'FILE') TO '/dev/stdout' (FORMAT json)\""),
    (b"\xff\xfe\x00\x00", "UTF-32", "iconv -f UTF-32 -t UTF-8 FILE"),
    (b"\x00\x00\xfe\xff", "UTF-32", "iconv -f UTF-32 -t UTF-8 FILE"),
    (b"\xff\xfe", "UTF-16", "iconv -f UTF-16 -t UTF-8 FILE"),
    (b"\xfe\xff", "UTF-16", "iconv -f UTF-16 -t UTF-8 FILE"),
    (b"{\x00", "UTF-16", "iconv -f UTF-16LE -t UTF-8 FILE"),
    (b"\x00{", "UTF-16", "iconv -f UTF-16BE -t UTF-8 FILE"),
    (b"[\x00", "UTF-16", "iconv -f UTF-16LE -t UTF-8 FILE"),
    (b"\x00[", "UTF-16", "iconv -f UTF-16BE -t UTF-8 FILE"),
)
"""First bytes, what they tell, and the command that converts."""

_EVERY_ELEMENT = "jq -c '.[]' FILE"
_EVERY_OBJECT = "jq -c . FILE"
_EVERY_EVENT = "jq -c '.. | objects | select(.specversion)' FILE"
_NO_COMMAS = "sed 's/,[[:space:]]*$//' FILE"
_SEPARATORS = (b",", b";", b"\t")


class OtherFormat(ValueError):
    """A file of another format than one event a line; the message names the likely one."""


def refuse_packed(head: bytes) -> None:
    """Raise :class:`OtherFormat` if a file's first bytes are those of another format."""
    for magic, format_name, command in _PACKED:
        if head.startswith(magic):
            raise OtherFormat(_message(format_name, command))


def refuse_unlike_lines(first: bytes, second: bytes) -> None:
    """Raise :class:`OtherFormat` if a file's first lines are not one object each.

    Called with the first line as ``second`` after nothing (``b""``), then with both. A file whose
    first line is broken, but followed by objects, is no other format.
    """
    if not first:
        _refuse_first(second)
        return
    if _is_object(first):
        return
    if first.startswith(b"{") and first.endswith(b"["):
        raise OtherFormat(_message("one JSON document with the events inside", _EVERY_EVENT))
    if first.startswith(b"{") and not second.startswith(b"{"):
        raise OtherFormat(_message("pretty-printed JSON", _EVERY_OBJECT))
    for separator in _SEPARATORS:
        columns = first.count(separator)
        if columns and columns == second.count(separator) and not second.startswith(b"{"):
            raise OtherFormat("looks like a table (CSV): want one event a line as JSON")


def _refuse_first(line: bytes) -> None:
    if line.startswith(b"["):
        raise OtherFormat(_message("a JSON array", _EVERY_ELEMENT))
    if line.startswith(b"\x1e"):
        raise OtherFormat(_message("a JSON text sequence", "jq --seq -c . FILE"))
    if line.lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise OtherFormat("looks like a page (HTML or XML): want one event a line as JSON")
    if not line.startswith(b"{") or _is_object(line):
        return
    if line == b"{":
        raise OtherFormat(_message("pretty-printed JSON", _EVERY_OBJECT))
    if _is_object(line.rstrip(b", \t")):
        raise OtherFormat(_message("JSON objects whose lines end with a comma", _NO_COMMAS))
    if _begins_with_object(line):
        raise OtherFormat(_message("JSON objects without line breaks between them", _EVERY_OBJECT))


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _begins_with_object(line: bytes) -> bool:
    text = line.decode(errors="replace")
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return text[end:].lstrip(" \t\r,").startswith("{")


def _message(format_name: str, command: str) -> str:
    return f"looks like {format_name}: want one event a line; `{command}` converts it"
