"""``faust -A agents.app worker``, as Faust's users start it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from tests.services import require
from touchstream.agents.embedded import redis_server
from touchstream.agents.embedded.broker import EmbeddedBroker
from touchstream.agents.settings import Settings
from touchstream.agents.stores.connect import open_store
from touchstream.agents.topics import wanted_topics

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environ() -> Iterator[dict[str, str]]:
    """Embedded services with one partition, as environment variables."""
    require("redis")
    found = {"TOUCHSTREAM_KAFKA__PARTITIONS": "1", "TOUCHSTREAM_HTTP__PORT": "0"}
    topics = {topic.name: topic.partitions for topic in wanted_topics(Settings.load(None, found))}
    server = redis_server.start()
    assert server is not None
    with server, EmbeddedBroker(topics) as broker:
        found["TOUCHSTREAM_REDIS__URL"] = server.url
        found["TOUCHSTREAM_KAFKA__BOOTSTRAP"] = broker.bootstrap
        yield found


def _visit(number: int) -> bytes:
    event = {
        "specversion": "1.0",
        "id": f"v-{number}",
        "source": "shop",
        "type": "web.visit",
        "subject": "ada",
        "time": "2026-03-01T10:00:00Z",
        "data": {"page": "/"},
    }
    return orjson.dumps(event)


async def test_the_worker_applies_events_and_ends_cleanly(environ: dict[str, str]) -> None:
    settings = Settings.load(None, environ)
    command = [
        sys.executable,
        "-m",
        "faust",
        "-A",
        "touchstream.agents.app",
        "worker",
        "-l",
        "warn",
    ]
    worker = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environ})
    try:
        producer = AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap)
        await producer.start()
        for number in range(5):
            await producer.send_and_wait("touchpoints", _visit(number), b"ada")
        await producer.stop()
        store = open_store(settings)
        deadline = time.monotonic() + 60
        while (
            fence := (await store.read_checkpoints(["p0"]))[0].fence
        ) is None or fence.offset < 5:
            assert time.monotonic() < deadline, f"stands at {fence}"
            time.sleep(0.2)
        await store.close()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    finally:
        worker.kill()
        worker.wait()


@pytest.mark.parametrize("part", ["schemas", "streams", "agents", "simulator"])
def test_a_part_under_its_bare_name_is_refused_with_the_right_one(part: str) -> None:
    command = [sys.executable, "-c", f"import {part}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"the import name is touchstream.{part}, not {part}" in done.stderr


def test_fausts_former_application_path_names_the_new_one() -> None:
    command = [sys.executable, "-m", "faust", "-A", "agents.app", "worker"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "faust -A touchstream.agents.app worker" in done.stderr
