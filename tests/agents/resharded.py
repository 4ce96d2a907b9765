"""A local stream through the stores of two namespaces, and back into a local stream."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from touchstream.agents.active_config import LEARNER, version_id
from touchstream.agents.checkpoint import Checkpoint, position_state
from touchstream.agents.resharding import Source, copy, lineage_of, read_drained, read_lineage
from touchstream.agents.stores.base import Commit, Fence, Read, Store
from touchstream.agents.stores.memory import MemoryStore
from touchstream.schemas.shards import shard_name
from touchstream.schemas.units import Millis
from touchstream.streams.checkpoint import decode_checkpoint, encode_checkpoint
from touchstream.streams.local import LocalShard, LocalStream
from touchstream.streams.projections.indexes import INDEXES, alert_indexes
from touchstream.streams.projections.read import alerts_of
from touchstream.streams.reshard import passed_by
from touchstream.streams.state import decode

OFFSET = 100
"""Of every fence of a source."""
VERSION = b"version 1, sealed"
RULES = b"rules"
WISH = b'{"serve":1}'


def to(partitions: int) -> Callable[[LocalStream], LocalStream]:
    """A move of a stream to another number of partitions, as ``touchstream reshard`` does it."""
    return lambda stream: asyncio.run(_moved(stream, partitions))


async def stored(stream: LocalStream, store: Store | None = None) -> Store:
    """The store of a deployment that has done what the stream has done, and is drained."""
    store = store or MemoryStore()
    await store.claim_partitions(stream.partitions)
    for shard in stream.shards:
        fence, record = Fence(OFFSET, 1), encode_checkpoint(shard.checkpoint)
        states, timers = dict(shard.states), dict(shard.timers)
        measures, indexes = shard.measures, shard.indexes
        await store.commit(
            [
                Commit(
                    shard.name,
                    None,
                    fence,
                    record,
                    states,
                    timers,
                    measures=measures,
                    indexes=indexes,
                )
            ]
        )
    await store.commit([Commit(LEARNER, None, Fence(7, 1), *learner(stream))])
    await store.put_text("digest", RULES)
    await store.put_wish(WISH)
    return store


def learner(stream: LocalStream) -> tuple[bytes, dict[str, bytes | None]]:
    """The record and states of a learner that has learnt everything."""
    knowledge = stream.knowledge.copy()
    knowledge.passed = passed_by(shard.checkpoint for shard in stream.shards)
    ticks = knowledge.tick
    checkpoint = Checkpoint(knowledge=knowledge, written=ticks, written_ms=Millis(ticks), sent=9)
    states = {**position_state(knowledge), version_id(1): VERSION}
    return msgspec.json.encode(checkpoint), states


async def copied(store: Store, partitions: int, target: Store | None = None) -> Store:
    """The store's content in a new one."""
    target = target or MemoryStore()
    before = await store.claimed_partitions()
    assert before is not None
    drained = await read_drained(store, "old", before)
    source = Source("old", "touchpoints", "touchstream.examples", drained.ends, 0, 0)
    lineage = lineage_of(await read_lineage(store), source, drained, partitions, "new.")
    await copy(store, target, drained, lineage, [0] * partitions, lambda _: None)
    return target


async def loaded(store: Store, number: int) -> LocalShard:
    """A shard with everything that the store holds of it."""
    name = shard_name(number)
    [found] = await store.read_checkpoints([name])
    shard = LocalShard(name, number, decode_checkpoint(found.record))
    _, places = await store.scan(0, 10**9)
    ids = [place.name for place in places if (place.kind, place.shard) == ("state", name)]
    for one in await store.holdings(
        Read(name, ids), [*INDEXES, *await _of_alerts(store, name, ids)]
    ):
        shard.states[one.id] = one.state
        if one.timer_ms is not None:
            shard.timers[one.id] = one.timer_ms
        for index, score in one.scores.items():
            shard.indexes.setdefault(index, {})[one.id] = score
    buckets = [place.name for place in places if (place.kind, place.shard) == ("bucket", name)]
    [fields] = await store.read_measures([name], buckets)
    shard.measures = dict(zip(buckets, fields, strict=True))
    return shard


async def _of_alerts(store: Store, shard: str, ids: Sequence[str]) -> set[str]:
    """The indexes of queues and reps that the customers' alerts name."""
    [states] = await store.load([Read(shard, ids)])
    found = [alerts_of(decode(state)) for state in states if state is not None]
    return {name for alerts in found if alerts is not None for name in alert_indexes(alerts)}


async def _moved(stream: LocalStream, partitions: int) -> LocalStream:
    store = await copied(await stored(stream), partitions)
    moved = LocalStream(stream.rules, partitions, stream.chunk, stream.limit)
    moved.shards = [await loaded(store, number) for number in range(partitions)]
    moved.knowledge, moved.scorers = stream.knowledge, stream.scorers
    moved.signals, moved.examples, moved.emitted = stream.signals, stream.examples, stream.emitted
    return moved
