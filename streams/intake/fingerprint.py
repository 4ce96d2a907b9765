"""Two 64-bit hashes of an event: its identity and its content.

BLAKE2b, because Python's ``hash`` of a string differs between processes, and collisions of a
checksum are easy to construct.
"""

from hashlib import blake2b

import orjson

from touchstream.schemas.units import Millis

_HASH_BYTES = 8


def identity_of(source: str, event_id: str) -> int:
    """64-bit hash of source and id; NUL separates them, because neither can contain it."""
    named = f"{source}\0{event_id}".encode()
    return int.from_bytes(blake2b(named, digest_size=_HASH_BYTES).digest())


def content_of(kind: str, subject: str, time_ms: Millis, data: object) -> int:
    """64-bit hash of an event's content; mode, field order, id and extensions do not count.

    ``time_ms`` is the producer's, not clamped, so that a later resend has the same hash.
    ``data`` is decoded JSON, at most 32 levels deep.
    """
    material = [kind, subject, time_ms, {} if data is None else data]
    # Sorted, because a producer may order fields differently in a resend.
    laid_out = orjson.dumps(material, option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(blake2b(laid_out, digest_size=_HASH_BYTES).digest())
