"""Twenty SIGKILLs of notifier, Redis and receiver: every message arrives, under one id."""

import base64
import os
import random
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from kafka import KafkaProducer

from bench.services.kafka import KafkaServer
from bench.services.ports import free_port
from bench.services.redis import RedisServer
from tests.agents.notifier.harness import NotifierUnderTest
from tests.integration.deployment import ROOT, Deployment, Role, wait_until
from touchstream.agents.embedded.process import ServerProcess
from touchstream.schemas.emissions.envelope import Emission, encode_emission
from touchstream.schemas.topics import ALERTS_TOPIC
from touchstream.schemas.units import Millis

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]

KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
ALERTS = 120
KILLS = 20
SPEED = 60
"""Retries after 5 s and 5 min are due after 0.1 s and 5 s of ours."""


class Receiver:
    """The other side."""

    def __init__(self, folder: Path) -> None:
        self.port, self.file = free_port(), folder / "received.txt"
        self._log = folder / "receiver.log"
        self._process: ServerProcess | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.integration.receiver", str(self.port), KEY]
        environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
        self._process = ServerProcess([*command, str(self.file)], self._log, environ=environ)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()

    def received(self) -> list[tuple[str, str]]:
        """(id of the message, alert), repetitions included."""
        if not self.file.exists():
            return []
        lines = [line.split() for line in self.file.read_text().splitlines()]
        return [(name, alert) for name, *alerts in lines for alert in alerts]


class Aftermath(NamedTuple):
    """What is known once everything has come to rest."""

    received: list[tuple[str, str]]
    open: set[str]
    """Alerts that nobody cleared."""
    over: set[str]
    """Alerts that were cleared before the notifier could read of them."""
    kills: dict[str, int]
    left: int
    """Deliveries that wait for ever."""


class Alarms:
    """Writes events onto the alerts topic, as a worker's outbox does."""

    def __init__(self, deployment: Deployment) -> None:
        self._producer = KafkaProducer(bootstrap_servers=deployment.kafka.bootstrap)
        self._topic = deployment.topics[ALERTS_TOPIC]
        self._number = 0
        self._harness = _Writer(deployment)

    def raised(self, customer: str) -> str:
        alert = self._harness.raise_alert(customer, owner="ada")
        self._send()
        return alert

    def cleared(self, customer: str) -> None:
        self._harness.clear(customer)
        self._send()

    def close(self) -> None:
        self._producer.close(timeout=10)

    def _send(self) -> None:
        for emission in self._harness.written:
            self._number += 1
            value = encode_emission(emission, f"p0:{self._number:016d}")
            # The outbox sends again what it is not sure of.
            for _ in range(2 if self._number % 7 == 0 else 1):
                self._producer.send(self._topic, value=value, key=emission.subject.encode())
        self._harness.written.clear()
        self._producer.flush(timeout=30)


class _Writer(NotifierUnderTest):
    """A harness that writes its events down instead of acting on them."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(deployment.settings, "2026-12-01 09:00")
        self._deployment, self.written = deployment, list[Emission]()

    def enter(self, emission: Emission) -> None:
        self.written.append(emission)

    def _moment(self) -> Millis:
        return self._deployment.now_ms()


@pytest.fixture(scope="module")
def aftermath(
    kafka_server: KafkaServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Aftermath]:
    folder = tmp_path_factory.mktemp("notifier")
    receiver = Receiver(folder)
    channel = {
        "name": "hook",
        "kind": "webhook",
        "url": f"http://127.0.0.1:{receiver.port}/hook",
        "keys": [KEY],
        "allow_http": True,
        "allow_private": True,
        "timeout_s": 2.0,
    }
    rep = {"id": "ada", "channels": ["hook"], "capacity_per_day": 10_000}
    changes: dict[str, Any] = {
        "CHANNELS": orjson.dumps([channel]).decode(),
        "REPS": orjson.dumps([rep]).decode(),
    }
    with (
        RedisServer(folder / "redis") as store,
        Deployment(
            kafka_server,
            store,
            folder / "deployment",
            workers=0,
            learner=False,
            speed=SPEED,
            **changes,
        ) as deployment,
    ):
        receiver.start()
        yield _through(deployment, deployment.a_notifier(), receiver)
        receiver.kill()


def _through(deployment: Deployment, notifier: Role, receiver: Receiver) -> Aftermath:
    rng, kills, alarms = random.Random(7), defaultdict[str, int](int), Alarms(deployment)
    opened, over = set[str](), set[str]()
    victims = ["notifier"] * 10 + ["redis"] * 5 + ["receiver"] * 5
    rng.shuffle(victims)
    wait_until(lambda: notifier.running, "the notifier to start", 60)
    for number in range(ALERTS):
        if number % (ALERTS // KILLS) == 0:
            victim = victims[number // (ALERTS // KILLS)]
            _kill(victim, deployment, notifier, receiver)
            kills[victim] += 1
        opened.add(alarms.raised(f"c{number}"))
        time.sleep(0.15)  # work for a process to be killed at
    over = _over_before_it_was_read(alarms, notifier)
    alarms.close()

    def arrived() -> bool:
        return opened <= {alert for _, alert in receiver.received()}

    wait_until(arrived, "every alert to arrive", 120, deployment.where)
    wait_until(lambda: _left(deployment) == 0, "no delivery to wait", 60, deployment.where)
    return Aftermath(receiver.received(), opened, over, dict(kills), _left(deployment))


def _over_before_it_was_read(alarms: Alarms, notifier: Role) -> set[str]:
    """Alerts that come and go while the notifier is down."""
    notifier.down()
    over = {alarms.raised(f"gone{number}") for number in range(10)}
    for number in range(10):
        alarms.cleared(f"gone{number}")
    notifier.wanted = True
    return over


def _kill(victim: str, deployment: Deployment, notifier: Role, receiver: Receiver) -> None:
    match victim:
        case "notifier":
            notifier.send(signal.SIGKILL)
        case "redis":
            deployment.redis.restart()
        case _:
            receiver.kill()
            receiver.start()


def _left(deployment: Deployment) -> int:
    names = deployment.ask(lambda store: store.timers_until("notifier", 2**52, 100_000))
    return sum(name.startswith("delivery/") for name in names)


def test_every_alert_arrived(aftermath: Aftermath) -> None:
    assert aftermath.open <= {alert for _, alert in aftermath.received}
    assert len(aftermath.open) == ALERTS


def test_no_alert_arrived_under_two_ids(aftermath: Aftermath) -> None:
    names = defaultdict(set)
    for name, alert in aftermath.received:
        names[alert].add(name)
    assert {alert for alert, ids in names.items() if len(ids) > 1} == set()


def test_what_was_over_before_it_was_read_never_arrived(aftermath: Aftermath) -> None:
    assert aftermath.over & {alert for _, alert in aftermath.received} == set()
    assert len(aftermath.over) == 10


def test_nothing_waits_and_everything_was_killed(aftermath: Aftermath) -> None:
    assert aftermath.left == 0
    assert aftermath.kills == {"notifier": 10, "redis": 5, "receiver": 5}
