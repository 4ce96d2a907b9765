import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.examples import (
    Example,
    Passed,
    decode_example,
    decode_vector,
    encode_example,
    encode_vector,
)
from schemas.units import Millis

EXAMPLE = Example(
    shard="p3",
    sequence=17,
    tick=30,
    customer="9f31c2",
    at_ms=Millis(1_000),
    matured_ms=Millis(2_000),
    label=1,
    treated=False,
    probability=0.25,
    model_version=4,
    features="f1",
    vector="ADwAwA==",
)


@pytest.mark.parametrize("record", [EXAMPLE, Passed(shard="p3", sequence=18, tick=30)])
def test_a_record_is_read_back(record: Example | Passed) -> None:
    assert decode_example(encode_example(record)) == record


def test_a_record_says_of_which_kind_it_is() -> None:
    passed = encode_example(Passed(shard="p0", sequence=1, tick=2))
    assert passed == b'{"kind":"passed","shard":"p0","sequence":1,"tick":2}'


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b'{"kind":"other"}',
        b'{"kind":"passed","shard":"p0","sequence":1,"tick":0}',
        b'{"kind":"passed","shard":"p0","sequence":0,"tick":1}',
        encode_example(EXAMPLE).replace(b'"label":1', b'"label":2'),
        encode_example(EXAMPLE).replace(b'"probability":0.25', b'"probability":1.25'),
    ],
)
def test_anything_else_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_example(raw)


@given(st.lists(st.floats(width=16, allow_nan=False, allow_infinity=False)))
def test_a_vector_of_float16_is_read_back_exactly(features: list[float]) -> None:
    assert decode_vector(encode_vector(features)) == tuple(features)


def test_a_feature_is_rounded_to_11_bits() -> None:
    assert decode_vector(encode_vector([0.1, 2049.0])) == (0.0999755859375, 2048.0)


@pytest.mark.parametrize("feature", [float("nan"), float("inf"), 65_520.0, -1e9])
def test_a_feature_that_float16_cannot_hold_is_refused(feature: float) -> None:
    with pytest.raises(ValueError, match="feature"):
        encode_vector([0.0, feature])


@pytest.mark.parametrize("text", ["A", "ADwA", "ü", "AHw=", "AH4="])
def test_a_text_that_is_no_vector_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"vector|feature"):
        decode_vector(text)
