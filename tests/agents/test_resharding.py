"""After a move to another partition count everything goes on as if there had been none."""

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from tests.agents.resharded import RULES, VERSION, WISH, copied, learner, loaded, stored, to
from tests.make import QUICK, Log, days, event, record, replay
from tests.strategies import logs
from touchstream.agents.active_config import LEARNER, version_id
from touchstream.agents.checkpoint import POSITION, Checkpoint, decode_learner_checkpoint
from touchstream.agents.fatal import Refusal
from touchstream.agents.held_examples import HeldExamples
from touchstream.agents.notifier.record import FRESH, NOTIFIER
from touchstream.agents.prepare import check_store
from touchstream.agents.resharding import read_drained, read_lineage
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Commit, Fence, Holding, Read, Store, StoreError
from touchstream.agents.stores.memory import MemoryStore
from touchstream.schemas.examples import TickCompleted, encode_example
from touchstream.schemas.rules import BandRules
from touchstream.schemas.shards import shard_names
from touchstream.schemas.units import Millis
from touchstream.streams.checkpoint import ShardCheckpoint
from touchstream.streams.local import LocalStream

LAW = settings(max_examples=25, deadline=None)
LAST_DAY = 20


def town(customers: int = 80) -> Log:
    """Customers who come every few days, some of whom stop; a few orders and broken records."""
    sent = []
    for number in range(customers):
        for day in range(number % 3, 5 + 7 * number % 16, 1 + number % 5):
            at_ms = days(day, hours=number % 24)
            kind = "order.placed" if day % 5 == 0 else "web.visit"
            data: dict[str, Any] = {"page": "/"}
            if kind == "order.placed":
                data = {"order": f"{number}-{day}", "amount_minor": 700, "currency": "EUR"}
            sent.append(record(event(kind, at_ms, f"c{number}", **data)))
    sent.sort(key=lambda one: one.received_ms)
    return Log([one._replace(offset=place) for place, one in enumerate(sent)], LAST_DAY)


@LAW
@given(logs())
def test_a_move_to_more_and_to_fewer_partitions_does_not_show(log: Log) -> None:
    moved = replay(log, partitions=4, moves={6: to(12), 13: to(5)})
    assert moved == replay(log, partitions=4)


TYPED = BandRules(medium_enter=0.1, medium_leave=0.08, high_enter=0.3, high_leave=0.2)
BY_CAPACITY = BandRules(high_per_day=3)
"""Its thresholds follow from what every shard has counted since its last tick."""


@pytest.mark.parametrize("bands", [TYPED, BY_CAPACITY], ids=["typed", "by capacity"])
def test_no_state_timer_measure_model_or_id_of_an_emission_changes(bands: BandRules) -> None:
    indexed: list[bool] = []

    def to_12(stream: LocalStream) -> LocalStream:
        indexed.append(any(any(shard.indexes.values()) for shard in stream.shards))
        return to(12)(stream)

    log, rules = town(), msgspec.structs.replace(QUICK, bands=bands)
    stayed = replay(log, rules, partitions=4)
    assert replay(log, rules, partitions=4, moves={12: to_12, 15: to(5)}) == stayed
    assert indexed == [True]
    assert (len(stayed.emissions) > 20, len(stayed.examples) > 100) == (True, True)


@pytest.fixture(scope="module")
def stream() -> LocalStream:
    """A stream of four shards after all but one day of the town."""
    found: list[LocalStream] = []

    def kept(stream: LocalStream) -> LocalStream:
        found.append(stream)
        return LocalStream(stream.rules, 1)

    replay(town(), partitions=4, moves={LAST_DAY: kept})
    return found[0]


def test_the_new_shards_sequences_begin_above_all_old_ones(stream: LocalStream) -> None:
    async def sequences() -> list[dict[str, int]]:
        store = await copied(await stored(stream), 5)
        return [(await loaded(store, number)).checkpoint.sequences for number in range(5)]

    old = [shard.checkpoint.sequences for shard in stream.shards]
    topics = {topic for each in old for topic in each}
    highest = {topic: max(each.get(topic, 0) for each in old) for topic in topics}
    assert asyncio.run(sequences()) == [highest] * 5


