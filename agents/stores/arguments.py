"""Validation of a commit before anything is sent; both stores use it.

A Lua error does not undo what the script wrote before it, so arguments that could make it fail half
way are refused here.
"""

from collections.abc import Mapping, Sequence
from math import isfinite

from touchstream.agents.stores.base import Commit, Fence
from touchstream.agents.stores.keys import check_bucket, check_index

LARGEST_EXACT = 2**53
"""Redis scores are doubles: above this, distinct integers may become equal."""

LARGEST_INCREMENT = 2**62
"""Counters are 64-bit and travel as text, so nothing is rounded; half their range is left."""


def check_commit(commit: Commit) -> None:
    """Raise ValueError unless the commit can be applied whole; ids must be valid UTF-8."""
    _check_fence(commit.shard, commit.expected, commit.fence)
    _check_bytes(commit.shard, "the record", commit.record)
    # One call for all ids: joining cannot repair a lone surrogate, which encode() refuses.
    "".join((*commit.states, *commit.timers)).encode()
    for subject, state in commit.states.items():
        if type(state) is not bytes and state is not None:
            _check_bytes(commit.shard, f"the state of {subject!r}", state)
    _check_timers(commit.shard, commit.states, commit.timers)
    _check_outbox(commit.shard, commit.outbox)
    _check_measures(commit.shard, commit.measures, commit.expired_measures)
    _check_indexes(commit.shard, commit.states, commit.indexes)


def exact(number: object) -> bool:
    """Whether a Redis score holds the number exactly: an int (no bool) within +-2**53."""
    return type(number) is int and -LARGEST_EXACT <= number <= LARGEST_EXACT


def _check_fence(shard: str, expected: Fence | None, fence: Fence) -> None:
    before = expected or Fence(0, 0)
    if not exact(fence.offset) or not exact(fence.commits):
        raise ValueError(f"shard {shard}: fence {fence!r}: want two ints within +-2**53")
    if fence.commits <= before.commits or fence.offset < before.offset:
        raise ValueError(
            f"shard {shard}: fence {fence.text()} after {before.text()}: every commit raises "
            "commits, and the offset never goes back"
        )


def _check_timers(
    shard: str, states: Mapping[str, bytes | None], timers: Mapping[str, int | None]
) -> None:
    for subject, moment_ms in timers.items():
        if moment_ms is None:
            continue
        if not exact(moment_ms):
            raise ValueError(
                f"shard {shard}: {subject!r} due at {moment_ms!r}: want an int in milliseconds"
            )
        if states.get(subject, b"") is None:
            raise ValueError(
                f"shard {shard}: {subject!r} is deleted and due at {moment_ms}: a tick would find "
                "no state"
            )


def _check_outbox(shard: str, outbox: Sequence[tuple[int, bytes]]) -> None:
    last = 0
    for number, entry in outbox:
        if not exact(number) or number <= last:
            raise ValueError(
                f"shard {shard}: outbox number {number!r} after {last}: want ascending ints > 0"
            )
        _check_bytes(shard, f"outbox entry {number}", entry)
        last = number


def _check_measures(
    shard: str, measures: Mapping[str, Mapping[str, int]], expired: Sequence[str]
) -> None:
    for bucket in (*measures, *expired):
        check_bucket(bucket)
    for bucket, fields in measures.items():
        "".join(fields).encode()
        for name, amount in fields.items():
            if type(amount) is not int or abs(amount) > LARGEST_INCREMENT:
                raise ValueError(
                    f"shard {shard}: {name!r} of {bucket} changes by {amount!r}: want an int "
                    "within +-2**62"
                )


def _check_indexes(
    shard: str,
    states: Mapping[str, bytes | None],
    indexes: Mapping[str, Mapping[str, float | None]],
) -> None:
    for index, scores in indexes.items():
        check_index(index)
        "".join(scores).encode()
        for subject, score in scores.items():
            if score is None:
                continue
            if type(score) is not float or not isfinite(score):
                raise ValueError(
                    f"shard {shard}: {subject!r} has {score!r} in {index}: want a finite float"
                )
            if states.get(subject, b"") is None:
                raise ValueError(
                    f"shard {shard}: {subject!r} is deleted and put into {index}: a reader would "
                    "find no state"
                )


def _check_bytes(shard: str, what: str, value: object) -> None:
    if not isinstance(value, bytes):
        raise ValueError(f"shard {shard}: {what} is {type(value).__name__}: want bytes")
