"""A tiny agent that reads two topics through the machinery that every fenced agent shares."""

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry

from touchstream.agents.assignment import Batch, Span, TopicPartition
from touchstream.agents.fatal import Refusal
from touchstream.agents.fenced import (
    Claim,
    FencedAgent,
    FencedShard,
    LostFencePolicy,
    ShardUpdate,
)
from touchstream.agents.metrics import Metrics
from touchstream.agents.outbox import Outbox, TopicNames
from touchstream.agents.stores.base import Commit, Fence, FenceLost, StoreError
from touchstream.agents.stores.memory import MemoryStore

ALERTS_0, ALERTS_1 = TopicPartition("alerts", 0), TopicPartition("alerts", 1)
FEEDBACK_0 = TopicPartition("feedback", 0)
UNREAD = Span(earliest=0, end=10, committed=None)
READ_TO_2 = Span(earliest=0, end=10, committed=2)
BOTH = {ALERTS_0: UNREAD, FEEDBACK_0: UNREAD}


class Letter(NamedTuple):
    """A record as the transport hands it over."""

    offset: int
    value: bytes


class WordShard(FencedShard):
    """The words of one partition, oldest first."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(claim)
        self.words = (claim.record or b"").decode()
        self.queue: deque[Letter] = deque()

    def backlog(self) -> int:
        return self.in_flight + bool(self.queue)


class Words(FencedAgent[WordShard]):
    """Appends the words of each partition to its shard's record, one commit a word."""

    def __init__(self, store: MemoryStore, policy: str = "refuse") -> None:
        self.registry = CollectorRegistry()
        super().__init__(
            ("alerts", "feedback"),
            store,
            Outbox(store, _no_broker, TopicNames({})),
            Metrics(self.registry),
            LostFencePolicy(policy, "Restore it.", "Restore it."),  # type: ignore[arg-type]
            max_batches_in_flight=2,
            outbox_limit=3,
        )
        self.verified = 0

    def shard_name(self, source: TopicPartition) -> str:
        return f"{source.topic}-{source.partition}"

    def restore(self, claim: Claim) -> WordShard:
        return WordShard(claim)

    def accept(self, shard: WordShard, records: Sequence[Any]) -> None:
        shard.queue.extend(records)

    async def advance(self) -> None:
        for shard in self.shards.values():
            while shard.queue and not shard.parked:
                letter = shard.queue[0]
                words = f"{shard.words} {letter.value.decode()}".strip()
                entry = letter.offset + 1, letter.value
                update = ShardUpdate(shard, letter.offset + 1, words.encode(), outbox=[entry])
                await self.commit([update])
                shard.offset, shard.words = letter.offset + 1, words
                shard.queue.popleft()

    async def verify(self) -> None:
        self.verified += 1


class Recording(Words):
    """Cannot repeat its work after an outage, like the learner."""

    repeats_work = False


class BrokenStore(MemoryStore):
    """Refuses to answer so many commits."""

    outages = 0

    async def commit(self, commits: Sequence[Commit]) -> list[bool]:
        if self.outages:
            self.outages -= 1
            raise StoreError("Redis: connection refused")
        return await super().commit(commits)


async def test_a_new_partition_is_read_from_its_beginning() -> None:
    assert await Words(MemoryStore()).assign(BOTH) == {ALERTS_0: 0, FEEDBACK_0: 0}


async def test_the_same_partition_of_two_topics_has_two_shards() -> None:
    store = MemoryStore()
    agent = await _agent(store)
    await agent.work([_batch(ALERTS_0, 0, "raised", "again"), _batch(FEEDBACK_0, 0, "useful")])
    assert await _records(store, "alerts-0", "feedback-0") == ["raised again", "useful"]
    assert agent.durable() == {ALERTS_0: 2, FEEDBACK_0: 1}


async def test_another_process_reads_on_at_the_fences() -> None:
    store = MemoryStore()
    await (await _agent(store)).work([_batch(ALERTS_0, 0, "raised", "again")])
    later = Words(store)
    assert await later.assign(BOTH) == {ALERTS_0: 2, FEEDBACK_0: 0}
    assert later.shards[ALERTS_0].words == "raised again"


async def test_a_record_delivered_again_takes_effect_once() -> None:
    store = MemoryStore()
    agent = await _agent(store)
    await agent.work([_batch(ALERTS_0, 0, "raised", "again")])
    await agent.work([_batch(ALERTS_0, 1, "again", "cleared")])
    assert await _records(store, "alerts-0") == ["raised again cleared"]


async def test_a_batch_read_before_the_last_seek_is_void() -> None:
    store = MemoryStore()
    agent = await _agent(store)
    batch = _batch(ALERTS_0, 0, "raised")
    agent.epoch += 1
    await agent.work([batch])
    assert await _records(store, "alerts-0") == [None]


