"""A deployment is stopped, moved from 4 to 12 partitions, and goes on as the core says."""

import asyncio
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from bench.services.kafka import KafkaServer
from bench.services.redis import RedisServer
from tests.agents.cli.command import COMMAND, Output, environ, touchstream
from tests.agents.resharded import to
from tests.integration import oracle
from tests.integration.deployment import FAST, FAST_RULES, Deployment, numbers, wait_until
from tests.integration.traffic import Traffic, event
from touchstream.agents.kafka import group
from touchstream.agents.resharding import Lineage, read_lineage
from touchstream.agents.settings import Settings
from touchstream.agents.stores.connect import open_store
from touchstream.schemas.emissions.envelope import structured
from touchstream.schemas.topics import CUSTOMER_RISK_TOPIC, TOUCHPOINTS_TOPIC
from touchstream.streams.intake.decode import Arrival, Origin, decode
from touchstream.streams.local import LocalStream
from touchstream.streams.partition import LetterLimit
from touchstream.streams.records import Record

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(500)]

SEED = 20261128
BEFORE, AFTER = 4, 12
RULES = {**FAST_RULES, "CHURN__SNAPSHOT_EVERY_DAYS": "2", "TICKS__INTERVAL_S": "0.5"}
SOME_RISKS = 5
CUSTOMER = "c0"
"""The customer who came most often."""
MANY_TEXTS = 5_000
"""Rules of the past: they take the copy a second or more, in which it is killed."""


class Moved(NamedTuple):
    """A deployment that was moved, and has gone on."""

    old: Deployment
    new: Deployment
    folder: Path
    log: list[list[Record]]
    """Of the old namespace."""
    said: dict[str, Output]
    """Answers of the command, by the moment at which it was asked."""
    half: Lineage | None
    """The lineage of the new namespace after the first run was killed."""


@pytest.fixture(scope="module")
def moved(
    kafka_server: KafkaServer, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Moved]:
    folder = tmp_path_factory.mktemp("reshard")
    changes = {**RULES, "KAFKA__PARTITIONS": str(BEFORE)}
    said = {}
    with Deployment(
        kafka_server, redis_server, folder / "old", ticks=True, speed=FAST, **changes
    ) as old:
        old.wait_ticking()
        with Traffic(old, SEED, customers=200, per_s=100):
            wait_until(lambda: old.checkpoint().knowledge.version >= 3, "three versions", 90)
            wait_until(lambda: len(events(old)) > SOME_RISKS, "risks of some customers", 120)
            said["busy"] = reshard(old, folder)
        old.drain()
        said["running"] = reshard(old, folder)
        said["unread"] = left_one_unread(old, folder)
        for role in old.roles:
            role.down()
        wait_until(lambda: reshard(old, folder, "--check").code == 0, "the groups to be empty")
        old.ask(many_texts)
        half = killed_half_way(old, folder)
        said["worker"] = touchstream("worker", cwd=folder, settings=settings_of(old, new=True))
        said["doctor"] = touchstream("doctor", cwd=folder, settings=settings_of(old, new=True))
        said["done"] = reshard(old, folder)
        said["again"] = reshard(old, folder)
        of_new = {**changes, **settings_of(old, new=True)}
        with Deployment(
            kafka_server, redis_server, folder / "new", ticks=True, speed=FAST, **of_new
        ) as new:
            # The new learner's clock goes on where the old one's would be.
            new.since_ms = old.since_ms
            arguments = new.learner.arguments
            arguments[arguments.index("--since") + 1] = str(old.since_ms)
            first = old.checkpoint().written
            wait_until(lambda: new.checkpoint().written > first, "a tick", 60, new.where)
            traffic = Traffic(new, SEED + 1, customers=200, per_s=100)
            traffic._numbers = numbers(10**6)  # other ids than those of the old deployment's events
            with traffic:
                wait_until(
                    lambda: new.checkpoint().knowledge.tick > first + 20, "20 ticks", 90, new.where
                )
            new.drain()
            yield Moved(old, new, folder, old.log_records(), said, half)


def test_before_it_is_drained_and_stopped_it_is_refused(moved: Moved) -> None:
    busy, running = moved.said["busy"], moved.said["running"]
    name = moved.old.settings.namespace
    assert (busy.code, busy.err.count("\n")) == (1, 1)
    assert f"namespace '{name}' is not drained: " in busy.err
    assert (running.code, running.err.count("\n")) == (1, 1)
    workers = group(moved.old.settings, "worker")
    assert "workers, the learner or the notifier still run: stop them" in running.err
    assert f"{workers}: 1" in running.err


def test_a_record_that_nobody_has_read_is_refused(moved: Moved) -> None:
    unread, topic = moved.said["unread"], moved.old.topics[TOUCHPOINTS_TOPIC]
    assert (unread.code, unread.err.count("\n")) == (1, 1)
    assert f"is not drained: 1 records of {topic} are not read" in unread.err


def test_half_a_copy_is_not_served_and_the_doctor_says_what_to_do(moved: Moved) -> None:
    worker, doctor = moved.said["worker"], moved.said["doctor"]
    old = moved.old.settings.namespace
    assert moved.half is not None
    assert not moved.half.finished
    assert worker.code == 1
    assert f"is half a copy of '{old}'" in worker.err
    assert doctor.code == 1
    assert f"is half a copy of '{old}'" in doctor.out
    assert f"touchstream reshard --partitions {AFTER} --topic-prefix" in doctor.out


