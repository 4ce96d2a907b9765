"""An operator rolls a model back, and has a customer forgotten, on a deployment that lives."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson
import pytest

from bench.services.kafka import KafkaServer
from bench.services.redis import RedisServer
from tests.agents.cli.command import Output, touchstream
from tests.integration.deployment import FAST, FAST_RULES, Deployment, wait_until
from tests.integration.oracle import differences
from tests.integration.replayed import rows
from tests.integration.traffic import Traffic, event
from touchstream.agents.active_config import LEARNER, version_id
from touchstream.agents.checkpoint import Checkpoint
from touchstream.agents.cli.failures import Failed
from touchstream.agents.cli.rebuild import commit
from touchstream.agents.kafka import group
from touchstream.agents.rebuilding import Rebuilt as Rebuild
from touchstream.agents.stores.base import Fence, Read
from touchstream.schemas.envelope import format_time
from touchstream.schemas.examples import Example, decode_example
from touchstream.schemas.topics import EXAMPLES_TOPIC
from touchstream.schemas.units import DAY_MS, HOUR_MS
from touchstream.streams.emit.identity import pseudonym
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.knowledge import Knowledge
from touchstream.streams.learn.learner import pass_tick, version_of
from touchstream.streams.learn.snapshot import unseal

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(400)]

SEED = 20261123
RULES = {**FAST_RULES, "CHURN__SNAPSHOT_EVERY_DAYS": "2", "LEARNING__CHALLENGER": "logistic"}
LABEL_MS = int(FAST_RULES["CHURN__HORIZON_DAYS"]) * DAY_MS + HOUR_MS
ERASED = "c0"
"""The customer who came most often."""


class History(NamedTuple):
    """A deployment that was rolled back for a while, and came to rest."""

    deployment: Deployment
    folder: Path
    refused: Output
    """The answer to `models serve 999`."""
    at_work: Output
    """The answer to a rebuild beside the learner."""
    shown: dict[str, Any]
    """What `models` said while version 2 was served."""


class Rebuilt(NamedTuple):
    """The same after a customer was left out, and the learner was started again."""

    shown: dict[str, Any]
    before: Checkpoint
    after: Checkpoint


@pytest.fixture(scope="module")
def history(
    kafka_server: KafkaServer, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[History]:
    """Version 2 is served in the middle of it; at its end nobody writes ticks any more."""
    folder = tmp_path_factory.mktemp("governance")
    changes = {**RULES, "TICKS__INTERVAL_S": "0.5"}
    with Deployment(
        kafka_server, redis_server, folder / "run", ticks=True, speed=FAST, **changes
    ) as made:
        made.wait_ticking()
        with Traffic(made, SEED, customers=300, per_s=100):
            wait_until(lambda: made.checkpoint().knowledge.version >= 5, "five versions", 90)
            refused = run(made, folder, "models", "serve", "999")
            assert run(made, folder, "models", "serve", "2").code == 0
            wait_until(lambda: active_config(made) == {2}, "version 2 to be in force")
            shown = orjson.loads(run(made, folder, "models", "--json").out)
            at_work = run(made, folder, "models", "rebuild", "--without", ERASED, "--apply")
            version = made.checkpoint().knowledge.version
            assert run(made, folder, "models", "serve", "newest").code == 0
            wait_until(lambda: min(active_config(made)) > version, "the newest to be in force")
            known_ms = made.now_ms() + LABEL_MS
            wait_until(lambda: watermark_ms(made) > known_ms, "the labels of version 2 to be known")
        now_ms = made.now_ms()
        made.publish([event(10**9, "customer.erased", ERASED, now_ms, now_ms)])
        made.drain()
        yield History(made, folder, refused, at_work, shown)


@pytest.fixture(scope="module")
def rebuilt(history: History) -> Rebuilt:
    """`models rebuild --apply`, and two ticks after it."""
    deployment = history.deployment
    before = deployment.checkpoint()
    assert deployment.learner.down() is not None
    output = run(deployment, history.folder, "models", "rebuild", "--without", ERASED, "--apply")
    assert output.code == 0, output.err
    after = deployment.checkpoint()
    deployment.learner.arguments.append("--ticks")
    deployment.learner.wanted = True
    wait_until(lambda: active_config(deployment) >= {after.knowledge.version}, "the next tick")
    return Rebuilt(orjson.loads(output.out), before, after)


def test_a_version_that_does_not_exist_cannot_be_served(history: History) -> None:
    assert (history.refused.code, history.refused.err) == (
        1,
        "touchstream: version 999 is not in Redis: `touchstream models` lists those that are\n",
    )


def test_the_list_shows_what_is_served_and_what_is_newest(history: History) -> None:
    [served] = [each for each in history.shown["versions"] if each["served"]]
    assert (served["version"], served["shards"]) == (2, ["p0", "p1", "p2"])
    assert history.shown["wanted"] == 2
    assert history.shown["newest"] >= 5
    assert history.shown["targets"]["churn"]["trials"][0]["rival"] == "logistic"


def test_a_rebuild_beside_a_learner_at_work_is_refused(history: History) -> None:
    learners = group(history.deployment.settings, "learner")
    assert (history.at_work.code, history.at_work.err) == (
        1,
        "touchstream: a learner is active: stop it, and run this again (consumer group "
        f"{learners}: 1; a killed one still counts for 6 s)\n",
    )


def test_a_rebuild_that_a_learner_has_overtaken_changes_nothing(history: History) -> None:
    deployment = history.deployment
    before = deployment.checkpoint()
    sealed = stored_version(deployment, before.knowledge.version)
    late = Rebuild(msgspec.structs.replace(before, written=0), sealed, {})
    with pytest.raises(Failed, match="has started meanwhile and moved its fence"):
        asyncio.run(commit(deployment.settings, late, Fence(0, 1)))
    assert deployment.checkpoint() == before


def test_the_core_comes_to_the_same_on_the_log_with_the_rollback_in_it(history: History) -> None:
    named = history.deployment.versions_named()
    newer = next(place for place, version in enumerate(named) if version > 2)
    back = named.index(2, newer)
    assert named[back : back + 3] == [2, 2, 2]
    assert named[-1] > 5
    assert differences(history.deployment) == []


def test_the_recorded_log_replays_to_the_same_scores(history: History) -> None:
    deployment, folder = history.deployment, history.folder
    recorded = run(deployment, folder, "tail", "touchpoints", "--record")
    (folder / "log.jsonl").write_text(recorded.out)
    output = touchstream("replay", "log.jsonl", "--out", "out", cwd=folder, settings=RULES)
    assert output.code == 0, output.err
    live = [
        (e.customer, format_time(e.at_ms), e.probability, e.model_version, e.label)
        for e in examples(deployment)
    ]
    assert sorted(live) == sorted(
        (pseudonym(x["customer"], 0), x["time"], x["risk"], x["version"], x["label"])
        for name in ("scores", "scores-return")
        for x in rows(folder / f"out/{name}.jsonl")
        if x["label"] is not None
    )
    assert sum(version == 2 for _, _, _, version, _ in live) > 50


def test_the_rebuilt_model_is_what_the_other_customers_examples_teach(
    history: History, rebuilt: Rebuilt
) -> None:
    rules, erased = history.deployment.settings.rules, pseudonym(ERASED, 0)
    known = [each for each in examples(history.deployment) if each.tick <= rebuilt.before.written]
    knowledge = Knowledge.new(FEATURES, rules)
    for number in range(1, rebuilt.before.written + 1):
        others = [each for each in known if each.tick == number and each.customer != erased]
        knowledge = pass_tick(knowledge, number, {}, others, rules, FEATURES).knowledge
    assert msgspec.json.encode(rebuilt.after.knowledge.targets) == msgspec.json.encode(
        knowledge.targets
    )
    left_out = sum(each.customer == erased for each in known)
    assert rebuilt.shown["left_out"] == {ERASED: left_out}
    assert left_out > 0


def test_it_is_the_next_version_and_the_next_tick_names_it(
    history: History, rebuilt: Rebuilt
) -> None:
    newest = rebuilt.before.knowledge.version
    named = history.deployment.versions_named()
    assert rebuilt.shown["version"] == rebuilt.after.knowledge.version == newest + 1
    assert named[rebuilt.before.written] == newest + 1
    sealed = stored_version(history.deployment, newest + 1)
    assert unseal(sealed) == version_of(rebuilt.after.knowledge)


def test_no_version_that_knew_the_customer_can_be_served_again(
    history: History, rebuilt: Rebuilt
) -> None:
    newest = rebuilt.before.knowledge.version
    output = run(history.deployment, history.folder, "models", "serve", newest)
    assert (output.code, output.err) == (
        1,
        f"touchstream: version {newest} has learnt from a customer who was left out since: want "
        f"{newest + 1} or newer\n",
    )


def run(deployment: Deployment, folder: Path, *arguments: object) -> Output:
    """A command with the deployment's settings."""
    settings = {k.removeprefix("TOUCHSTREAM_"): v for k, v in deployment._changes.items()}
    return touchstream(*arguments, cwd=folder, settings=settings)


def active_config(deployment: Deployment) -> set[int]:
    return {
        each.active_config.model_version for each in deployment.checkpoints() if each.active_config
    }


def watermark_ms(deployment: Deployment) -> int:
    """The position of every shard."""
    return min(each.watermark_ms or 0 for each in deployment.checkpoints())


def examples(deployment: Deployment) -> list[Example]:
    """All that matured; what was sent twice counts once."""
    read = [decode_example(record.value) for record in deployment.read(EXAMPLES_TOPIC)[0]]
    once = {(each.shard, each.sequence): each for each in read}
    return [each for each in once.values() if isinstance(each, Example)]


def stored_version(deployment: Deployment, number: int) -> bytes:
    [[sealed]] = deployment.ask(lambda store: store.load([Read(LEARNER, [version_id(number)])]))
    assert sealed is not None
    return sealed