def test_the_learner_keeps_its_models_and_waits_for_the_new_shards(stream: LocalStream) -> None:
    async def found() -> tuple[Checkpoint, list[bytes | None]]:
        store = await copied(await stored(stream), 5)
        [held] = await store.read_checkpoints([LEARNER])
        [states] = await store.load([Read(LEARNER, [POSITION, version_id(1)])])
        assert (held.fence, held.record is None) == (Fence(0, 1), False)
        return decode_learner_checkpoint(held.record or b""), states

    checkpoint, states = asyncio.run(found())
    record, learnt = learner(stream)
    before = decode_learner_checkpoint(record)
    passed = checkpoint.knowledge.passed
    assert list(passed) == shard_names(5)
    assert states == [learnt[POSITION], VERSION]
    checkpoint.knowledge.passed = before.knowledge.passed
    assert checkpoint == before
    held, number = HeldExamples(passed, shard_names(5)), checkpoint.written + 1
    for offset, (shard, last) in enumerate(passed.items()):
        assert not held.is_complete(number)
        done = TickCompleted(shard=shard, sequence=last + 1, tick=number, time_ms=Millis(1))
        held.add(offset, encode_example(done), 0.0)
    assert held.is_complete(number)


def test_rules_and_the_operators_wish_are_there(stream: LocalStream) -> None:
    async def found() -> tuple[bytes | None, bytes | None, int | None]:
        store = await copied(await stored(stream), 5)
        return await store.text("digest"), await store.wish(), await store.claimed_partitions()

    assert asyncio.run(found()) == (RULES, WISH, 5)


def test_the_lineage_grows_with_every_move(stream: LocalStream) -> None:
    async def lineage() -> Any:  # noqa: ANN401
        once = await copied(await stored(stream), 12)
        return await read_lineage(await copied(once, 5))

    found = asyncio.run(lineage())
    assert (found.finished, found.partitions) == (True, 5)
    assert [source.ends for source in found.sources] == [(100,) * 4, (0,) * 12]


class Dying(MemoryStore):
    """Loses its connection at one of its writes; afterwards it is well again."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._left = at

    def _count(self) -> None:
        self._left -= 1
        if not self._left:
            raise StoreError("killed")

    async def put_origin(self, origin: bytes) -> None:
        self._count()
        await super().put_origin(origin)

    async def put_holdings(self, shard: str, holdings: Sequence[Holding]) -> None:
        self._count()
        await super().put_holdings(shard, holdings)
        self._count()

    async def put_measures(self, shard: str, buckets: Any) -> None:  # noqa: ANN401
        self._count()
        await super().put_measures(shard, buckets)

    async def commit(self, commits: Sequence[Commit]) -> list[bool]:
        self._count()
        done = await super().commit(commits)
        self._count()
        return done

    async def wipe(self) -> None:
        self._count()
        await super().wipe()


async def content(store: Store) -> dict[str, Any]:
    """All that a namespace holds, but its fences' commits."""
    partitions = await store.claimed_partitions()
    shards = [await loaded(store, number) for number in range(partitions or 0)]
    return {
        "lineage": await read_lineage(store),
        "shards": shards,
        "learner": await store.read_checkpoints([LEARNER]),
        "versions": await store.load([Read(LEARNER, [POSITION, version_id(1)])]),
    }


