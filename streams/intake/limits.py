"""Limits on a record before it is parsed, and on the names in an event."""

import re
from itertools import accumulate
from typing import Annotated

from msgspec import Meta

MAX_DEPTH = 32
"""Nesting of objects and arrays; the deepest touchpoint has 4, the envelope included."""

MAX_NAME_BYTES = 256
"""UTF-8 bytes of id, source, type and subject: they become keys in Kafka and Redis."""

Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_BYTES)]
"""A first check by msgspec; it counts characters, so :func:`is_name` decides."""

_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_OPENS_ARRAY = ord("[")
_STEP = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in _STEP)


def too_deep(value: bytes) -> bool:
    """Whether JSON text nests deeper than ``MAX_DEPTH``, without parsing it.

    Almost every event has so few brackets that counting them suffices.
    """
    # Most events have no array: looking for one byte is ten times cheaper than counting it.
    arrays = value.count(b"[") if _OPENS_ARRAY in value else 0
    return value.count(b"{") + arrays > MAX_DEPTH and _nests_too_deep(value)


def _nests_too_deep(value: bytes) -> bool:
    """Walk the brackets outside of strings, about 50 ns each: 256 KiB take 20 ms at worst."""
    depths = accumulate(map(_STEP.__getitem__, _brackets(value)))
    return any(depth > MAX_DEPTH for depth in depths)


def _brackets(value: bytes) -> bytes:
    # Backslashes first: an escaped backslash before a quote does not escape the quote.
    unescaped = value.replace(rb"\\", b"").replace(rb"\"", b"")
    outside_strings = b"".join(unescaped.split(b'"')[::2])
    return outside_strings.translate(None, _NOT_BRACKETS)


def is_name(text: object) -> bool:
    """Whether a value is a string of 1 .. 256 UTF-8 bytes without control characters.

    CloudEvents forbids those, and NUL separates source from id in their hash.
    """
    return (
        isinstance(text, str)
        and 0 < len(text.encode()) <= MAX_NAME_BYTES
        and _CONTROL_CHARACTER.search(text) is None
    )


def are_plain(names: tuple[str, ...]) -> bool:
    """Whether all are ASCII without control characters; costs a fifth of :func:`is_name`."""
    text = "".join(names)
    return text.isascii() and text.isprintable()
