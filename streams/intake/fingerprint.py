"""Two 64-bit hashes of an event: who it says it is, and what it says.

BLAKE2b, because Python's own ``hash`` of a string differs between processes, and because a checksum
is easily made to collide.
"""

from hashlib import blake2b

import orjson

from touchstream.schemas.units import Millis

_HASH_BYTES = 8


def identity_of(source: str, event_id: str) -> int:
    """64-bit hash of an event's name; without NUL in either part no two names are spelt alike."""
    named = f"{source}\0{event_id}".encode()
    return int.from_bytes(blake2b(named, digest_size=_HASH_BYTES).digest())


def content_of(kind: str, subject: str, time_ms: Millis, data: object) -> int:
    """64-bit hash of what an event says, whatever its mode, order of fields, id and extensions.

    ``time_ms`` is the producer's, not clamped: sent again later the event still says the same.
    ``data`` is what JSON decoding gave, at most 32 levels deep.
    """
    material = [kind, subject, time_ms, {} if data is None else data]
    laid_out = orjson.dumps(material, option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(blake2b(laid_out, digest_size=_HASH_BYTES).digest())
