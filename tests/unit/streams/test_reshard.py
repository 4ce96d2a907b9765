"""The checkpoints of new shards, from those of the old ones."""

from typing import Any

import pytest

from touchstream.schemas.topics import CHURN_RISK_TOPIC, EXAMPLES_TOPIC
from touchstream.schemas.units import Millis
from touchstream.streams.checkpoint import ShardCheckpoint
from touchstream.streams.intake.unknown_fields import NAMES_PER_TYPE
from touchstream.streams.reshard import NotDrained, passed_by, resharded

NOON = Millis(43_200_000)


def shard(**fields: Any) -> ShardCheckpoint:  # noqa: ANN401
    return ShardCheckpoint(**{"tick": 7, "watermark_ms": NOON, **fields})


P0 = shard(
    sent=30,
    sequences={EXAMPLES_TOPIC: 20, CHURN_RISK_TOPIC: 10},
    counters={"applied": 5},
    taken=9,
    recent_dead=[8, 9],
    scored=2,
    entered=1,
    rises={"300": 1, "500": -1},
    measured_since={"800": 100},
    misspelt_types={"order.placed": {"order.place": 3}},
)
P1 = shard(
    sent=40,
    sequences={EXAMPLES_TOPIC: 25},
    counters={"applied": 7, "dead": 2},
    taken=11,
    scored=4,
    rises={"500": 2},
    measured_since={"800": 90, "62": 95},
    misspelt_types={"order.placed": {"order.place": 4}},
)


def test_two_shards_become_one_with_their_sums() -> None:
    assert resharded([P0, P1], 1) == [
        shard(
            sent=40,
            sequences={EXAMPLES_TOPIC: 25, CHURN_RISK_TOPIC: 10},
            counters={"applied": 12, "dead": 2},
            taken=20,
            scored=6,
            entered=1,
            rises={"300": 1, "500": 1},
            measured_since={"800": 90, "62": 95},
            misspelt_types={"order.placed": {"order.place": 7}},
        )
    ]


def test_of_more_shards_the_further_ones_begin_with_tick_and_sequences_only() -> None:
    first, second, third = resharded([P0, P1], 3)
    assert (first.counters, second.counters) == ({"applied": 5}, {"applied": 7, "dead": 2})
    assert third == shard(sent=40, sequences={EXAMPLES_TOPIC: 25, CHURN_RISK_TOPIC: 10})
    assert passed_by([first, second, third]) == {"p0": 25, "p1": 25, "p2": 25}


def test_of_unknown_fields_a_joined_shard_keeps_as_many_names_as_any() -> None:
    names = [f"unknown_field.web.visit.{letter * 3}" for letter in "abcdefghijklmnop"]
    left, right = names[:NAMES_PER_TYPE], names[NAMES_PER_TYPE:]
    parents = [shard(counters=dict.fromkeys(half, 1)) for half in (left, right)]
    [joined] = resharded(parents, 1)
    assert len(joined.counters) == NAMES_PER_TYPE + 1
    assert sum(joined.counters.values()) == len(names)


def test_shards_at_different_ticks_are_refused() -> None:
    with pytest.raises(NotDrained, match=r"ticks \[6, 7\]"):
        resharded([P0, shard(tick=6)], 2)
