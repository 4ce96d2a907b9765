"""One customer's whole state, and its encoding.

A state is a header (memory of ids, next timer, tombstone), the profile, and one slot for each
projection that has a state. A slot is a MessagePack array that begins with the version of its
projection's fields; it is copied as bytes until it is read.

The encoding is the format, the number of a dictionary, and MessagePack without field names,
compressed with that dictionary (``streams/dictionaries/``).
"""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw, Struct

from touchstream.schemas.units import Millis
from touchstream.streams.compression import CompressionError, compress, decompress
from touchstream.streams.intake.memory import NOTHING_REMEMBERED, Memory, from_16_bytes
from touchstream.streams.intake.unknown_fields import WITH_UNKNOWN_FIELDS
from touchstream.streams.learn.ledger import millionths
from touchstream.streams.profiles.profile import Profile

FORMAT = 6

if TYPE_CHECKING:
    Content = Any
else:
    Content = Raw  # decoded when a projection reads it


class StateError(ValueError):
    """Bytes that no version of this module has written."""


class Slot(Struct, frozen=True, array_like=True, gc=False):
    """The state of one projection."""

    number: int
    """The projection's :attr:`Projection.slot`."""
    next_timer_ms: Millis | None
    """When the projection's timer fires; None: never."""
    content: Content
    """Bytes as read, or the decoded or new state."""


class IntakeCounts(Struct, frozen=True, array_like=True, gc=False):
    """Events of this customer that were applied although something was wrong with them."""

    late: int = 0
    """At or before the watermark."""
    clamped: int = 0
    """Dated in the future."""
    memory_full: int = 0
    """Made the memory forget an older id, which would count again if it were sent again."""
    with_unknown_fields: int = 0

    def plus(self, counters: Collection[str]) -> "IntakeCounts":
        """The counts with an event that increments these counters."""
        return IntakeCounts(
            self.late + ("late" in counters),
            self.clamped + ("clamped" in counters),
            self.memory_full + ("memory_full" in counters),
            self.with_unknown_fields + (WITH_UNKNOWN_FIELDS in counters),
        )


class State(Struct, frozen=True, array_like=True, gc=False):
    """All that touchstream knows of one customer."""

    profile: Profile | None = None
    memory: Memory = NOTHING_REMEMBERED
    next_timer_ms: Millis | None = None
    """The first tick at or after this moment wakes the customer; None: no tick does."""
    erased_ms: Millis | None = None
    """Tombstone: events up to here are the erased person's."""
    slots: tuple[Slot, ...] = ()
    """In the order of their numbers; a projection without a state has none."""
    counts: IntakeCounts | None = None
    """None: all zero."""


UNSEEN = State()
"""The state of an unknown customer."""


_encoder = msgspec.msgpack.Encoder(order="deterministic")  # equal dicts give equal bytes
_decoder = msgspec.msgpack.Decoder(State)
_PREFIX = bytes([FORMAT])


def encode(state: State) -> bytes:
    """Bytes for the store; equal states give equal bytes.

    >>> decode(encode(State(erased_ms=Millis(7)))) == State(erased_ms=Millis(7))
    True
    """
    return _PREFIX + compress(_encoder.encode(state))


def decode(data: bytes) -> State:
    """Decode a state of this or an earlier format; raises :class:`StateError`."""
    if not data:
        raise StateError("an empty state")
    version = data[0]
    try:
        if version == FORMAT:
            return _decoder.decode(decompress(memoryview(data)[1:]))
        if version > FORMAT:
            raise StateError(f"state format {version}, this build reads up to {FORMAT}")
        packed = memoryview(data)[1:]
        fields = msgspec.msgpack.decode(
            decompress(packed) if version >= _FIRST_COMPRESSED else packed, type=list[Any]
        )
        # Chained, so that a new format needs one upgrade and leaves the others alone.
        for step in range(version, FORMAT):
            fields = UPGRADES[step](fields)
        return _decoder.decode(_encoder.encode(fields))
    except (msgspec.DecodeError, UnicodeDecodeError, CompressionError, *_NOT_AS_WRITTEN) as exc:
        raise StateError(f"state of format {version} cannot be read: {exc}") from exc


