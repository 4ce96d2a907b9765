"""A build with another feature list: the model starts anew, as a version that can be served."""

import msgspec
from prometheus_client import CollectorRegistry

from agents.in_force import LEARNER, version_id
from agents.learner import Learner
from agents.metrics import Metrics
from agents.outbox import Outbox, Topics
from agents.post import Post
from agents.stores.base import Commit, Fence, Read
from agents.stores.memory import MemoryStore
from agents.transport import Span
from schemas.rules import Rules
from streams.features.catalogue import FEATURES
from streams.learn.knowledge import Knowledge
from streams.learn.snapshot import empty, unseal
from tests.make import WIDTH

SPANS = {0: Span(earliest=0, end=5, committed=5)}


async def test_the_empty_model_is_published_as_the_next_version() -> None:
    store = await _store_with_model_of("a-list-of-before")
    await _learner(store).take(SPANS)
    [[sealed]] = await store.load([Read(LEARNER, [version_id(8)])])
    assert sealed is not None
    assert unseal(sealed) == empty(FEATURES.digest, WIDTH)


async def test_what_it_knew_of_ticks_and_shards_stays() -> None:
    store = await _store_with_model_of("a-list-of-before")
    await _learner(store).take(SPANS)
    [standing] = await store.standing([LEARNER])
    knowledge = msgspec.json.decode(standing.record or b"", type=Post).knowledge
    assert (knowledge.tick, knowledge.passed, knowledge.version) == (40, {"p0": 12}, 8)


async def test_with_the_same_list_nothing_is_committed() -> None:
    store = await _store_with_model_of(FEATURES.digest)
    await _learner(store).take(SPANS)
    [standing] = await store.standing([LEARNER])
    assert standing.fence == Fence(5, 1)


async def _store_with_model_of(features: str) -> MemoryStore:
    knowledge = Knowledge(model=empty(features, WIDTH), tick=40, version=7, passed={"p0": 12})
    store = MemoryStore()
    record = msgspec.json.encode(Post(knowledge=knowledge))
    assert await store.commit([Commit(LEARNER, None, Fence(5, 1), record)]) == [True]
    return store


def _learner(store: MemoryStore) -> Learner:
    outbox = Outbox(store, _no_broker, Topics({}))
    metrics = Metrics(CollectorRegistry())
    return Learner("touchstream.examples", store, outbox, Rules(), 1, None, metrics)


def _no_broker() -> None:
    raise AssertionError("nothing is to be sent")
