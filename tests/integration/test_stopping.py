"""SIGTERM ends a process in bounded time, whatever else is down."""

import signal
import time
from pathlib import Path

import pytest

from tests.integration.deployment import Deployment
from tests.integration.services import own_services
from tests.integration.traffic import event
from tests.make import DAY_ZERO_MS

LONGEST_S = 20.0
"""The patience of agents/cli/roles.py and some for a busy machine."""


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_worker_and_learner_end_soon_with_kafka_and_redis_down(tmp_path: Path) -> None:
    with (
        own_services(tmp_path) as (kafka, store),
        Deployment(kafka, store, tmp_path / "run") as deployment,
    ):
        deployment.wait_started()
        deployment.tick(DAY_ZERO_MS)
        deployment.publish([event(1, "web.visit", "ada", DAY_ZERO_MS, DAY_ZERO_MS)])
        deployment.wait_durable()
        kafka.kill()
        store.kill()
        for role in deployment.roles:
            role.wanted = False
            role.send(signal.SIGTERM)
        started = time.monotonic()
        for role in deployment.roles:
            role.wait_for_end()
        assert time.monotonic() - started < LONGEST_S
