"""Another build, or other settings: a model that cannot go on starts anew, the others stay."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from touchstream.agents.active_config import LEARNER, version_id
from touchstream.agents.assignment import Span, TopicPartition
from touchstream.agents.checkpoint import Checkpoint, decode_learner_checkpoint
from touchstream.agents.learner import Learner
from touchstream.agents.metrics import Metrics
from touchstream.agents.outbox import Outbox, TopicNames
from touchstream.agents.stores.base import Commit, Fence, Read
from touchstream.agents.stores.memory import MemoryStore
from touchstream.schemas.rules import ChurnRules, LearningRules, Model, Rules, TargetRules
from touchstream.schemas.units import Millis
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.calibration import Calibration
from touchstream.streams.learn.knowledge import Knowledge, Learnt
from touchstream.streams.learn.snapshot import (
    CHURN,
    RETURN,
    OwnExamples,
    Version,
    empty,
    unseal,
)

SPANS = {TopicPartition("touchstream.examples", 0): Span(earliest=0, end=5, committed=5)}
FORMAT_1 = Path(__file__).parent / "data" / "learner-of-format-1.json"
"""As the build of before ``[[targets]]`` wrote it after 26 ticks and 8 examples."""

AGAIN = TargetRules(name="again", after=("call.ended",), events=("call.ended",), horizon_hours=48)
LAST_TICK_MS = Millis(1_769_385_600_000)
OF_BEFORE = "a-list-of-before"
NOTHING_LEARNT = empty(FEATURES.digest, horizon_days=28.0)


async def test_of_another_feature_list_the_model_goes_on_as_the_next_version() -> None:
    store = await _left_behind(_knowing(features=OF_BEFORE))
    await _learner(store).assign(SPANS)
    churn = (await _published(store, 8)).models[CHURN]
    assert (churn.examples, churn.features) == (900, FEATURES.digest)
    assert CHURN not in (await _record(store)).began


async def test_rows_of_another_feature_list_are_still_learnt() -> None:
    store = await _left_behind(_knowing(features=OF_BEFORE))
    await _learner(store).assign(SPANS)
    knowledge = (await _record(store)).knowledge
    assert knowledge.former == {OF_BEFORE: FEATURES.keys}


async def test_of_a_list_whose_names_are_unknown_the_empty_model_is_published() -> None:
    known = _knowing(features=OF_BEFORE)
    known.feature_keys = known.column_keys = ()
    store = await _left_behind(known)
    await _learner(store).assign(SPANS)
    assert (await _published(store, 8)).models[CHURN] == NOTHING_LEARNT
    assert (await _record(store)).began[CHURN] == 40


async def test_where_own_and_borrowed_examples_were_counted_as_one_the_offset_begins_anew() -> None:
    """As the first build with the target ``return`` left it."""
    known = _knowing(Rules(learning=LearningRules(challenger="logistic")))
    learnt = known.targets[RETURN]
    former: dict[str, Any] = {"own": None, "calibration": Calibration(-0.01), "examples": 700}
    assert learnt.challenger is not None
    learnt.model = msgspec.structs.replace(learnt.model, **former)
    learnt.challenger = msgspec.structs.replace(learnt.challenger, **former)
    store = await _left_behind(known)
    rules = Rules(learning=LearningRules(challenger="logistic"))
    await _learner(store, rules).assign(SPANS)
    after = (await _record(store)).knowledge.targets[RETURN]
    for model in (after.model, after.challenger):
        assert model is not None
        assert (model.examples, model.own) == (700, OwnExamples())
        assert model.calibration == Calibration.with_offset()
    assert after.challenger_name == "logistic"
    assert (await _record(store)).began == {}
    assert (await _published(store, 8)).models == {CHURN: known.churn.model, RETURN: after.model}


async def test_of_another_feature_list_ticks_and_shards_stay() -> None:
    store = await _left_behind(_knowing(features=OF_BEFORE))
    await _learner(store).assign(SPANS)
    knowledge = (await _record(store)).knowledge
    assert (knowledge.tick, knowledge.passed, knowledge.version) == (40, {"p0": 12}, 8)


async def test_with_the_same_list_nothing_is_committed() -> None:
    store = await _left_behind(_knowing())
    await _learner(store).assign(SPANS)
    [checkpoint] = await store.read_checkpoints([LEARNER])
    assert checkpoint.fence == Fence(5, 1)


async def test_with_another_model_chosen_the_old_one_gives_way() -> None:
    store = await _left_behind(_knowing())
    await _learner(store, Rules(learning=LearningRules(model="logistic"))).assign(SPANS)
    version = await _published(store, 8)
    logistic = empty(FEATURES.digest, 28.0, "logistic")
    borrowing = empty(FEATURES.digest, 28.0, "logistic", borrows=True)
    assert version.models == {CHURN: logistic, RETURN: borrowing}
    assert (await _record(store)).began == {CHURN: 40, RETURN: 40}


async def test_a_challenger_that_was_promoted_stays_the_champion() -> None:
    rules = Rules(learning=LearningRules(model="logistic", challenger="bayes"))
    knowledge = _knowing(Rules(learning=LearningRules(model="bayes", challenger="logistic")))
    store = await _left_behind(knowledge)
    await _learner(store, rules).assign(SPANS)
    assert (await _record(store)).knowledge == knowledge


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, "hedge"), ("logistic", "hedge"), ("logistic", None)],
)
async def test_another_challenger_leaves_the_champion_what_it_is(
    before: Model | None, after: Model | None
) -> None:
    known = _knowing(Rules(learning=LearningRules(challenger=before)))
    known.churn.fallback.rounds, known.churn.fallen_back = 30, True
    store = await _left_behind(known)
    await _learner(store, Rules(learning=LearningRules(challenger=after))).assign(SPANS)
    checkpoint = await _record(store)
    churn = checkpoint.knowledge.churn
    assert (churn.name, churn.model) == ("bayes", known.churn.model)
    assert (churn.fallback.rounds, churn.fallen_back) == (30, True)
    assert churn.challenger_name == after
    assert (churn.challenger is None) == (churn.trial is None) == (after is None)
    assert CHURN not in checkpoint.began
    assert (await _published(store, 8)).models[CHURN].examples == 900


async def test_without_its_challenger_the_model_asked_for_is_the_champion_it_has_become() -> None:
    known = _knowing(Rules(learning=LearningRules(model="logistic", challenger="bayes")))
    known.churn.fallen_back = True
    assert known.churn.challenger is not None
    bayes = msgspec.structs.replace(known.churn.challenger, examples=900)
    known.churn.challenger = bayes
    store = await _left_behind(known)
    await _learner(store).assign(SPANS)  # bayes alone
    checkpoint = await _record(store)
    assert (checkpoint.knowledge.churn.model, checkpoint.knowledge.churn.challenger) == (
        bayes,
        None,
    )
    assert checkpoint.knowledge.churn.fallen_back is False
    assert CHURN not in checkpoint.began


@pytest.mark.parametrize(
    "churn",
    [
        ChurnRules(activity=("order.placed",)),
        ChurnRules(cancel=("deal.lost",)),
        ChurnRules(horizon_days=7),
    ],
)
async def test_where_churn_is_something_else_now_the_model_starts_anew(churn: ChurnRules) -> None:
    store = await _left_behind(_knowing())
    await _learner(store, Rules(churn=churn)).assign(SPANS)
    checkpoint = await _record(store)
    known = checkpoint.knowledge.churn
    assert (known.model.examples, known.label_definition_since_ms) == (0, LAST_TICK_MS)
    assert checkpoint.began == {CHURN: 40}


async def test_another_target_of_the_same_name_starts_anew_and_churn_does_not() -> None:
    bought = msgspec.structs.replace(AGAIN, events=("order.placed",))
    known = _knowing(Rules(targets=(AGAIN,)))
    again = known.targets["again"]
    again.model = msgspec.structs.replace(again.model, examples=500)
    store = await _left_behind(known)
    await _learner(store, Rules(targets=(bought,))).assign(SPANS)
    targets = (await _record(store)).knowledge.targets
    assert (targets["again"].model.examples, targets[CHURN].model.examples) == (0, 900)
    assert targets["again"].label_definition_since_ms == LAST_TICK_MS
    assert targets[CHURN].label_definition_since_ms == 0


async def test_at_another_pace_rounds_begin_anew_and_the_model_stays() -> None:
    known = _knowing(Rules(learning=LearningRules(challenger="logistic")))
    known.churn.fallback.rounds = 30
    store = await _left_behind(known)
    rules = Rules(
        churn=ChurnRules(snapshot_every_days=28), learning=LearningRules(challenger="logistic")
    )
    await _learner(store, rules).assign(SPANS)
    churn = (await _record(store)).knowledge.churn
    assert (churn.model, churn.challenger) == (known.churn.model, known.churn.challenger)
    assert (churn.fallback.rounds, churn.pace) == (0, Learnt.new(FEATURES, rules, rules.churn).pace)


async def test_a_further_target_begins_empty_and_churn_keeps_its_model() -> None:
    store = await _left_behind(_knowing())
    await _learner(store, Rules(targets=(AGAIN,))).assign(SPANS)
    version = await _published(store, 8)
    assert {name: model.examples for name, model in version.models.items()} == {
        CHURN: 900,
        RETURN: 0,
        "again": 0,
    }
    assert version.models["again"].horizon_days == 2.0


async def test_a_target_that_is_no_more_is_forgotten() -> None:
    store = await _left_behind(_knowing(Rules(targets=(AGAIN,))))
    await _learner(store).assign(SPANS)
    assert list((await _published(store, 8)).models) == [CHURN, RETURN]


async def test_a_record_of_format_1_starts_a_new_model_as_the_next_version() -> None:
    store = await _left_behind(FORMAT_1.read_bytes())
    await _learner(store).assign(SPANS)
    assert await _published(store, 9) == Version(
        models={
            CHURN: NOTHING_LEARNT,
            RETURN: empty(FEATURES.digest, horizon_days=28.0, borrows=True),
        }
    )


async def test_a_record_of_format_1_keeps_its_place_in_the_log() -> None:
    store = await _left_behind(FORMAT_1.read_bytes())
    await _learner(store).assign(SPANS)
    checkpoint = await _record(store)
    knowledge = checkpoint.knowledge
    assert (knowledge.tick, knowledge.passed, knowledge.version) == (26, {"p0": 31}, 9)
    assert (checkpoint.written, checkpoint.written_ms, checkpoint.sent) == (
        26,
        1_769_385_600_000,
        26,
    )


def _knowing(rules: Rules | None = None, features: str = FEATURES.digest) -> Knowledge:
    """After 40 ticks and seven versions; churn has learnt from 900 examples."""
    knowledge = Knowledge.new(FEATURES, rules or Rules())
    knowledge.features, knowledge.tick, knowledge.version = features, 40, 7
    knowledge.passed = {"p0": 12}
    learnt = knowledge.churn
    learnt.model = msgspec.structs.replace(learnt.model, examples=900, churned=300)
    return knowledge


async def _left_behind(known: Knowledge | bytes) -> MemoryStore:
    """A store in which a learner of before has left its record."""
    if isinstance(known, Knowledge):
        known = msgspec.json.encode(Checkpoint(knowledge=known, written_ms=LAST_TICK_MS))
    store = MemoryStore()
    assert await store.commit([Commit(LEARNER, None, Fence(5, 1), known)]) == [True]
    return store


async def _published(store: MemoryStore, version: int) -> Version:
    [[sealed]] = await store.load([Read(LEARNER, [version_id(version)])])
    return unseal(sealed or b"")


async def _record(store: MemoryStore) -> Checkpoint:
    [checkpoint] = await store.read_checkpoints([LEARNER])
    return decode_learner_checkpoint(checkpoint.record or b"")


def _learner(store: MemoryStore, rules: Rules | None = None) -> Learner:
    outbox = Outbox(store, _no_broker, TopicNames({}))
    metrics = Metrics(CollectorRegistry())
    return Learner("touchstream.examples", store, outbox, rules or Rules(), 1, None, metrics)


def _no_broker() -> None:
    raise AssertionError("nothing is to be sent")