def test_run_again_it_finishes_and_then_there_is_nothing_to_do(moved: Moved) -> None:
    done, again = moved.said["done"], moved.said["again"]
    assert done.code == 0, done.err
    assert orjson.loads(done.out)["copied"]
    assert again.code == 1
    assert "is a finished copy of" in again.err


def test_the_deployment_goes_on_as_the_core_does(moved: Moved) -> None:
    window = moved.old.settings.worker.dead_letter_window
    stream = LocalStream(moved.old.settings.rules, BEFORE, limit=LetterLimit(0, window))
    oracle.lived(stream, moved.log, {})
    want = oracle.lived(to(AFTER)(stream), moved.new.log_records(), {})
    have = oracle.found(moved.new, want.measures)
    copied = set(events(moved.old))
    for (topic, shard), said in have.shown.items():
        if topic == CUSTOMER_RISK_TOPIC:
            have.shown[topic, shard] = [each for each in said if each not in copied]
    assert oracle.differences_between(have, want) == []
    assert len(want.shown) > AFTER


def test_the_newest_risk_of_every_customer_is_in_the_new_topic(moved: Moved) -> None:
    old = events(moved.old)
    assert len(old) > SOME_RISKS
    assert set(old) <= set(events(moved.new))


def test_the_old_namespace_is_untouched(moved: Moved) -> None:
    old, window = moved.old, moved.old.settings.worker.dead_letter_window
    stream = LocalStream(old.settings.rules, BEFORE, limit=LetterLimit(0, window))
    want = oracle.lived(stream, moved.log, {})
    assert oracle.differences_between(oracle.found(old, want.measures), want) == []


def test_explain_finds_the_events_of_both_namespaces(moved: Moved) -> None:
    output = touchstream(
        "explain", CUSTOMER, "--json", cwd=moved.folder, settings=settings_of(moved.new)
    )
    assert output.code == 0, output.err
    proof = orjson.loads(output.out)["proof"]
    of_new = arrivals(moved.new.log_records())
    assert of_new > 0
    assert proof["events"] > of_new
    assert proof["differing"] == []


def test_a_rebuild_reads_the_examples_of_both_namespaces(moved: Moved) -> None:
    rebuild = ("models", "rebuild", "--without", "nobody")
    output = touchstream(*rebuild, cwd=moved.folder, settings=settings_of(moved.new))
    assert output.code == 0, output.err
    found = orjson.loads(output.out)
    assert found["examples"] == found["examples_before"] > 100


def reshard(deployment: Deployment, folder: Path, *arguments: str) -> Output:
    """The command with the configuration of the old deployment."""
    return touchstream(
        *_reshard(deployment), *arguments, cwd=folder, settings=settings_of(deployment)
    )


def _reshard(deployment: Deployment) -> list[str]:
    namespace = f"{deployment.settings.namespace}-new"
    return ["reshard", "--partitions", str(AFTER), "--namespace", namespace]


def settings_of(deployment: Deployment, *, new: bool = False) -> dict[str, str]:
    """A deployment's settings for a command, or those of the namespace that it is moved into."""
    held = {k.removeprefix("TOUCHSTREAM_"): v for k, v in deployment._changes.items()}
    if not new:
        return held
    namespace = f"{deployment.settings.namespace}-new"
    return {
        **held,
        "NAMESPACE": namespace,
        "KAFKA__TOPIC_PREFIX": f"{namespace}.",
        "KAFKA__PARTITIONS": str(AFTER),
    }


def left_one_unread(old: Deployment, folder: Path) -> Output:
    """The answer while a record waits that no worker has read; afterwards it is read."""
    [worker], now_ms = old.workers, old.now_ms()
    worker.down()
    old.publish([event(10**8, "web.visit", CUSTOMER, now_ms, now_ms)])
    answer = reshard(old, folder)
    worker.wanted = True
    old.wait_durable()
    return answer


async def many_texts(store: Any) -> None:  # noqa: ANN401
    for number in range(MANY_TEXTS):
        await store.put_text(f"old-{number}", b"{}")


def killed_half_way(old: Deployment, folder: Path) -> Lineage | None:
    """Start the command and kill it once the new namespace has something; return its lineage."""
    settings = Settings.load(
        None, {f"TOUCHSTREAM_{k}": v for k, v in settings_of(old, new=True).items()}
    )

    async def lineage() -> Lineage | None:
        store = open_store(settings)
        try:
            return await read_lineage(store)
        finally:
            await store.close()

    running = subprocess.Popen(
        [*COMMAND, *_reshard(old)], cwd=folder, env=environ(**settings_of(old)), stderr=-3
    )
    try:
        wait_until(lambda: asyncio.run(lineage()) is not None, "the copy to begin")
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    return asyncio.run(lineage())


def events(deployment: Deployment) -> list[bytes]:
    """The records of the newest risks, as events."""
    found = deployment.read(CUSTOMER_RISK_TOPIC).values()
    return [structured(one.value, one.headers) for records in found for one in records]


def arrivals(log: list[list[Record]]) -> int:
    """Different touchpoints of the customer in a log."""
    found = (
        decode(record, Origin(number, len(log), None))
        for number, records in enumerate(log)
        for record in records
        if record.key == CUSTOMER.encode()
    )
    return len({one.event.id for one in found if isinstance(one, Arrival)})
