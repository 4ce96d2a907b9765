"""Remembered event ids of a customer, so that an event sent twice is applied once.

16 bytes per id, sorted, so that the same ids give the same bytes in any order of arrival:

    minutes since 1970 (4) . identity of source and id (8) . first half of the content's hash (4)

One pair of a customer's ids in 2**64 collides in identity; one pair of contents of the same id in
2**32 looks the same.
"""

from bisect import bisect
from typing import Literal, NewType

from touchstream.schemas.units import MINUTE_MS, Millis

Memory = NewType("Memory", bytes)
"""Packed ids; msgspec encodes them as bytes."""

NOTHING_REMEMBERED = Memory(b"")

Recollection = Literal["new", "duplicate", "conflict"]

_MINUTES_BYTES = 4
_IDENTITY_BYTES = 8
_CONTENT_BYTES = 4
_CONTENT_AT = _MINUTES_BYTES + _IDENTITY_BYTES
_ENTRY_BYTES = _CONTENT_AT + _CONTENT_BYTES
_LAST_MINUTE = (1 << 8 * _MINUTES_BYTES) - 1
_CONTENT_SHIFT = 64 - 8 * _CONTENT_BYTES


def recall(memory: Memory, identity: int, content: int) -> Recollection:
    """Whether an event is new, a duplicate, or in conflict: known with different content.

    ``identity`` and ``content`` are the 64-bit hashes of ``streams/intake/fingerprint.py``.
    """
    start = _find(memory, identity.to_bytes(_IDENTITY_BYTES))
    if start is None:
        return "new"
    known = memory[start + _CONTENT_AT : start + _ENTRY_BYTES]
    return "duplicate" if known == _half(content) else "conflict"


def remember(
    memory: Memory, identity: int, content: int, time_ms: Millis, limit: int
) -> tuple[Memory, bool]:
    """Memory with the event, and whether ``limit`` (>= 1 ids) made it forget the oldest.

    A known identity keeps its first entry.
    """
    name = identity.to_bytes(_IDENTITY_BYTES)
    if _find(memory, name) is not None:
        return memory, False
    grown = _insert(memory, _minutes(time_ms) + name + _half(content))
    over = len(grown) - limit * _ENTRY_BYTES
    return (Memory(grown[over:]), True) if over > 0 else (Memory(grown), False)


def forget_before(memory: Memory, time_ms: Millis) -> Memory:
    """Memory without events from minutes before that of ``time_ms``."""
    minute = _minutes(time_ms)
    # Entries are sorted: if the oldest stays, all stay.
    if memory[:_MINUTES_BYTES] >= minute:
        return memory
    return Memory(memory[_rank(memory, minute) * _ENTRY_BYTES :])


def _find(memory: Memory, name: bytes) -> int | None:
    """Start of the entry with that identity; a match across two entries does not count."""
    # A search in the bytes costs less than unpacking the entries.
    at = memory.find(name)
    while at >= 0:
        start, offset = at - at % _ENTRY_BYTES, at % _ENTRY_BYTES
        if offset == _MINUTES_BYTES:
            return start
        at = memory.find(name, at + 1)
    return None


def _insert(memory: Memory, entry: bytes) -> bytes:
    """Insert in order; the end is tried first, because most events are the latest."""
    if memory[-_ENTRY_BYTES:] <= entry:
        return memory + entry
    at = _rank(memory, entry) * _ENTRY_BYTES
    return memory[:at] + entry + memory[at:]


def _rank(memory: Memory, bound: bytes) -> int:
    """Number of entries below ``bound``, which is not an entry itself."""
    entries = range(0, len(memory), _ENTRY_BYTES)
    return bisect(entries, bound, key=lambda start: memory[start : start + _ENTRY_BYTES])


def _minutes(time_ms: Millis) -> bytes:
    """Minute of a moment as sortable bytes, clamped to the years 1970 to 10135."""
    minute = time_ms // MINUTE_MS
    if not 0 <= minute <= _LAST_MINUTE:
        minute = min(max(minute, 0), _LAST_MINUTE)
    return minute.to_bytes(_MINUTES_BYTES)


def _half(content: int) -> bytes:
    return (content >> _CONTENT_SHIFT).to_bytes(_CONTENT_BYTES)
