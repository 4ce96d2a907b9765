"""The contract of every store: Redis, Valkey, a cluster's node and the in-memory twin alike."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstream.agents.stores.base import (
    Commit,
    Fence,
    Holding,
    Place,
    Read,
    ShardCheckpoint,
    Store,
)
from touchstream.agents.stores.memory import MemoryStore

FIRST = Fence(10, 1)
SECOND = Fence(20, 2)
BIG_ENTRY = b"\x00\xff" * (256 * 1024)
SOME_LONE_SURROGATE = "c-\ud800"
Indexes = Mapping[str, Mapping[str, float | None]]
DAY, NEXT_DAY = "800:2026-11-28", "800:2026-11-29"
RISKS = ["risk.high", "risk.medium"]


class Changes(TypedDict, total=False):
    """The changes of a commit beside fence and record."""

    states: Mapping[str, bytes | None]
    timers: Mapping[str, int | None]
    outbox: Sequence[tuple[int, bytes]]
    measures: Mapping[str, Mapping[str, int]]
    expired_measures: Sequence[str]
    indexes: Indexes


async def commit_first(store: Store, shard: str = "p0", **changes: Unpack[Changes]) -> bool:
    [applied] = await store.commit([Commit(shard, None, FIRST, b"record 1", **changes)])
    return applied


async def commit_second(store: Store, shard: str = "p0", **changes: Unpack[Changes]) -> bool:
    [applied] = await store.commit([Commit(shard, FIRST, SECOND, b"record 2", **changes)])
    return applied


async def all_ids(store: Store, shard: str) -> list[str]:
    cursor, found = await store.ids(shard, 0, 100)
    while cursor:
        cursor, more = await store.ids(shard, cursor, 100)
        found += more
    return sorted(set(found))


async def content(store: Store, shard: str = "p0") -> dict[str, object]:
    ids = await all_ids(store, shard)
    [states] = await store.load([Read(shard, ids)])
    return {
        "checkpoints": await store.read_checkpoints([shard]),
        "states": dict(zip(ids, states, strict=True)),
        "timers": await store.timers_until(shard, 2**53, 1000),
        "outbox": await store.outbox(shard, 0, 1000),
        "measures": await store.read_measures([shard], [DAY, NEXT_DAY]),
        "indexes": await store.read_indexes([shard], RISKS, 1000),
    }


async def test_an_unknown_shard_has_no_fence_no_record_and_no_states(store: Store) -> None:
    assert await content(store) == {
        "checkpoints": [ShardCheckpoint(None, None)],
        "states": {},
        "timers": [],
        "outbox": [],
        "measures": [[{}, {}]],
        "indexes": [[[], []]],
    }


async def test_a_commit_is_read_back_whole(store: Store) -> None:
    await commit_first(
        store,
        states={"c-1": b"one"},
        timers={"c-1": 500},
        outbox=[(1, b"entry:1"), (2, b"")],
        measures={DAY: {"orders|EUR": 3}},
        indexes={"risk.high": {"c-1": 0.75}},
    )
    assert await content(store) == {
        "checkpoints": [ShardCheckpoint(FIRST, b"record 1")],
        "states": {"c-1": b"one"},
        "timers": ["c-1"],
        "outbox": [(1, b"entry:1"), (2, b"")],
        "measures": [[{"orders|EUR": 3}, {}]],
        "indexes": [[[("c-1", 0.75)], []]],
    }


async def test_measures_add_up_over_commits(store: Store) -> None:
    await commit_first(store, measures={DAY: {"orders|EUR": 3, "nps": -100}, NEXT_DAY: {}})
    await commit_second(store, measures={DAY: {"orders|EUR": 4, "größe": 1}, NEXT_DAY: {"": 2}})
    assert await store.read_measures(["p0"], [DAY, NEXT_DAY]) == [
        [{"orders|EUR": 7, "nps": -100, "größe": 1}, {"": 2}]
    ]


async def test_measures_are_read_shard_by_shard_and_bucket_by_bucket(store: Store) -> None:
    await commit_first(store, measures={DAY: {"a": 1}, NEXT_DAY: {"a": 2}})
    await commit_first(store, "p1", measures={NEXT_DAY: {"a": 4}})
    assert await store.read_measures(["p1", "p2", "p0"], [NEXT_DAY, DAY]) == [
        [{"a": 4}, {}],
        [{}, {}],
        [{"a": 2}, {"a": 1}],
    ]
    assert await store.read_measures(["p0"], []) == [[]]
    assert await store.read_measures([], [DAY]) == []


async def test_a_refused_commit_adds_and_drops_no_measures(store: Store) -> None:
    await commit_first(store, measures={DAY: {"a": 1}})
    assert await commit_first(store, measures={DAY: {"a": 1}}, expired_measures=[DAY]) is False
    assert await store.read_measures(["p0"], [DAY]) == [[{"a": 1}]]


async def test_an_expired_bucket_goes_whole_before_anything_is_added(store: Store) -> None:
    await commit_first(store, measures={DAY: {"a": 1, "b": 2}, NEXT_DAY: {"a": 5}})
    await commit_second(store, measures={DAY: {"a": 7}}, expired_measures=[DAY, "62:1999-01-01"])
    assert await store.read_measures(["p0"], [DAY, NEXT_DAY]) == [[{"a": 7}, {"a": 5}]]


async def test_sums_above_2_to_the_53_are_exact(store: Store) -> None:
    await commit_first(store, measures={DAY: {"a": 2**53 + 1, "b": -(2**60) - 1}})
    await commit_second(store, measures={DAY: {"a": 2, "b": -2}})
    assert await store.read_measures(["p0"], [DAY]) == [[{"a": 2**53 + 3, "b": -(2**60) - 3}]]


async def test_a_total_that_would_leave_64_bits_stays_and_the_rest_is_committed(
    store: Store,
) -> None:
    await commit_first(store, measures={DAY: {"a": 2**62, "b": -(2**62)}})
    changed = {"a": 2**62, "b": -(2**62), "c": 1}
    assert await commit_second(store, states={"x": b"1"}, measures={DAY: changed}) is True
    assert await store.read_measures(["p0"], [DAY]) == [[{"a": 2**62, "b": -(2**63), "c": 1}]]
    assert await store.read_checkpoints(["p0"]) == [ShardCheckpoint(SECOND, b"record 2")]


async def test_measures_of_20_000_fields_pass_with_states_and_outbox(store: Store) -> None:
    fields = {f"events|{number}": number for number in range(20_000)}
    assert await commit_first(
        store, states={"a": b"1"}, outbox=[(1, b"x"), (2, b"y")], measures={DAY: fields}
    )
    assert await store.read_measures(["p0"], [DAY]) == [[fields]]
    assert await store.outbox("p0", 0, 9) == [(1, b"x"), (2, b"y")]


async def test_an_index_holds_the_newest_score_of_each_id_until_it_is_taken_out(
    store: Store,
) -> None:
    await commit_first(store, indexes={"risk.high": {"a": 0.1, "b": 0.9, "größe": 0.5}})
    moved: Indexes = {
        "risk.high": {"a": 0.95, "b": None, "nobody": None},
        "risk.medium": {"b": 0.4},
    }
    await commit_second(store, indexes=moved)
    assert await store.read_indexes(["p0"], RISKS, 9) == [
        [[("a", 0.95), ("größe", 0.5)], [("b", 0.4)]]
    ]
    assert await store.count_indexes(["p0"], RISKS) == [[2, 1]]


async def test_the_last_id_taken_out_leaves_an_empty_index(store: Store) -> None:
    await commit_first(store, indexes={"risk.high": {"a": 0.1}})
    await commit_second(store, indexes={"risk.high": {"a": None}})
    assert await store.read_indexes(["p0"], RISKS, 9) == [[[], []]]
    assert await store.count_indexes(["p0"], RISKS) == [[0, 0]]


async def test_the_highest_scores_come_first_and_equal_ones_by_descending_id(
    store: Store,
) -> None:
    scores = {"a": 0.5, "b": 0.5, "ä": 0.5, "Z": 0.5, "top": 0.75, "low": -3.0, "tiny": 1e-12}
    await commit_first(store, indexes={"risk.high": scores})
    ordered = sorted(scores.items(), key=lambda one: (one[1], one[0]), reverse=True)
    for limit in (1, 3, 7, 8):
        [[found]] = await store.read_indexes(["p0"], ["risk.high"], limit)
        assert found == ordered[:limit]


async def test_a_score_comes_back_to_the_last_bit(store: Store) -> None:
    scores = {str(number): number / 7 for number in range(-50, 50)}
    await commit_first(store, indexes={"risk.high": scores})
    [[found]] = await store.read_indexes(["p0"], ["risk.high"], 1_000)
    assert dict(found) == scores


async def test_indexes_are_read_shard_by_shard_and_index_by_index(store: Store) -> None:
    await commit_first(store, indexes={"risk.high": {"a": 0.9}})
    await commit_first(store, "p1", indexes={"risk.medium": {"b": 0.5}, "risk.high": {}})
    assert await store.read_indexes(["p1", "p2", "p0"], RISKS, 9) == [
        [[], [("b", 0.5)]],
        [[], []],
        [[("a", 0.9)], []],
    ]
    assert await store.count_indexes(["p1", "p0"], RISKS) == [[0, 1], [1, 0]]
    assert await store.read_indexes(["p0"], [], 9) == [[]]
    assert await store.read_indexes([], RISKS, 9) == []


async def test_a_refused_commit_moves_nobody(store: Store) -> None:
    await commit_first(store, indexes={"risk.high": {"a": 0.9}})
    refused: Indexes = {"risk.high": {"a": None}, "risk.medium": {"a": 0.4}}
    assert await commit_first(store, indexes=refused) is False
    assert await store.read_indexes(["p0"], RISKS, 9) == [[[("a", 0.9)], []]]


async def test_an_index_of_20_000_passes_with_everything_else(store: Store) -> None:
    scores = {f"c-{number}": number / 20_000 for number in range(20_000)}
    assert await commit_first(
        store,
        states={"a": b"1", "b": b"2"},
        timers={"a": 5, "b": None},
        outbox=[(1, b"x"), (2, b"y")],
        measures={DAY: {"a": 1}, NEXT_DAY: {"b": 2}},
        indexes={"risk.high": scores, "risk.medium": dict.fromkeys(scores)},
    )
    assert await store.count_indexes(["p0"], RISKS) == [[20_000, 0]]
    assert await store.timers_until("p0", 9, 9) == ["a"]
    assert await store.outbox("p0", 0, 9) == [(1, b"x"), (2, b"y")]
    assert await store.read_measures(["p0"], [DAY, NEXT_DAY]) == [[{"a": 1}, {"b": 2}]]
    assert await commit_second(
        store,
        states={"a": None},
        timers={"b": 7},
        indexes={"risk.high": dict.fromkeys(scores), "risk.medium": {"b": 0.5}},
        expired_measures=[DAY],
    )
    assert await store.count_indexes(["p0"], RISKS) == [[0, 1]]
    assert await store.timers_until("p0", 9, 9) == ["b"]
    assert await store.read_measures(["p0"], [DAY, NEXT_DAY]) == [[{}, {"b": 2}]]


async def test_indexes_are_no_states(store: Store) -> None:
    await commit_first(store, indexes={"risk.high": {"a": 0.9}})
    assert await all_ids(store, "p0") == []


async def test_measures_are_no_states(store: Store) -> None:
    await commit_first(store, measures={DAY: {"a": 1}})
    assert await all_ids(store, "p0") == []


async def test_states_come_in_the_order_asked_for_and_none_where_there_is_none(
    store: Store,
) -> None:
    await commit_first(store, states={"a": b"A", "b": b"B"})
    await commit_first(store, "p1", states={"a": b"other"})
    reads = [Read("p0", ["b", "nobody", "a", "b"]), Read("p1", []), Read("p1", ["a"])]
    assert await store.load(reads) == [[b"B", None, b"A", b"B"], [], [b"other"]]


async def test_nothing_asked_is_nothing_answered(store: Store) -> None:
    assert await store.load([]) == []
    assert await store.read_checkpoints([]) == []
    assert await store.commit([]) == []
    await store.forget({})


async def test_shards_of_one_call_are_committed_each_by_itself(store: Store) -> None:
    await commit_first(store, "p1")
    commits = [Commit(shard, None, FIRST, b"batch") for shard in ("p0", "p1", "p2")]
    assert await store.commit(commits) == [True, False, True]
    assert await store.read_checkpoints(["p0", "p1", "p2"]) == [
        ShardCheckpoint(FIRST, b"batch"),
        ShardCheckpoint(FIRST, b"record 1"),
        ShardCheckpoint(FIRST, b"batch"),
    ]


async def test_chunks_of_one_shard_in_one_call_follow_each_other(store: Store) -> None:
    chunks = [
        Commit("p0", None, FIRST, b"1", {"a": b"1"}),
        Commit("p0", FIRST, SECOND, b"2", {"a": b"2"}),
    ]
    assert await store.commit(chunks) == [True, True]
    assert await store.load([Read("p0", ["a"])]) == [[b"2"]]


@pytest.mark.parametrize("expected", [None, Fence(10, 0), Fence(9, 1), SECOND])
async def test_a_commit_read_at_another_fence_changes_nothing(
    store: Store, expected: Fence | None
) -> None:
    await commit_first(store, states={"a": b"1"}, timers={"a": 5}, outbox=[(1, b"x")])
    before = await content(store)
    zombie = Commit("p0", expected, Fence(30, 9), b"zombie", {"a": None}, {"b": 1}, [(2, b"y")])
    assert await store.commit([zombie]) == [False]
    assert await content(store) == before


async def test_a_commit_on_a_shard_that_lost_its_fence_is_refused(store: Store) -> None:
    assert await commit_second(store) is False
    assert await store.read_checkpoints(["p0"]) == [ShardCheckpoint(None, None)]


async def test_a_repeated_commit_is_refused_and_applied_once(store: Store) -> None:
    assert await commit_first(store, outbox=[(1, b"x")]) is True
    assert await commit_first(store, outbox=[(1, b"x")]) is False
    assert await store.outbox("p0", 0, 10) == [(1, b"x")]


async def test_of_many_racers_for_one_fence_exactly_one_wins(store: Store) -> None:
    async def race(racer: int, at: Fence | None, after: Fence) -> bool:
        await asyncio.sleep(random.Random(racer).random() / 100)
        states = {f"racer-{racer}": b"won"}
        [won] = await store.commit([Commit("p0", at, after, b"", states)])
        return won

    for round_, at in enumerate([None, Fence(1, 1), Fence(2, 2)]):
        after = Fence(round_ + 1, round_ + 1)
        racers = range(round_ * 50, round_ * 50 + 50)
        won = await asyncio.gather(*(race(racer, at, after) for racer in racers))
        assert sum(won) == 1
    assert len(await all_ids(store, "p0")) == 3


async def test_a_deleted_state_is_gone_and_not_due_any_more(store: Store) -> None:
    await commit_first(store, states={"a": b"1", "b": b"2"}, timers={"a": 5, "b": 6})
    await commit_second(store, states={"a": None, "never-there": None})
    after = await content(store)
    assert (after["states"], after["timers"]) == ({"b": b"2"}, ["b"])


async def test_an_id_can_be_due_no_more_and_keep_its_state(store: Store) -> None:
    await commit_first(store, states={"a": b"1"}, timers={"a": 5})
    await commit_second(store, timers={"a": None, "never-there": None})
    after = await content(store)
    assert (after["states"], after["timers"]) == ({"a": b"1"}, [])


async def test_due_ids_come_by_moment_then_id_up_to_the_limit(store: Store) -> None:
    moments = {"b": 10, "a": 10, "é": 10, "z": 9, "later": 12, "Z": 10, "last": 11, "😀": 10}
    await commit_first(store, timers=moments)
    assert await store.timers_until("p0", 11, 100) == ["z", "Z", "a", "b", "é", "😀", "last"]
    assert await store.timers_until("p0", 11, 3) == ["z", "Z", "a"]
    assert await store.timers_until("p0", 8, 100) == []


async def test_a_new_moment_replaces_the_old_one(store: Store) -> None:
    await commit_first(store, timers={"a": 5, "b": 6})
    await commit_second(store, timers={"a": 7})
    assert await store.timers_until("p0", 100, 10) == ["b", "a"]
    assert await store.timers_until("p0", 6, 10) == ["b"]


async def test_moments_are_exact_to_the_millisecond(store: Store) -> None:
    await commit_first(store, timers={"a": 2**53 - 1})
    assert await store.timers_until("p0", 2**53 - 2, 10) == []
    assert await store.timers_until("p0", 2**53 - 1, 10) == ["a"]


async def test_the_outbox_is_read_in_order_above_a_number(store: Store) -> None:
    await commit_first(store, outbox=[(9, b"nine"), (10, b"ten"), (11, b"eleven")])
    await commit_second(store, outbox=[(100, b"hundred")])
    assert await store.outbox("p0", 9, 2) == [(10, b"ten"), (11, b"eleven")]
    assert await store.outbox("p0", 11, 9) == [(100, b"hundred")]
    assert await store.outbox("p0", 100, 9) == []


async def test_forgetting_is_by_number_and_can_be_repeated(store: Store) -> None:
    await commit_first(store, outbox=[(1, b"1"), (2, b"2"), (3, b"3")])
    await commit_first(store, "p1", outbox=[(1, b"other")])
    await store.forget({"p0": 2, "p1": 0})
    await store.forget({"p0": 2})
    await store.forget({"p0": 1})
    assert await store.outbox("p0", 0, 9) == [(3, b"3")]
    assert await store.outbox("p1", 0, 9) == [(1, b"other")]


async def test_numbers_appended_anew_after_a_rollback_stand_for_the_old_ones(
    store: Store,
) -> None:
    await commit_first(store, outbox=[(1, b"1"), (2, b"2"), (3, b"3"), (4, b"4")])
    await store.forget({"p0": 2})
    assert await commit_second(store, outbox=[(2, b"2"), (4, b"4 anew"), (5, b"5")])
    assert await store.outbox("p0", 0, 9) == [(2, b"2"), (4, b"4 anew"), (5, b"5")]


async def test_entries_with_equal_bytes_are_all_kept(store: Store) -> None:
    await commit_first(store, outbox=[(1, b"same"), (2, b"same")])
    assert await store.outbox("p0", 0, 9) == [(1, b"same"), (2, b"same")]


async def test_a_commit_of_20_000_states_is_applied_whole(store: Store) -> None:
    ids = [f"c-{number}" for number in range(20_000)]
    states = {id_: b"%s" % id_.encode() * 50 for id_ in ids}
    timers = {id_: 1_000_000 + number for number, id_ in enumerate(ids)}
    assert await commit_first(store, states=states, timers=timers) is True
    [loaded] = await store.load([Read("p0", ids)])
    assert loaded == list(states.values())
    assert await store.timers_until("p0", 2_000_000, 20_000) == ids
    assert await commit_second(store, states=dict.fromkeys(ids)) is True
    assert await store.timers_until("p0", 2_000_000, 20_000) == []
    assert await store.load([Read("p0", ids)]) == [[None] * 20_000]


async def test_entries_of_512_kib_and_any_bytes_pass(store: Store) -> None:
    await commit_first(store, states={"a": BIG_ENTRY}, outbox=[(1, BIG_ENTRY), (2, BIG_ENTRY)])
    assert await store.outbox("p0", 0, 9) == [(1, BIG_ENTRY), (2, BIG_ENTRY)]
    assert await store.load([Read("p0", ["a"])]) == [[BIG_ENTRY]]


@pytest.mark.parametrize(
    "changes",
    [
        {"timers": {"a": float("nan")}},
        {"timers": {"a": 1.5}},
        {"timers": {"a": True}},
        {"timers": {"a": 2**53 + 1}},
        {"timers": {"a": 5}, "states": {"a": None}},
        {"timers": {SOME_LONE_SURROGATE: 5}},
        {"timers": {SOME_LONE_SURROGATE: None}},
        {"states": {SOME_LONE_SURROGATE: b""}},
        {"states": {"a": "text"}},
        {"record": "text"},
        {"outbox": [(2, b""), (2, b"")]},
        {"outbox": [(2, b""), (1, b"")]},
        {"outbox": [(0, b"")]},
        {"outbox": [(1.0, b"")]},
        {"outbox": [(1, "text")]},
        {"measures": {DAY: {"a": 1.0}}},
        {"measures": {DAY: {"a": True}}},
        {"measures": {DAY: {"a": 2**62 + 1}}},
        {"measures": {DAY: {SOME_LONE_SURROGATE: 1}}},
        {"measures": {"": {"a": 1}}},
        {"measures": {"800:2026*": {"a": 1}}},
        {"expired_measures": ["{p1}"]},
        {"indexes": {"risk.high": {"a": float("nan")}}},
        {"indexes": {"risk.high": {"a": float("inf")}}},
        {"indexes": {"risk.high": {"a": 1}}},
        {"indexes": {"risk.high": {"a": "0.5"}}},
        {"indexes": {"risk.high": {SOME_LONE_SURROGATE: None}}},
        {"indexes": {"risk.high": {"a": 0.5}}, "states": {"a": None}},
        {"indexes": {"Risk*": {"a": 0.5}}},
        {"indexes": {"": {}}},
        {"fence": FIRST},
        {"fence": Fence(9, 2)},
        {"fence": Fence(20, 1)},
        {"fence": Fence(2**53 + 1, 2)},
        {"shard": "p0}"},
        {"shard": ""},
    ],
    ids=str,
)
async def test_an_argument_that_would_fail_half_way_is_refused_before(
    store: Store, changes: Mapping[str, Any]
) -> None:
    await commit_first(store, states={"a": b"1"}, timers={"a": 5}, outbox=[(1, b"x")])
    before = await content(store)
    good = Commit("p1", None, FIRST, b"")
    bad = Commit("p0", FIRST, SECOND, b"2", states={"b": b"new"}, outbox=[(2, b"y")])
    with pytest.raises(ValueError, match=r"want|deleted|surrogates|every commit"):
        await store.commit([good, bad._replace(**changes)])
    assert await content(store) == before
    assert await store.read_checkpoints(["p1"]) == [ShardCheckpoint(None, None)]


async def test_fence_and_record_are_always_read_as_one(store: Store) -> None:
    await store.commit([Commit("p0", None, Fence(1, 1), b"1:1")])

    async def write() -> None:
        for number in range(2, 200):
            before, after = Fence(number - 1, number - 1), Fence(number, number)
            await store.commit([Commit("p0", before, after, after.text().encode())])

    async def read() -> None:
        for _ in range(200):
            [checkpoint] = await store.read_checkpoints(["p0"])
            assert checkpoint.fence is not None
            assert checkpoint.record == checkpoint.fence.text().encode()

    await asyncio.gather(write(), read(), read())


async def test_a_scan_names_every_id_of_the_shard_and_no_other(store: Store) -> None:
    odd = ["", "fence", "s:1", "{x}", "c*", "größe", "a\nb", "\x00"]
    ids = odd + [f"c-{number}" for number in range(500)]
    await commit_first(store, states=dict.fromkeys(ids, b""))
    await commit_first(store, "p01", states={"stranger": b""})
    assert await all_ids(store, "p0") == sorted(ids)
    assert await all_ids(store, "p2") == []


async def test_a_text_is_kept_under_its_digest(store: Store) -> None:
    assert await store.text("0123abcd") is None
    await store.put_text("0123abcd", b"\x00rules")
    await store.put_text("0123abcd", b"\x00rules")
    assert await store.text("0123abcd") == b"\x00rules"


async def test_nobody_wants_anything_at_first(store: Store) -> None:
    assert await store.wish() is None


async def test_the_last_wish_counts(store: Store) -> None:
    await store.put_wish(b"seven")
    await store.put_wish(b"\x00eight")
    assert await store.wish() == b"\x00eight"


async def whole(store: Store) -> set[Place]:
    cursor, found = await store.scan(0, 2)
    while cursor:
        cursor, more = await store.scan(cursor, 2)
        found += more
    return set(found)


async def test_a_scan_names_states_buckets_and_texts_of_every_shard(store: Store) -> None:
    await commit_first(store, states={"c:1": b"one", "ü": b"two"}, measures={DAY: {"nps": 1}})
    await commit_first(store, "learner", states={"version:1": b"sealed"}, timers={"x": 1})
    await store.put_text("0123abcd", b"rules")
    await store.put_wish(b"seven")
    await store.claim_partitions(4)
    await store.put_origin(b"elsewhere")
    assert await whole(store) == {
        Place("state", "p0", "c:1"),
        Place("state", "p0", "ü"),
        Place("bucket", "p0", DAY),
        Place("state", "learner", "version:1"),
        Place("text", "", "0123abcd"),
    }


async def test_what_is_held_of_a_customer_is_put_elsewhere_as_it_is(store: Store) -> None:
    held = [
        Holding("c-1", b"\x00one", 2**52 + 1, {"risk.high": 0.1 + 0.2}),
        Holding("ü", b"two", None, {}),
    ]
    await store.put_holdings("p7", held)
    await store.put_holdings("p7", held)
    assert await store.holdings(Read("p7", ["c-1", "nobody", "ü"]), RISKS) == held
    assert await store.holdings(Read("p7", []), RISKS) == []
    assert await store.timers_until("p7", 2**53, 10) == ["c-1"]


async def test_measures_that_are_put_replace_the_bucket(store: Store) -> None:
    await commit_first(store, measures={DAY: {"nps": 1, "orders|EUR": 3}})
    await store.put_measures("p0", {DAY: {"orders|EUR": 2**60 + 1}, NEXT_DAY: {}})
    assert await store.read_measures(["p0"], [DAY, NEXT_DAY]) == [[{"orders|EUR": 2**60 + 1}, {}]]


async def test_a_wiped_namespace_remembers_its_origin_alone(store: Store) -> None:
    assert await store.origin() is None
    await commit_first(store, states={"c-1": b"one"}, measures={DAY: {"nps": 1}})
    await store.put_wish(b"seven")
    await store.claim_partitions(4)
    await store.put_origin(b"elsewhere")
    await store.wipe()
    assert (await whole(store), await store.origin()) == (set(), b"elsewhere")
    assert (await store.wish(), await store.claimed_partitions()) == (None, None)
    assert await store.read_checkpoints(["p0"]) == [ShardCheckpoint(None, None)]


async def test_the_first_partition_count_stays(store: Store) -> None:
    claims = await asyncio.gather(*(store.claim_partitions(count) for count in (8, 8, 8)))
    assert claims == [8, 8, 8]
    assert await store.claim_partitions(16) == 8


async def test_a_server_started_by_us_is_set_up_well(store: Store) -> None:
    assert await store.check() == []


moments = st.integers(min_value=-(2**53), max_value=2**53)
subjects = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.dictionaries(subjects, moments), moments, st.integers(min_value=0, max_value=20))
def test_due_is_the_sorted_prefix_of_what_was_put_in(
    timers: dict[str, int], until_ms: int, limit: int
) -> None:
    async def asked() -> list[str]:
        store = MemoryStore()
        await store.commit([Commit("p0", None, FIRST, b"", timers=timers)])
        return await store.timers_until("p0", until_ms, limit)

    ready = sorted((moment_ms, id_) for id_, moment_ms in timers.items() if moment_ms <= until_ms)
    assert asyncio.run(asked()) == [id_ for _, id_ in ready][:limit]
