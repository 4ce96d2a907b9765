import msgspec
import orjson
import pytest

from streams.learn.snapshot import SnapshotError, digest, empty, seal, unseal

MODEL = empty("f00d", 2)


def sealed_with(**changed: object) -> bytes:
    """A snapshot with other content and the digest it ought to have."""
    model = msgspec.structs.replace(MODEL, **changed)
    return seal(model)


def test_a_snapshot_is_read_back() -> None:
    assert unseal(seal(MODEL)) == MODEL


def test_a_snapshot_is_json_that_a_person_can_read() -> None:
    assert orjson.loads(seal(MODEL))["model"]["features"] == "f00d"


def test_equal_models_have_one_digest_and_others_another() -> None:
    assert digest(empty("f00d", 2)) == digest(MODEL)
    assert digest(msgspec.structs.replace(MODEL, intercept=0.5)) != digest(MODEL)


def test_a_changed_number_is_refused() -> None:
    with pytest.raises(SnapshotError, match="digest does not match"):
        unseal(seal(MODEL).replace(b'"intercept":0.0', b'"intercept":0.5'))


@pytest.mark.parametrize("data", [b"", b"null", b"{}", b"\x80\x04N.", b'{"digest":"\xff"}'])
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(SnapshotError, match="no model snapshot"):
        unseal(data)


def test_a_field_of_a_later_version_is_refused() -> None:
    with pytest.raises(SnapshotError, match="no model snapshot"):
        unseal(seal(MODEL).replace(b'"steps"', b'"later":1,"steps"'))


def test_another_format_is_refused() -> None:
    with pytest.raises(SnapshotError, match="format 2, this version reads 1"):
        unseal(sealed_with(format=2))


def test_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(SnapshotError, match=r"different lengths: \[2, 3\]"):
        unseal(sealed_with(weights=(0.0, 0.0, 0.0)))
