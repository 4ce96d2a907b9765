"""Blobs of states, with the dictionary that ships with the code."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstream.streams.compression import NEWEST, CompressionError, compress, decompress


@given(st.binary(max_size=3_000))
def test_any_bytes_are_read_back(plain: bytes) -> None:
    assert decompress(compress(plain)) == plain


@given(st.binary(max_size=3_000))
def test_nothing_grows_by_more_than_a_byte(plain: bytes) -> None:
    assert len(compress(plain)) <= len(plain) + 1


def test_bytes_without_any_pattern_stay_plain() -> None:
    assert compress(noise := os.urandom(1_000)) == b"\x00" + noise


@pytest.mark.parametrize(
    ("blob", "complaint"),
    [
        (b"", "an empty blob"),
        (bytes([NEWEST + 1]) + b"x", f"dictionary {NEWEST + 1}"),
        (bytes([NEWEST]) + b"nonsense", "not a frame"),
        (compress(b"a" * 500) + b"x", "not a frame"),
        (compress(b"a" * 500)[:-1], "not a frame"),
    ],
)
def test_what_was_not_written_here_is_refused(blob: bytes, complaint: str) -> None:
    with pytest.raises(CompressionError, match=complaint):
        decompress(blob)
