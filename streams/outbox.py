"""Outbox entries: records committed with the state and produced to Kafka later."""

import msgspec
from msgspec import Struct

from touchstream.schemas.emissions.envelope import structured


class Entry(Struct, frozen=True, array_like=True, gc=False):
    """One record to produce.

    The topic is a logical name (``schemas/topics.py``); the shell maps it.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    """None: a tombstone, which removes the key from a compacted topic."""
    headers: tuple[tuple[str, bytes | None], ...] = ()
    partition: int | None = None
    """None: the key decides."""

    @property
    def event(self) -> bytes:
        """The value; of a tombstone, the CloudEvent in structured mode that its headers say."""
        return structured(self.value, self.headers)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry)


def encode_entry(entry: Entry) -> bytes:
    """Bytes for the store; equal entries give equal bytes."""
    return _encoder.encode(entry)


def decode_entry(data: bytes) -> Entry:
    """Invert :func:`encode_entry`; raises ``msgspec.DecodeError``."""
    return _decoder.decode(data)