async def test_partitions_that_are_revoked_are_processed_no_more() -> None:
    agent = await _agent(MemoryStore())
    await agent.assign({FEEDBACK_0: UNREAD})
    await agent.work([_batch(ALERTS_0, 0, "raised")])
    assert (set(agent.shards), agent.durable()) == ({FEEDBACK_0}, {})
    assert not agent.has_room(ALERTS_0)


async def test_batches_in_flight_are_bounded_for_each_partition() -> None:
    agent = await _agent(MemoryStore())
    first, second = _batch(ALERTS_0, 0, "raised"), _batch(ALERTS_0, 1, "cleared")
    agent.expect(first)
    agent.expect(second)
    assert (agent.has_room(ALERTS_0), agent.has_room(FEEDBACK_0)) == (False, True)
    await agent.work([first])
    assert agent.has_room(ALERTS_0)


async def test_a_full_outbox_stops_its_own_partition_only() -> None:
    agent = await _agent(MemoryStore())
    await agent.work([_batch(ALERTS_0, 0, "one", "two", "three")])
    assert (agent.has_room(ALERTS_0), agent.has_room(FEEDBACK_0)) == (False, True)


async def test_a_parked_partition_is_not_fetched_and_its_lag_is_no_stall() -> None:
    agent = await _agent(MemoryStore())
    assert agent.lag(lambda _: 10) == 20
    agent.shards[ALERTS_0].parked = True
    assert (agent.has_room(ALERTS_0), agent.lag(lambda _: 10)) == (False, 10)


async def test_the_commit_of_a_process_that_lost_its_partition_is_refused_and_counted() -> None:
    store = MemoryStore()
    zombie, owner = await _agent(store), await _agent(store)
    await owner.work([_batch(ALERTS_0, 0, "raised")])
    with pytest.raises(FenceLost, match="shard alerts-0: the fence is no longer None"):
        await zombie.work([_batch(ALERTS_0, 0, "raised")])
    assert await _records(store, "alerts-0") == ["raised"]
    assert zombie.registry.get_sample_value("touchstream_fence_refusals_total") == 1


async def test_a_check_notices_a_lost_fence_while_nothing_arrives() -> None:
    store = MemoryStore()
    zombie, owner = await _agent(store), await _agent(store)
    await zombie.check_fences()
    await owner.work([_batch(FEEDBACK_0, 0, "useful")])
    with pytest.raises(FenceLost, match="shard feedback-0"):
        await zombie.check_fences()


async def test_every_check_of_the_fences_verifies_what_else_the_agent_relies_on() -> None:
    agent = await _agent(MemoryStore())
    await agent.check_fences()
    assert agent.verified == 1


async def test_an_outage_of_the_store_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("touchstream.agents.fenced.OUTAGE_PAUSE_S", 0.001)
    store = BrokenStore()
    agent = await _agent(store)
    store.outages = 2
    await agent.work([_batch(ALERTS_0, 0, "raised")])
    assert await _records(store, "alerts-0") == ["raised"]


async def test_an_outage_ends_an_agent_that_cannot_repeat_its_work() -> None:
    store = BrokenStore()
    agent = Recording(store)
    await agent.assign(BOTH)
    store.outages = 1
    with pytest.raises(Refusal, match="starting again from the fence: Redis: connection refused"):
        await agent.work([_batch(ALERTS_0, 0, "raised")])


async def test_a_partition_that_was_read_before_but_has_no_fence_is_refused() -> None:
    with pytest.raises(Refusal, match=r"alerts-1: the group has committed offset 2, but Redis has"):
        await Words(MemoryStore()).assign({ALERTS_1: READ_TO_2})


@pytest.mark.parametrize("span", [Span(4, 10, None), Span(0, 2, None)])
async def test_a_fence_outside_the_log_is_refused(span: Span) -> None:
    with pytest.raises(Refusal, match="alerts-0: the fence in Redis is 3, the log holds"):
        await Words(await _fence_at_3()).assign({ALERTS_0: span})


@pytest.mark.parametrize(("policy", "offset"), [("oldest", 4), ("newest", 10)])
async def test_an_operator_may_go_on_with_a_gap(policy: str, offset: int) -> None:
    agent = Words(await _fence_at_3(), policy)
    assert await agent.assign({ALERTS_0: Span(4, 10, 3)}) == {ALERTS_0: offset}


async def _agent(store: MemoryStore) -> Words:
    agent = Words(store)
    await agent.assign(BOTH)
    return agent


async def _fence_at_3() -> MemoryStore:
    store = MemoryStore()
    await store.commit([Commit("alerts-0", None, Fence(3, 1), b"raised")])
    return store


async def _records(store: MemoryStore, *shards: str) -> list[str | None]:
    found = await store.read_checkpoints(shards)
    return [None if each.record is None else each.record.decode() for each in found]


def _batch(source: TopicPartition, offset: int, *words: str) -> Batch:
    letters = [Letter(offset + place, word.encode()) for place, word in enumerate(words)]
    return Batch(source, letters, epoch=0, more=False)


def _no_broker() -> AIOKafkaProducer:
    raise AssertionError("nothing is produced here")
