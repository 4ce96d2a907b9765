"""Remembered event ids of a customer, so that an event sent twice is applied once.

8 bytes per id, an unsigned integer in little-endian order, sorted, so that the same ids give the
same bytes in any order of arrival:

    identity of source and id (34 bits) . content (14 bits) . day since 1970 (16 bits)

An id is found by its identity whatever its time, because a known id with another time is a
conflict. With n remembered ids, a new one looks like one of them with a probability of n / 2**34
and becomes a dead letter; with one of n / 2**48 it counts as a duplicate (n = 4,096: 1 in 4
million, and 1 in 69 billion). Of contents of the same id that differ, 1 in 16,383 looks the same.
"""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import Literal, NewType

import numpy as np
from numpy.typing import NDArray

from touchstream.schemas.units import DAY_MS, Millis

Memory = NewType("Memory", bytes)
"""Packed ids; msgspec encodes them as bytes."""

NOTHING_REMEMBERED = Memory(b"")

Recollection = Literal["new", "duplicate", "conflict"]

ENTRY_BYTES = 8

_CONTENT_BITS = 14
_DAY_BITS = 16
_IDENTITY_BITS = 8 * ENTRY_BYTES - _CONTENT_BITS - _DAY_BITS
_IDENTITY_SHIFT = _CONTENT_BITS + _DAY_BITS
_HASH_BITS = 64
_CONTENT_MASK = (1 << _CONTENT_BITS) - 1
_LAST_DAY = (1 << _DAY_BITS) - 1
_UNKNOWN_CONTENT = 0
_Entries = NDArray[np.uint64]


def recall(memory: Memory, identity: int, content: int) -> Recollection:
    """Whether an event is new, a duplicate, or in conflict: known with different content.

    ``identity`` and ``content`` are the 64-bit hashes of ``streams/intake/fingerprint.py``. Costs
    1 us with 50 ids and 2 us with 4,096.
    """
    entries, name = _entries(memory), _name(identity)
    place = bisect_left(entries, name << _IDENTITY_SHIFT)
    if place == len(entries) or entries[place] >> _IDENTITY_SHIFT != name:
        return "new"
    known = entries[place] >> _DAY_BITS & _CONTENT_MASK
    return "duplicate" if known in (_digest(content), _UNKNOWN_CONTENT) else "conflict"


def remember(
    memory: Memory, identity: int, content: int, time_ms: Millis, limit: int
) -> tuple[Memory, bool]:
    """Memory with the event, and whether ``limit`` (>= 1 ids) made it forget the oldest.

    A known identity keeps its first entry.
    """
    entries, name = _entries(memory), _name(identity)
    place = bisect_left(entries, name << _IDENTITY_SHIFT)
    if place < len(entries) and entries[place] >> _IDENTITY_SHIFT == name:
        return memory, False
    entry = _entry(name, _digest(content), time_ms // DAY_MS)
    start = place * ENTRY_BYTES
    grown = Memory(memory[:start] + entry.to_bytes(ENTRY_BYTES, "little") + memory[start:])
    over = len(entries) + 1 - limit
    return (_without_oldest(grown, over), True) if over > 0 else (grown, False)


def forget_before(memory: Memory, time_ms: Millis) -> Memory:
    """Memory without events from days (UTC) before that of ``time_ms``."""
    if not memory:
        return memory
    entries = _array(memory)
    stays = _days(entries) >= _day(time_ms // DAY_MS)
    return memory if stays.all() else Memory(entries[stays].tobytes())


def remembered(memory: Memory) -> int:
    """Number of ids."""
    return len(memory) // ENTRY_BYTES


def from_16_bytes(former: bytes) -> Memory:
    """The memory of state formats up to 5: minute (4), identity (8), content (4) for each id.

    Contents were hashed by another rule, so they are unknown: these ids are duplicates, whatever
    comes with them.
    """
    if len(former) % _FORMER_BYTES:
        raise ValueError(f"a memory of {len(former)} bytes: want a multiple of {_FORMER_BYTES}")
    latest: dict[int, int] = {}
    for start in range(0, len(former), _FORMER_BYTES):
        minute = int.from_bytes(former[start : start + 4])
        name = _name(int.from_bytes(former[start + 4 : start + 12]))
        # In the order of their minutes, so the latest of two that look the same stays.
        latest[name] = _entry(name, _UNKNOWN_CONTENT, minute // _MINUTES_A_DAY)
    return Memory(
        b"".join(each.to_bytes(ENTRY_BYTES, "little") for each in sorted(latest.values()))
    )


_FORMER_BYTES = 16
_MINUTES_A_DAY = 1440


def _entries(memory: Memory) -> Sequence[int]:
    """The entries as integers, without a copy where the machine is little-endian."""
    if sys.byteorder == "little":
        return memoryview(memory).cast("Q")
    swapped = array("Q", memory)
    swapped.byteswap()
    return swapped


def _array(memory: Memory) -> _Entries:
    return np.frombuffer(memory, "<u8")


def _days(entries: _Entries) -> _Entries:
    return entries & np.uint64(_LAST_DAY)


def _without_oldest(memory: Memory, count: int) -> Memory:
    """Leave out the oldest by day; of one day, those with the least identities."""
    entries = _array(memory)
    age = _days(entries) << np.uint64(_HASH_BITS - _DAY_BITS) | entries >> np.uint64(_DAY_BITS)
    if count == 1:  # unless the limit was lowered
        start = int(age.argmin()) * ENTRY_BYTES
        return Memory(memory[:start] + memory[start + ENTRY_BYTES :])
    # No two ages are equal, so what stays does not depend on the order of arrival.
    bound = np.partition(age, count)[count]
    return Memory(entries[age >= bound].tobytes())


def _entry(name: int, digest: int, day: int) -> int:
    return name << _IDENTITY_SHIFT | digest << _DAY_BITS | _day(day)


def _day(day: int) -> int:
    """A day since 1970, clamped to the years 1970 to 2149."""
    return min(max(day, 0), _LAST_DAY)


def _name(identity: int) -> int:
    return identity >> _HASH_BITS - _IDENTITY_BITS


def _digest(content: int) -> int:
    """The content's bits, never those of an unknown content."""
    return content >> _HASH_BITS - _CONTENT_BITS or 1