def test_killed_at_any_write_it_is_not_served_and_the_next_run_makes_the_same_copy(
    stream: LocalStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("touchstream.agents.resharding.PAGE", 40)

    async def compared() -> int:
        source = await stored(stream)
        whole = await content(await copied(source, 5))
        for at in count(1):
            target = Dying(at)
            try:
                await copied(source, 5, target)
            except StoreError:
                lineage = await read_lineage(target)
                assert lineage is None or not lineage.finished
                if lineage is not None:
                    await _is_refused(target)
            else:
                return at
            assert await content(await copied(source, 5, target)) == whole
        raise AssertionError

    assert asyncio.run(compared()) > 15


async def _is_refused(store: Store) -> None:
    settings = Settings(namespace="new")
    with pytest.raises(Refusal, match=r"'new' is half a copy of 'old'.*--partitions 5.*new\."):
        await check_store(settings, store)


def test_the_old_namespace_stays_as_it_is(stream: LocalStream) -> None:
    async def before_and_after() -> tuple[dict[str, Any], dict[str, Any]]:
        store = await stored(stream)
        before = await content(store)
        await copied(store, 5)
        return before, await content(store)

    before, after = asyncio.run(before_and_after())
    assert before == after


def test_a_worker_that_goes_on_meanwhile_spoils_the_copy(stream: LocalStream) -> None:
    class Awake(MemoryStore):
        async def wipe(self) -> None:
            await super().wipe()
            # A worker commits to the source while it is copied.
            record = msgspec.json.encode(ShardCheckpoint())
            await source.commit([Commit("p0", Fence(100, 1), Fence(101, 2), record)])

    source: Store = MemoryStore()

    async def spoilt() -> Any:  # noqa: ANN401
        nonlocal source
        source = await stored(stream)
        target = Awake()
        with pytest.raises(Refusal, match="has gone on while the namespace was copied"):
            await copied(source, 5, target)
        return await read_lineage(target)

    assert not asyncio.run(spoilt()).finished


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"written": 99}, r"p0 is at tick 20 of 99; .*the learner has learnt tick 20 of 99"),
        ({"passed": {"p0": 1}}, r"learnt tick 20 of 20, and not all examples of p0, p1, p2, p3"),
        ({"outbox": [(10**6, b"entry")]}, "not drained: p2 has unsent emissions"),
    ],
    ids=["tick", "examples", "outbox"],
)
def test_a_namespace_that_is_not_drained_says_what_is_left(
    stream: LocalStream, change: dict[str, Any], said: str
) -> None:
    async def refused() -> None:
        store = await stored(stream)
        [*_, p2, _, held] = await store.read_checkpoints([*shard_names(4), LEARNER])
        checkpoint = decode_learner_checkpoint(held.record or b"")
        checkpoint.written = change.get("written", checkpoint.written)
        checkpoint.knowledge.passed = change.get("passed", checkpoint.knowledge.passed)
        entries = change.get("outbox", ())
        await store.commit(
            [
                Commit(LEARNER, held.fence, Fence(7, 2), msgspec.json.encode(checkpoint)),
                Commit("p2", p2.fence, Fence(100, 2), p2.record or b"", outbox=entries),
            ]
        )
        await read_drained(store, "old", 4)

    with pytest.raises(Refusal, match=said):
        asyncio.run(refused())


def test_without_a_learner_there_is_nothing_to_move() -> None:
    with pytest.raises(Refusal, match="no learner has run in namespace 'old'"):
        asyncio.run(read_drained(MemoryStore(), "old", 4))


def test_what_the_notifier_knows_moves_as_a_whole_and_its_topic_begins_anew() -> None:
    async def moved() -> tuple[list[bytes | None], Fence | None]:
        source = await stored(LocalStream(QUICK, 2))
        states: dict[str, bytes | None] = {"alert/a": b"{}", "tally/1": b"{}"}
        timers: dict[str, int | None] = dict.fromkeys(states, 0)
        await source.commit([Commit(NOTIFIER, None, Fence(7, 3), FRESH, states, timers)])
        target = await copied(source, 5)
        [found] = await target.load([Read(NOTIFIER, await target.timers_until(NOTIFIER, 1, 9))])
        [position] = await target.read_checkpoints([NOTIFIER])
        return found, position.fence

    assert asyncio.run(moved()) == ([b"{}", b"{}"], Fence(0, 1))
