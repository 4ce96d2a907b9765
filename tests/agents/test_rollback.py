"""An operator goes back to a version: ticks name it, and it stays as long as it is named."""

import msgspec
import orjson
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from tests.make import days
from touchstream.agents.active_config import LEARNER, version_states
from touchstream.agents.assignment import Span, TopicPartition
from touchstream.agents.checkpoint import Checkpoint
from touchstream.agents.learner import Learner
from touchstream.agents.metrics import Metrics
from touchstream.agents.outbox import Outbox, TopicNames
from touchstream.agents.serving import Backfill, Wish, trouble_with, want
from touchstream.agents.stores.base import Commit, Fence
from touchstream.agents.stores.memory import MemoryStore
from touchstream.agents.version_sweep import KEPT_TICKS, MILESTONE_EVERY_TICKS, sweep
from touchstream.schemas.rules import Rules
from touchstream.schemas.units import Millis
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.knowledge import Knowledge
from touchstream.streams.learn.snapshot import CHURN, Version, empty, seal
from touchstream.streams.outbox import decode_entry

SPANS = {TopicPartition("touchstream.examples", 0): Span(earliest=0, end=5, committed=5)}


async def test_without_a_wish_a_tick_names_the_newest() -> None:
    store = await _left_behind()
    assert await _named_by_next_tick(_learner(store), store) == 8


async def test_the_next_tick_names_the_version_wished_for() -> None:
    store = await _left_behind()
    learner = _learner(store)
    await _named_by_next_tick(learner, store)
    await want(store, Wish(serve=5))
    assert await _named_by_next_tick(learner, store) == 5


async def test_newest_ends_the_rollback() -> None:
    store = await _left_behind()
    learner = _learner(store)
    await want(store, Wish(serve=5))
    await _named_by_next_tick(learner, store)
    await want(store, Wish())
    assert await _named_by_next_tick(learner, store) == 8


async def test_a_learner_that_starts_again_goes_on_serving_it() -> None:
    store = await _left_behind()
    await want(store, Wish(serve=5))
    await _named_by_next_tick(_learner(store), store)
    assert await _named_by_next_tick(_learner(store), store) == 5


async def test_a_version_that_is_gone_is_not_named() -> None:
    store = await _left_behind()
    await want(store, Wish(serve=3))
    assert await _named_by_next_tick(_learner(store), store) == 8


async def test_metrics_say_what_is_served_and_that_it_is_pinned() -> None:
    store, registry = await _left_behind(), CollectorRegistry()
    await want(store, Wish(serve=5))
    await _named_by_next_tick(_learner(store, registry), store)
    assert _gauges(registry) == {"touchstream_served_version": 5, "touchstream_version_pinned": 1}


@pytest.mark.parametrize("signals", [0, 3])
async def test_metrics_say_how_many_signals_the_learner_has_emitted(signals: int) -> None:
    store, registry = await _left_behind(signals=signals), CollectorRegistry()
    learner = _learner(store, registry)
    await learner.assign(SPANS)
    labels = {"shard": "learner", "type": "customer.signal"}
    emitted = registry.get_sample_value("touchstream_emissions_total", labels)
    assert emitted == (signals or None)
    await learner.assign({})
    assert registry.get_sample_value("touchstream_emissions_total", labels) is None


@pytest.mark.parametrize(
    ("version", "trouble"),
    [
        (5, None),
        (3, "version 3 is not in Redis: `touchstream models` lists those that are"),
        (4, "version 4 has learnt from a customer who was left out since: want 5 or newer"),
        (6, "version 6 is not what the learner has published under this number"),
        (
            7,
            "version 7 reads feature list of-old, this build has "
            f"{FEATURES.digest}: run the build that fits",
        ),
    ],
)
async def test_what_can_be_served(version: int, trouble: str | None) -> None:
    store = MemoryStore()
    foreign = Version(models={CHURN: empty("of-old", 28.0)})
    states = {
        **_version(4),
        **_version(5),
        "version:6": _version(5)["version:5"],
        "about:6": _version(7, foreign)["about:7"],
        **_version(7, foreign),
    }
    oldest = 5 if version == 4 else 0
    await store.commit([Commit(LEARNER, None, Fence(5, 1), b"", states)])
    assert await trouble_with(store, _checkpoint(oldest=oldest), version) == trouble


def test_a_version_that_is_wished_for_is_not_swept() -> None:
    after, gone = sweep(_swept_but(), {5})
    assert (list(gone), after.spared) == ([4, 6], [5])


def test_a_version_that_a_tick_named_lately_is_not_swept() -> None:
    after, gone = sweep(_swept_but(pins={5: 1_000 - KEPT_TICKS + 1}))
    assert (list(gone), after.spared) == ([4, 6], [5])


