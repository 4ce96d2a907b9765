import hashlib
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstream.schemas.dead_letter import (
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    MAX_KEY_BYTES,
    DeadLetter,
    DeadStep,
    Header,
    RejectReason,
    StoredLetter,
    decode_letter,
    encode_letter,
)

CLIENT_REFUSES_ABOVE = 1024 * 1024


def letter(
    original: bytes = b"not json",
    key: bytes | None = b"customer-1",
    headers: tuple[Header, ...] = (),
    detail: str = "want one JSON object",
) -> DeadLetter:
    return DeadLetter(
        original=original,
        key=key,
        original_headers=headers,
        topic="touchpoints",
        partition=3,
        offset=41,
        step="intake",
        reason="not_json",
        detail=detail,
    )


def stored(dead: DeadLetter) -> StoredLetter:
    return decode_letter(*encode_letter(dead))


def test_a_letter_keeps_its_bytes_and_says_where_and_why_in_headers() -> None:
    record = encode_letter(letter(headers=(("ce_id", b"7"),)))
    assert (record.key, record.value) == (b"customer-1", b"not json")
    assert record.headers == [
        ("touchstream-topic", b"touchpoints"),
        ("touchstream-partition", b"3"),
        ("touchstream-offset", b"41"),
        ("touchstream-step", b"intake"),
        ("touchstream-reason", b"not_json"),
        ("touchstream-detail", b"want one JSON object"),
        ("ce_id", b"7"),
    ]


@given(
    st.builds(
        DeadLetter,
        original=st.binary(max_size=100),
        key=st.none() | st.binary(max_size=20),
        original_headers=st.lists(
            st.tuples(st.text(max_size=9), st.none() | st.binary(max_size=9)), max_size=3
        ).map(tuple),
        topic=st.text(max_size=20),
        partition=st.integers(0, 10_000),
        offset=st.integers(0, 2**62),
        step=st.sampled_from(get_args(DeadStep)),
        reason=st.sampled_from(get_args(RejectReason)),
        detail=st.text(max_size=100),
    )
)
def test_a_letter_is_read_back_whole(dead: DeadLetter) -> None:
    assert stored(dead) == StoredLetter(dead, truncated=frozenset(), digest=None)


def test_a_body_of_512_kib_is_kept_whole() -> None:
    original = b"x" * MAX_BODY_BYTES
    assert stored(letter(original)) == StoredLetter(letter(original), frozenset(), None)


def test_a_longer_body_is_cut_and_its_digest_kept() -> None:
    original = b"x" * MAX_BODY_BYTES + b"y"
    assert stored(letter(original)) == StoredLetter(
        letter(b"x" * MAX_BODY_BYTES), frozenset({"body"}), hashlib.sha256(original).hexdigest()
    )


def test_headers_that_are_too_long_are_left_out_together() -> None:
    headers = (("ce_id", b"7"), ("ce_source", b"x" * MAX_HEADER_BYTES))
    assert stored(letter(headers=headers)) == StoredLetter(letter(), frozenset({"headers"}), None)


def test_many_empty_headers_are_too_long_as_well() -> None:
    headers = (("", None),) * (MAX_HEADER_BYTES // 8 + 1)
    assert stored(letter(headers=headers)) == StoredLetter(letter(), frozenset({"headers"}), None)


def test_the_longest_letter_is_one_that_a_client_sends() -> None:
    longest = letter(
        original=b"x" * 2 * MAX_BODY_BYTES,
        key=b"k" * 2 * MAX_KEY_BYTES,
        headers=(("h", b"x" * (MAX_HEADER_BYTES - 9)),),
        detail="ü" * 100_000,
    )
    record = encode_letter(longest)
    headers = sum(len(name) + len(text or b"") for name, text in record.headers)
    assert len(record.value) + len(record.key or b"") + headers < CLIENT_REFUSES_ABOVE
    assert decode_letter(*record).truncated == {"body", "key"}


def test_a_key_that_is_too_long_is_cut() -> None:
    key = b"k" * MAX_KEY_BYTES
    assert stored(letter(key=key + b"x")) == StoredLetter(letter(key=key), frozenset({"key"}), None)


def test_a_detail_that_is_too_long_is_cut_without_a_word() -> None:
    assert stored(letter(detail="d" * 1025)) == StoredLetter(
        letter(detail="d" * 1024), frozenset(), None
    )


def test_a_letter_that_died_twice_tells_of_its_last_death_only() -> None:
    first = encode_letter(letter())
    second = letter(headers=tuple(first.headers), detail="again")
    assert stored(second).letter == letter(detail="again")


def test_a_lone_surrogate_in_the_detail_does_not_stop_the_letter() -> None:
    assert stored(letter(detail="\ud800")).letter.detail == "?"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("touchstream-reason", b"mood"),
        ("touchstream-step", b"lunch"),
        ("touchstream-offset", b"many"),
        ("touchstream-offset", None),
        ("touchstream-partition", b"-1"),
        ("touchstream-cut", b"corner"),
        ("touchstream-detail", b"\xff"),
    ],
)
def test_a_record_that_no_letter_wrote_is_refused(name: str, text: bytes | None) -> None:
    record = encode_letter(letter())
    headers = [header for header in record.headers if header[0] != name]
    with pytest.raises(ValueError, match=r"."):
        decode_letter(record.key, record.value, [*headers, (name, text)])


def test_a_record_without_our_headers_is_refused() -> None:
    with pytest.raises(ValueError, match="topic"):
        decode_letter(None, b"", [])
