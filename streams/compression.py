"""Dictionary compression for small, similar blobs.

A blob is the number of its dictionary and a Zstandard frame (RFC 8878) without magic number. Data
that compression would not shrink is stored plain under number 0, so a blob is at most one byte
longer than its content. Dictionaries are part of the stored format: a released one is never changed
or removed.
"""

from importlib import resources

import zstandard

NEWEST = 2
LEVEL = -3
"""Level 3 shrinks states by another tenth, at twice the CPU cost."""

_MAGICLESS = zstandard.FORMAT_ZSTD1_MAGICLESS
_PLAIN = b"\x00"


class CompressionError(ValueError):
    """Bytes not written by :func:`compress`."""


def _dictionary(number: int) -> zstandard.ZstdCompressionDict:
    folder = resources.files("touchstream.streams") / "dictionaries"
    return zstandard.ZstdCompressionDict((folder / f"state-{number}.dict").read_bytes())


_DICTIONARIES = {number: _dictionary(number) for number in range(1, NEWEST + 1)}
_PARAMETERS = zstandard.ZstdCompressionParameters.from_level(
    LEVEL,
    source_size=1_200,
    dict_size=len(_DICTIONARIES[NEWEST].as_bytes()),
    format=_MAGICLESS,
    # One-shot decompression needs the content size; checksum and id would only cost bytes.
    write_content_size=True,
    write_checksum=False,
    write_dict_id=False,
)
# Otherwise every call would digest the dictionary again.
_DICTIONARIES[NEWEST].precompute_compress(compression_params=_PARAMETERS)
_pack = zstandard.ZstdCompressor(
    dict_data=_DICTIONARIES[NEWEST], compression_params=_PARAMETERS
).compress
_unpack = {
    number: zstandard.ZstdDecompressor(dict_data=known, format=_MAGICLESS).decompress
    for number, known in _DICTIONARIES.items()
}
_NUMBER = bytes([NEWEST])


def compress(plain: bytes) -> bytes:
    """Compress; the result is at most one byte longer.

    >>> decompress(compress(b"a" * 100)) == b"a" * 100
    True
    >>> len(compress(b"a"))
    2
    """
    packed = _pack(plain)
    return _NUMBER + packed if len(packed) < len(plain) else _PLAIN + plain


def decompress(blob: bytes | memoryview) -> bytes:
    """Invert :func:`compress`; raises :class:`CompressionError` for other bytes."""
    if not len(blob):
        raise CompressionError("an empty blob")
    number = blob[0]
    if number == 0:
        return bytes(blob[1:])
    if number not in _unpack:
        raise CompressionError(f"dictionary {number}: this build has those up to {NEWEST}")
    try:
        # Extra bytes mean corruption; by default they are ignored.
        return _unpack[number](blob[1:], allow_extra_data=False)
    except zstandard.ZstdError as exc:
        raise CompressionError(f"not a frame of dictionary {number}: {exc}") from exc