def content_bytes(slot: Slot) -> bytes:
    """A slot's content as it is stored."""
    return _encoder.encode(slot.content)


_NOT_AS_WRITTEN = (LookupError, TypeError, ValueError, AttributeError)
"""Errors of an upgrade on bytes that its version never wrote."""


def _from_1(fields: list[Any]) -> list[Any]:
    """Version 1 had no counter over a year; it starts with the value of the quarter's."""
    if not fields or fields[0] is None:
        return fields
    nothing: list[Any] = [None, None, {}, {}]
    former: list[Any] = fields[0]
    first, last, more = former[0], former[1], former[2:]
    activity, first_active, families, money = [*more[:4], *nothing[len(more[:4]) :]]
    if activity is not None:
        at_ms, week, month, quarter, count = activity
        activity = [at_ms, week, month, quarter, quarter, count]
    families = {family: _lately(held, 2) for family, held in families.items()}
    for sums in money.values():
        sums[3] = sums[3] and _lately(sums[3], 3)
    profile = [first, last, activity, first_active, families, money, *more[4:]]
    if len(fields) > _LEDGER:
        for row in fields[_LEDGER]:
            row[1] = millionths(row[1])
    return [profile, *fields[1:]]


def _from_2(fields: list[Any]) -> list[Any]:
    """Version 2 kept the emitted features; their contributions are unknown."""
    if len(fields) > _EMITTED:
        fields[_EMITTED] = None
    return fields


_LEDGER, _EMITTED = 2, 6  # indexes of fields


def _lately(held: list[Any], half_life: int) -> list[Any]:
    return [held[0], held[half_life], held[4]]


_FIELDS_OF_3: list[Any] = [
    None, b"", [], None, None, None, None, None, {}, None, None, None, None, 0, {}, []
]  # fmt: skip
_NO_CHURN: list[Any] = [[], None, None, None, None, None, None, None, 0]
_CHURN, _TARGETS, _DECISIONS = 1, 2, 3  # slot numbers at the time of version 3


def _from_3(fields: list[Any]) -> list[Any]:
    """Version 3 had one array and one timer; every slot starts with that timer."""
    whole = [*fields, *_FIELDS_OF_3[len(fields) :]]
    profile, memory, ledger, risk, band, crossing, emitted, emitted_risk = whole[:8]
    recommended, snapshot_due, next_timer, erased, labelled, late, targets, raised = whole[8:16]
    slots: list[Any] = []
    churn = [ledger, snapshot_due, risk, band, crossing, emitted, emitted_risk, labelled, late]
    if churn != _NO_CHURN:
        slots.append([_CHURN, next_timer, [1, *churn]])
    if targets or raised:
        slots.append([_TARGETS, next_timer if targets else None, [1, targets, raised]])
    if recommended:
        slots.append([_DECISIONS, None, [1, recommended]])
    return [profile, memory, next_timer, erased, slots]


_RELATION = 7  # slot number at the time of version 4


def _from_4(fields: list[Any]) -> list[Any]:
    """Version 4 kept the snapshot day with churn; it is the relation's now."""
    whole = [*fields, *_FIELDS_OF_4[len(fields) :]]
    due = [slot[2][2] for slot in whole[4] if slot[0] == _CHURN and slot[2][0] == 1]
    if due and due[0] is not None:
        whole[4] = sorted([*whole[4], [_RELATION, due[0], [1, due[0]]]])
    return whole


def _from_5(fields: list[Any]) -> list[Any]:
    """Version 5 had 16 bytes an id, and contents by another rule; it counted nothing."""
    whole = [*fields, *_FIELDS_OF_4[len(fields) :]]
    whole[1] = from_16_bytes(whole[1])
    return whole


_FIELDS_OF_4: list[Any] = [None, b"", None, None, []]
_FIRST_COMPRESSED = 4

UPGRADES: dict[int, Callable[[list[Any]], list[Any]]] = {
    1: _from_1,
    2: _from_2,
    3: _from_3,
    4: _from_4,
    5: _from_5,
}
"""Format -> upgrade of its fields to the next format."""
