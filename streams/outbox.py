"""What a commit puts into the outbox: a Kafka record to be, numbered by its shard."""

import msgspec
from msgspec import Struct


class Entry(Struct, frozen=True, array_like=True, gc=False):
    """One record to produce.

    The topic is a logical name (``schemas/topics.py``); the shell maps it.
    """

    topic: str
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes | None], ...] = ()
    partition: int | None = None
    """None: the key decides."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry)


def encode_entry(entry: Entry) -> bytes:
    """Bytes for the store; equal entries give equal bytes."""
    return _encoder.encode(entry)


def decode_entry(data: bytes) -> Entry:
    """Read :func:`encode_entry` back; raises ``msgspec.DecodeError``."""
    return _decoder.decode(data)
