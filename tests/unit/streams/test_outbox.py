import msgspec
import pytest

from touchstream.streams.outbox import Entry, decode_entry, encode_entry


@pytest.mark.parametrize(
    "entry",
    [
        Entry("churn-risk", b"ada", b"{}"),
        Entry("dead-letters", None, b"\xff", (("a", b"\x00"), ("a", None))),
        Entry("touchstream.examples", None, b"{}", partition=0),
        Entry("customer-risk", b"ada", None, (("ce_id", b"e1"),)),
    ],
)
def test_an_entry_is_read_back_as_it_was(entry: Entry) -> None:
    assert decode_entry(encode_entry(entry)) == entry


def test_equal_entries_have_equal_bytes() -> None:
    one, other = (Entry("churn-risk", b"ada", b"{}") for _ in range(2))
    assert encode_entry(one) == encode_entry(other)


@pytest.mark.parametrize("data", [b"", b"\x93", b"\x01", b"\xff" * 9])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_entry(data)
