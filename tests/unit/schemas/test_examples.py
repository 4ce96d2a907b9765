import msgspec
import pytest

from touchstream.schemas.examples import Example, TickCompleted, decode_example, encode_example
from touchstream.schemas.units import Millis

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


@pytest.mark.parametrize("record", [EXAMPLE, TickCompleted(shard="p3", sequence=18, tick=30)])
def test_a_record_is_read_back(record: Example | TickCompleted) -> None:
    assert decode_example(encode_example(record)) == record


def test_a_record_says_of_which_kind_it_is() -> None:
    passed = encode_example(TickCompleted(shard="p0", sequence=1, tick=2))
    assert passed == b'{"kind":"tick_completed","shard":"p0","sequence":1,"tick":2}'


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b'{"kind":"other"}',
        b'{"kind":"tick_completed","shard":"p0","sequence":1,"tick":0}',
        b'{"kind":"tick_completed","shard":"p0","sequence":0,"tick":1}',
        encode_example(EXAMPLE).replace(b'"label":1', b'"label":2'),
        encode_example(EXAMPLE).replace(b'"probability":0.25', b'"probability":1.25'),
    ],
)
def test_anything_else_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_example(raw)


def test_the_names_of_earlier_builds_are_read_for_ever() -> None:
    passed = b'{"kind":"passed","shard":"p0","sequence":1,"tick":2}'
    assert decode_example(passed) == TickCompleted(shard="p0", sequence=1, tick=2)
    today = msgspec.structs.replace(EXAMPLE, offer_probability=0.25)
    former = encode_example(today).replace(b'"offer_probability":', b'"offered":')
    assert decode_example(former) == today