def test_a_version_that_was_spared_goes_when_all_have_long_passed_its_last_tick() -> None:
    after, gone = sweep(_swept_but(swept=6, spared=[5], pins={5: 1_000 - KEPT_TICKS}))
    assert (list(gone), after.spared, after.pins) == ([5], [], {})


def test_about_once_a_day_a_version_becomes_a_milestone_and_stays() -> None:
    checkpoint = _swept_but()
    checkpoint.knowledge.tick = MILESTONE_EVERY_TICKS
    after, _ = sweep(checkpoint)
    after.knowledge.tick, after.knowledge.version = MILESTONE_EVERY_TICKS + 1_000, 20
    later, gone = sweep(
        msgspec.structs.replace(after, versions_by_tick={MILESTONE_EVERY_TICKS: 15})
    )
    assert (later.milestones, later.spared) == ([8], [8])
    assert 8 not in gone


def test_no_more_than_thirty_milestones_stay() -> None:
    checkpoint = _swept_but(milestones=list(range(101, 131)))
    checkpoint.knowledge.tick, checkpoint.knowledge.version = MILESTONE_EVERY_TICKS, 140
    assert sweep(checkpoint)[0].milestones == [*range(102, 131), 140]


def test_who_has_learnt_from_a_forgotten_customer_is_swept_though_wished_for() -> None:
    _, gone = sweep(_swept_but(oldest=9), {5})
    assert list(gone) == [4, 5, 6]


def _checkpoint(**changed: object) -> Checkpoint:
    """Versions 5 to 8 are published, 7 ticks written and learnt."""
    knowledge = Knowledge.new(FEATURES, Rules())
    knowledge.tick, knowledge.version, knowledge.passed = 7, 8, {"p0": 7}
    checkpoint = Checkpoint(knowledge=knowledge, written=7, written_ms=days(7), swept=4)
    return msgspec.structs.replace(checkpoint, **changed)


def _swept_but(**changed: object) -> Checkpoint:
    """At tick 1,000 versions 4 to 6 may go: 7 was the newest when tick 700 was learnt."""
    checkpoint = _checkpoint(swept=3, versions_by_tick={700: 7})
    checkpoint.knowledge.tick = 1_000
    return msgspec.structs.replace(checkpoint, **changed)


def _version(number: int, version: Version | None = None) -> dict[str, bytes | None]:
    knowledge = Knowledge.new(FEATURES, Rules())
    knowledge.version = number
    return version_states(
        knowledge, seal(version or Version(models={CHURN: knowledge.churn.model}))
    )


async def _left_behind(**changed: object) -> MemoryStore:
    store = MemoryStore()
    states = {id_: data for number in range(5, 9) for id_, data in _version(number).items()}
    record = msgspec.json.encode(_checkpoint(**changed))
    assert await store.commit([Commit(LEARNER, None, Fence(5, 1), record, states)]) == [True]
    return store


async def _named_by_next_tick(learner: Learner, store: MemoryStore) -> int:
    await learner.assign(SPANS)
    await learner.tick(Millis(0))
    [*_, (_, entry)] = await store.outbox(LEARNER, 0, 1_000)
    version: int = orjson.loads(decode_entry(entry).event)["data"]["model_version"]
    return version


def _learner(store: MemoryStore, registry: CollectorRegistry | None = None) -> Learner:
    outbox = Outbox(store, _no_broker, TopicNames({}))
    metrics = Metrics(registry or CollectorRegistry())
    return Learner("touchstream.examples", store, outbox, Rules(), 1, None, metrics)


def _gauges(registry: CollectorRegistry) -> dict[str, float]:
    lines = generate_latest(registry).decode().splitlines()
    samples = dict(line.rsplit(" ", 1) for line in lines if line[0] != "#")
    names = ("touchstream_served_version", "touchstream_version_pinned")
    return {name: float(samples[name]) for name in names}


def _no_broker() -> None:
    raise AssertionError("nothing is to be sent")


async def test_the_learner_writes_no_tick_while_a_history_is_put_in() -> None:
    store = await _left_behind()
    learner = _learner(store)
    backfill = Backfill(until_ms=Millis(1), lines=2, fingerprint="f")
    await want(store, Wish(backfill=backfill))
    before = await store.outbox(LEARNER, 0, 100)
    await learner.tick(days(20_000))
    assert await store.outbox(LEARNER, 0, 100) == before
    await want(store, Wish(backfill=msgspec.structs.replace(backfill, finished=True)))
    assert await _named_by_next_tick(learner, store) == 8
