import warnings
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstream.streams.intake.partitioner import REMEMBERED_KEYS, murmur2, partition_of

with warnings.catch_warnings():
    # kafka-python 3.0 reads its schemas by a function that Python 3.11 deprecates.
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka.partitioner.default import murmur2 as murmur2_of_kafka_python


@pytest.mark.parametrize(
    ("key", "signed_hash"),
    [
        (b"21", -973_932_308),
        (b"foobar", -790_332_482),
        (b"a-little-bit-long-string", -985_981_536),
        (b"a-little-bit-longer-string", -1_486_304_829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        (b"abc", 479_470_107),
    ],
)
def test_a_key_has_the_hash_of_kafkas_own_test_suite(key: bytes, signed_hash: int) -> None:
    assert murmur2(key) == signed_hash & 0xFFFF_FFFF


@given(st.binary(max_size=300))
def test_any_key_has_the_hash_that_kafka_python_gives_it(key: bytes) -> None:
    assert murmur2(key) == cast("int", murmur2_of_kafka_python(key))


@given(st.binary(max_size=64), st.integers(1, 1_000))
def test_any_key_has_the_partition_that_kafka_python_gives_it(key: bytes, partitions: int) -> None:
    positive = cast("int", murmur2_of_kafka_python(key)) & 0x7FFF_FFFF
    assert partition_of(key, partitions) == positive % partitions


def test_remembered_keys_are_bounded() -> None:
    assert partition_of.cache_info().maxsize == REMEMBERED_KEYS == 65_536
