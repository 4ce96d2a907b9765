"""Two 64-bit hashes of an event: its identity and its content.

BLAKE2b, because Python's ``hash`` of a string differs between processes, and collisions of a
checksum are easy to construct.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b

import msgspec
from msgspec import inspect

from touchstream.schemas.registry import EventData
from touchstream.schemas.units import Millis

_HASH_BYTES = 8
_TYPES_REMEMBERED = 1_024
_NEGATIVE_ZERO = b"-0.0"
_LEAST_INT, _LARGEST_INT = -(2**63), 2**64 - 1  # what the encoder writes
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def identity_of(source: str, event_id: str) -> int:
    """64-bit hash of source and id; NUL separates them, because neither can contain it."""
    named = f"{source}\0{event_id}".encode()
    return int.from_bytes(blake2b(named, digest_size=_HASH_BYTES).digest())


def content_of(kind: str, subject: str, time_ms: Millis, data: EventData) -> int:
    """64-bit hash of an event's content, as its type knows it.

    Mode, id, extensions, unknown fields, order of fields, null for an optional field, and the
    spelling of numbers and moments do not count. ``time_ms`` is the producer's, not clamped, so
    that a later resend has the same hash.
    """
    if _has_spellings(type(data)):
        laid_out = _sorted.encode(_spelt(_plain(data)))
    else:
        laid_out = _as_defined.encode(data)
        if _NEGATIVE_ZERO in laid_out:
            laid_out = _as_defined.encode(_without_negative_zero(_plain(data)))
    material = f"{kind}\0{subject}\0{time_ms}\0".encode() + laid_out
    return int.from_bytes(blake2b(material, digest_size=_HASH_BYTES).digest())


# Types omit their defaults: a field that a later build adds leaves the hashes of now as they are.
_as_defined = msgspec.json.Encoder()
_sorted = msgspec.json.Encoder(order="deterministic")  # maps, whose order is the producer's


@lru_cache(_TYPES_REMEMBERED)
def _has_spellings(data: type[EventData]) -> bool:
    """Whether equal values of a type may differ once decoded: moments, and numbers in maps."""
    return _within(inspect.type_info(data))


def _within(info: inspect.Type) -> bool:
    match info:
        case inspect.DictType() | inspect.DateTimeType() | inspect.AnyType():
            return True
        case inspect.StructType(fields=fields):
            return any(_within(field.type) for field in fields)
        case inspect.UnionType(types=types):
            return any(map(_within, types))
        case inspect.VarTupleType(item_type=inner) | inspect.Metadata(type=inner):
            return _within(inner)
        case _:
            return False


def _plain(data: EventData) -> object:
    return msgspec.to_builtins(data, builtin_types=(datetime,))


def _spelt(value: object) -> object:
    """The value with one spelling for each number and each moment."""
    match value:
        case dict():
            return {name: _spelt(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_spelt(inner) for inner in value]
        case float() if value.is_integer() and _LEAST_INT <= value <= _LARGEST_INT:
            return int(value)
        case datetime():
            return (value - _EPOCH) // _MICROSECOND
        case _:
            return value


def _without_negative_zero(value: object) -> object:
    match value:
        case dict():
            return {name: _without_negative_zero(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_without_negative_zero(inner) for inner in value]
        case float():
            return value + 0.0  # -0.0 + 0.0 is 0.0
        case _:
            return value
