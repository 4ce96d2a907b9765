"""A shard's checkpoint, of this build and of earlier ones."""

from tests.make import moment
from touchstream.schemas.tick import ActiveConfig
from touchstream.streams.checkpoint import (
    FORMAT,
    ShardCheckpoint,
    copy,
    decode_checkpoint,
    encode_checkpoint,
)

ACTIVE = ActiveConfig(model_version=3, rules="91d81d9e9d64124f", features="AbCd")
CHECKPOINT = ShardCheckpoint(
    tick=7,
    watermark_ms=moment("d7"),
    active_config=ACTIVE,
    sent=3,
    sequences={"churn-risk": 2},
    counters={"applied": 9},
    taken=10,
    recent_dead=[4],
)
FORMAT_1 = (
    b'{"tick":7,"clock_ms":852681600000,"in_force":{"model_version":3,"rules":"91d81d9e9d64124f",'
    b'"features":"AbCd"},"sent":3,"sequences":{"churn-risk":2},"counters":{"applied":9},'
    b'"taken":10,"recent_dead":[4]}'
)
"""Fields as the build of commit 97de66c wrote them, which left out its format number."""


def test_a_checkpoint_is_read_back() -> None:
    assert decode_checkpoint(encode_checkpoint(CHECKPOINT)) == CHECKPOINT


def test_a_shard_that_never_committed_stands_at_the_beginning() -> None:
    assert decode_checkpoint(None) == ShardCheckpoint()


def test_a_checkpoint_of_format_1_is_read_under_the_names_of_today() -> None:
    assert decode_checkpoint(FORMAT_1) == CHECKPOINT
    assert decode_checkpoint(FORMAT_1).format == FORMAT


def test_a_copy_is_moved_on_by_itself() -> None:
    own = copy(CHECKPOINT)
    own.counters["applied"] += 1
    own.sequences["churn-risk"] += 1
    own.recent_dead.append(10)
    own.measured_since["62"] = 1
    assert decode_checkpoint(FORMAT_1) == CHECKPOINT
