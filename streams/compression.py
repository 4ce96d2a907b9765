"""Small blobs of one kind, compressed with a dictionary that knows their kind.

A blob is the number of its dictionary and a Zstandard frame (RFC 8878) without magic number. A
blob that compression would not make smaller stays plain under the number 0, so that nothing ever
grows by more than one byte. Dictionaries are part of the stored format: they ship with the code,
and one that was shipped once is never changed or removed.
"""

from importlib import resources

import zstandard

NEWEST = 1
LEVEL = -3
"""Level 3 makes states a tenth smaller and costs twice as much to pack and to unpack."""

_MAGICLESS = zstandard.FORMAT_ZSTD1_MAGICLESS
_PLAIN = b"\x00"


class CompressionError(ValueError):
    """Bytes that :func:`compress` has not written."""


def _dictionary(number: int) -> zstandard.ZstdCompressionDict:
    folder = resources.files("touchstream.streams") / "dictionaries"
    return zstandard.ZstdCompressionDict((folder / f"state-{number}.dict").read_bytes())


_DICTIONARIES = {number: _dictionary(number) for number in range(1, NEWEST + 1)}
_PARAMETERS = zstandard.ZstdCompressionParameters.from_level(
    LEVEL,
    source_size=1_200,
    dict_size=len(_DICTIONARIES[NEWEST].as_bytes()),
    format=_MAGICLESS,
    write_content_size=True,
    write_checksum=False,
    write_dict_id=False,
)
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
    """The blob of some bytes; at most one byte longer.

    >>> decompress(compress(b"a" * 100)) == b"a" * 100
    True
    >>> len(compress(b"a"))
    2
    """
    packed = _pack(plain)
    return _NUMBER + packed if len(packed) < len(plain) else _PLAIN + plain


def decompress(blob: bytes | memoryview) -> bytes:
    """Read :func:`compress` back; raises :class:`CompressionError` for anything else."""
    if not len(blob):
        raise CompressionError("no bytes at all")
    number = blob[0]
    if number == 0:
        return bytes(blob[1:])
    if number not in _unpack:
        raise CompressionError(f"dictionary {number}: this build knows those up to {NEWEST}")
    try:
        return _unpack[number](blob[1:], allow_extra_data=False)
    except zstandard.ZstdError as exc:
        raise CompressionError(f"no frame of dictionary {number}: {exc}") from exc
