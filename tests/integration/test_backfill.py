"""A backfill and what follows it: the same as one log, and nothing of the past is emitted."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import orjson
import pytest
from kafka import TopicPartition

from bench.datasets.cdnow import cdnow_events
from tests.agents.cli.command import COMMAND, Output, environ, order, touchstream
from tests.integration.replayed import real
from tests.make import QUICK_CONFIG
from tests.services import require
from touchstream.agents import clients
from touchstream.agents.cli.reading import read, whole
from touchstream.agents.history.pacer import Publish
from touchstream.agents.history.steps import Step, read_steps
from touchstream.agents.kafka import physical_topics
from touchstream.agents.replay.background import running
from touchstream.agents.replay.publisher import Publisher
from touchstream.agents.replay.runtime import supervise
from touchstream.agents.replay.services import EMBEDDED, ReplayServices, services
from touchstream.agents.replay.supervisor import Supervisor
from touchstream.agents.replay.waiting import AgentsProgress
from touchstream.agents.serving import wanted
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Read, Store
from touchstream.agents.stores.connect import open_store
from touchstream.schemas.emissions.envelope import decode_emission
from touchstream.schemas.envelope import format_time, parse_time
from touchstream.schemas.shards import shard_name, shard_names
from touchstream.schemas.topics import (
    CHURN_RISK_TOPIC,
    CUSTOMER_SIGNALS_TOPIC,
    NEXT_BEST_ACTION_TOPIC,
)
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.local import LocalStream
from touchstream.streams.records import Record

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(400)]

PARTITIONS = 2
BEGIN_DAY, CUT_DAY, END_DAY = 18_000, 18_031, 18_050
TOPICS = (CHURN_RISK_TOPIC, NEXT_BEST_ACTION_TOPIC, CUSTOMER_SIGNALS_TOPIC)


def lines() -> Iterator[bytes]:
    """Forty customers who order every two to five days; a third stop now and then."""
    for day in range(BEGIN_DAY, END_DAY):
        for number in range(40):
            pauses = number % 3 == 0 and day // 10 % 2
            if day % (2 + number % 4) == 0 and not pauses:
                at_ms = Millis(day * DAY_MS + 3_600_000 + number)
                yield order(f"c{number}", day, format_time(at_ms))


CDNOW = """
[churn]
activity = ["order.placed"]
horizon_days = 28
snapshot_every_days = 7
"""


class Files(NamedTuple):
    """The history, and its parts before and after the cut, a midnight."""

    whole: Path
    first: Path
    second: Path
    config: Path
    cut_ms: Millis


def cut_at(day: int, history: Iterable[bytes], config: str, folder: Path) -> Files:
    every, first, second, config_file = (folder / n for n in ("all", "first", "second", "t.toml"))
    found = Files(every, first, second, config_file, Millis(day * DAY_MS))
    pairs = [(parse_time(orjson.loads(line)["time"]), line) for line in history]
    found.whole.write_bytes(b"\n".join(line for _, line in pairs))
    # Newest first, those of one time as they came: a backfill sorts.
    backwards = sorted(pairs, key=lambda pair: pair[0], reverse=True)
    found.first.write_bytes(b"\n".join(line for at, line in backwards if at < found.cut_ms))
    found.second.write_bytes(b"\n".join(line for at, line in pairs if at >= found.cut_ms))
    found.config.write_text(config)
    return found


@pytest.fixture
def files(tmp_path: Path) -> Files:
    require("redis")
    return cut_at(CUT_DAY, lines(), QUICK_CONFIG, tmp_path)


def oracle(history: Path, settings: Settings, cut_ms: Millis) -> tuple[LocalStream, int]:
    """The pure core over the whole log, and the number of its emissions before the cut."""
    stream, emitted = LocalStream(settings.rules, PARTITIONS), 0
    offsets = [0] * PARTITIONS
    for step in read_steps([history], 1):
        if isinstance(step, Publish):
            partition = partition_of(step.line.key or b"", PARTITIONS)
            offsets[partition] += 1
            record = Record(offsets[partition], step.received_ms, step.line.key, step.line.value)
            stream.feed(partition, [record])
            continue
        stream.tick(step.time_ms)
        if step.time_ms <= cut_ms:
            emitted = len(stream.emitted)
    return stream, emitted


def backfilled(files: Files, scene: ReplayServices, *arguments: object) -> Output:
    """Run the command in the deployment of the services."""
    return touchstream("backfill", *arguments, cwd=files.first.parent, settings=_settings(scene))


def _settings(scene: ReplayServices) -> dict[str, str]:
    return {name.removeprefix("TOUCHSTREAM_"): text for name, text in scene.environ.items()}


async def _live(scene: ReplayServices, files: Files, tick: int) -> None:
    """The second part, live, with the clock moved to its days: by the header, which is trusted."""
    store = open_store(scene.settings)
    environ = {**scene.environ, "TOUCHSTREAM_WORKER__TRUST_RECEIVED_HEADER": "true"}
    supervisor = Supervisor(1, environ, scene.logs, ticks=False)
    try:
        progress = AgentsProgress(store, PARTITIONS)
        publisher = Publisher(scene.settings, progress, lambda _: None)
        found = await store.read_checkpoints(shard_names(PARTITIONS))
        publisher.go_on(tick, [one.fence.offset for one in found if one.fence is not None])
        async with running(supervise(supervisor)):
            await publisher.publish(_after_the_cut(read_steps([files.second], 1), files.cut_ms))
            await publisher.drained()
    finally:
        await asyncio.to_thread(supervisor.stop)
        await store.close()


async def _after_the_cut(steps: Iterator[Step], cut_ms: Millis) -> AsyncIterator[Step]:
    for step in steps:
        if isinstance(step, Publish) or step.time_ms > cut_ms:
            yield step


async def _states(store: Store, customers: Sequence[str]) -> list[bytes | None]:
    reads = [
        Read(shard_name(partition_of(customer.encode(), PARTITIONS)), [customer])
        for customer in customers
    ]
    return [found for [found] in await store.load(reads)]


def states_of(scene: ReplayServices, customers: Sequence[str]) -> list[bytes | None]:
    async def asked() -> list[bytes | None]:
        store = open_store(scene.settings)
        try:
            return await _states(store, customers)
        finally:
            await store.close()

    return asyncio.run(asked())


def knowledge_of(scene: ReplayServices) -> object:
    async def asked() -> object:
        store = open_store(scene.settings)
        try:
            learner = await AgentsProgress(store, PARTITIONS).require_learner()
            # The core in one process has no sequences of shards.
            return msgspec.structs.replace(learner.knowledge, passed={})
        finally:
            await store.close()

    return asyncio.run(asked())


def emitted(scene: ReplayServices) -> dict[str, list[tuple[str, object]]]:
    """Topic -> (id, content) of everything that was emitted, by id."""
    found: dict[str, list[tuple[str, object]]] = {}
    with clients.consumer(scene.settings.kafka, "several") as consumer:
        for topic in TOPICS:
            name = physical_topics(scene.settings.kafka)[topic]
            records = read(consumer, whole(consumer, name))
            decoded = [decode_emission(record.value)[0] for record in records]
            found[topic] = sorted((one.id, one.data) for one in decoded)
    return found


def expected(stream: LocalStream, since: int) -> dict[str, list[tuple[str, object]]]:
    found: dict[str, list[tuple[str, object]]] = {topic: [] for topic in TOPICS}
    for entry in stream.emitted[since:]:
        if entry.topic in found:
            one, _ = decode_emission(entry.event)
            found[entry.topic].append((one.id, one.data))
    return {topic: sorted(pairs) for topic, pairs in found.items()}


def events_of(customer: str, file: Path) -> int:
    subject = orjson.dumps({"subject": customer})[1:-1]
    return sum(subject in line for line in file.read_bytes().splitlines())


def test_a_backfill_and_what_follows_equal_one_log(files: Files) -> None:
    _equals_one_log(files, "c1")


def test_cdnow_in_two_parts_equals_one_log(tmp_path: Path) -> None:
    """A quarter of its customers: nine months of history, three months live."""
    events = [
        one
        for one in real(lambda: cdnow_events("sample"))
        if one["subject"][-1] in "05" and one["time"] < "1998-01"
    ]
    noon_ms = parse_time("1997-10-01T12:00:00Z")
    files = cut_at(noon_ms // DAY_MS, map(orjson.dumps, events), CDNOW, tmp_path)
    _equals_one_log(files, events[0]["subject"])


def _equals_one_log(files: Files, somebody: str) -> None:
    settings, tmp = Settings.load(files.config, {}), files.first.parent
    stream, before = oracle(files.whole, settings, files.cut_ms)
    untrusted = {"TOUCHSTREAM_WORKER__TRUST_RECEIVED_HEADER": "false"}
    with services(settings, files.config, EMBEDDED, 1, PARTITIONS, untrusted) as scene:
        output = backfilled(files, scene, files.first)
        assert output.code == 0, output.err
        summary = orjson.loads(output.out)
        assert summary["records"]["applied"] == len(files.first.read_bytes().splitlines())
        assert summary["withheld_emissions"] > 0
        assert summary["models"]["churn"]["n"] > 100
        # Nothing of the past was emitted.
        assert emitted(scene) == {topic: [] for topic in TOPICS}
        again = backfilled(files, scene, files.first)
        assert again.code == 1
        assert "was backfilled with" in again.err
        # Their events lie in the topic with the times of the history.
        explained = touchstream("explain", somebody, "--json", cwd=tmp, settings=_settings(scene))
        proof = orjson.loads(explained.out)["proof"]
        assert (proof["events"], proof["differing"]) == (events_of(somebody, files.first), [])
        asyncio.run(_live(scene, files, summary["ticks"]))
        customers = sorted(name for shard in stream.shards for name in shard.states)
        held = {name: data for shard in stream.shards for name, data in shard.states.items()}
        assert states_of(scene, customers) == [held[name] for name in customers]
        assert knowledge_of(scene) == stream.knowledge
        assert expected(stream, before)[CHURN_RISK_TOPIC]
        assert emitted(scene) == expected(stream, before)


def test_a_backfill_that_is_killed_goes_on_and_another_history_is_refused(files: Files) -> None:
    settings = Settings.load(files.config, {})
    stream, _ = oracle(files.first, settings, files.cut_ms)
    with services(settings, files.config, EMBEDDED, 1, PARTITIONS) as scene:
        for ticks in (4, 11):
            _killed_after(files, scene, ticks)
        other = backfilled(files, scene, files.whole)
        assert other.code == 1
        assert "was begun with another history" in other.err
        output = backfilled(files, scene, files.first)
        assert output.code == 0, output.err
        assert orjson.loads(output.out)["records"]["duplicate"] == 0
        customers = sorted(name for shard in stream.shards for name in shard.states)
        held = {name: data for shard in stream.shards for name, data in shard.states.items()}
        assert states_of(scene, customers) == [held[name] for name in customers]
        assert knowledge_of(scene) == stream.knowledge
        asyncio.run(_goes_live(scene, orjson.loads(output.out)["ticks"]))


async def _goes_live(scene: ReplayServices, tick: int) -> None:
    """Start the deployment: its learner writes the next tick, with the trained model."""
    environ = {**scene.environ, "TOUCHSTREAM_TICKS__INTERVAL_S": "0.2"}
    supervisor = Supervisor(1, environ, scene.logs, ticks=True)
    store = open_store(scene.settings)
    try:
        async with running(supervise(supervisor)):
            progress = AgentsProgress(store, PARTITIONS)
            before = await progress.position()
            await progress.wait_learnt(tick + 1)
        learner = await progress.require_learner()
        assert learner.written > before.tick == tick
        checkpoints = await progress.shard_checkpoints()
        assert {one.phase for one in checkpoints} == {"live"}
        for one in checkpoints:
            assert one.active_config is not None
            assert one.active_config.model_version >= before.version > 0
    finally:
        await asyncio.to_thread(supervisor.stop)
        await store.close()


def _killed_after(files: Files, scene: ReplayServices, ticks: int) -> None:
    """Run the command, and kill it when the learner has learnt so many ticks."""
    process = subprocess.Popen(
        [*COMMAND, "backfill", str(files.first)],
        cwd=files.first.parent,
        env=environ(**_settings(scene)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )

    async def reached() -> None:
        store = open_store(scene.settings)
        try:
            await AgentsProgress(store, PARTITIONS).wait_learnt(ticks)
            assert (await wanted(store)).is_backfilling
        finally:
            await store.close()

    asyncio.run(reached())
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_namespace_that_holds_anything_is_refused(files: Files) -> None:
    settings = Settings.load(files.config, {})
    with services(settings, files.config, EMBEDDED, 1, PARTITIONS) as scene:
        live = order("ada", 1, format_time(Millis(20_500 * DAY_MS)))
        held = files.whole.parent / "live"
        held.write_bytes(live)
        sent = touchstream(
            "publish", held, "--allow-late", cwd=held.parent, settings=_settings(scene)
        )
        assert sent.code == 0, sent.err
        output = backfilled(files, scene, files.first)
        assert output.code == 1
        assert "holds 1 records already" in output.err


def test_a_history_of_which_less_than_half_can_be_applied_is_not_sent(files: Files) -> None:
    settings = Settings.load(files.config, {})
    wrong = files.whole.parent / "wrong"
    good = files.first.read_bytes().splitlines()[0]
    wrong.write_bytes(b"\n".join([good, b"nonsense", b"nonsense again"]))
    with services(settings, files.config, EMBEDDED, 1, PARTITIONS) as scene:
        output = backfilled(files, scene, wrong)
        assert output.code == 1
        assert "2 of 3 lines were not applied, more than half:" in output.err
        assert output.err.rstrip().endswith("nothing was sent")
        topic = physical_topics(scene.settings.kafka)["touchpoints"]
        with clients.consumer(scene.settings.kafka, topic) as consumer:
            places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            assert set(consumer.end_offsets(places).values()) == {0}
