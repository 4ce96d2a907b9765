"""A process that sleeps through its own replacement wakes up and changes nothing."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.services.kafka import KafkaServer
from bench.services.redis import RedisServer
from tests.integration.deployment import Deployment, wait_until
from tests.integration.oracle import differences
from tests.integration.traffic import visits
from tests.make import DAY_ZERO_MS
from touchstream.schemas.units import DAY_MS

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def deployment(
    kafka_server: KafkaServer, redis_server: RedisServer, tmp_path: Path
) -> Iterator[Deployment]:
    """One worker, and a second one that is down until it is wanted."""
    with Deployment(
        kafka_server, redis_server, tmp_path, workers=2, CHURN__HORIZON_DAYS="1"
    ) as made:
        made.workers[1].wanted = False
        made.wait_started()
        made.tick(DAY_ZERO_MS)
        made.wait_durable()
        yield made


def test_a_worker_stopped_between_read_and_commit_is_refused_by_the_fence(
    deployment: Deployment,
) -> None:
    zombie, heir = deployment.workers
    deployment.publish(visits(0, 100))
    deployment.wait_durable()
    zombie.trap.write_text("before SIGSTOP")
    deployment.publish(visits(100, 200))
    wait_until(lambda: not zombie.trap.exists(), "the worker to stop between read and commit")
    heir.wanted = True
    deployment.wait_durable()  # by the heir alone, once the group has missed the zombie
    fences = deployment.fences()
    zombie.wanted = False
    zombie.send(signal.SIGCONT)

    assert zombie.wait_for_end() == 1
    assert "the fence is no longer" in zombie.log_text()
    assert deployment.fences() == fences
    assert heir.running
    assert deployment.counters()["applied"] == 200
    assert differences(deployment) == []


def test_a_learner_stopped_between_read_and_commit_is_refused_by_the_fence(
    deployment: Deployment,
) -> None:
    zombie = deployment.learner
    heir = deployment.another_learner()
    deployment.publish(visits(0, 100))
    zombie.trap.write_text("before SIGSTOP")
    for day in range(1, 9):
        deployment.tick(DAY_ZERO_MS + day * DAY_MS, version=0)
    wait_until(lambda: not zombie.trap.exists(), "the learner to stop between read and commit")
    heir.wanted = True
    deployment.wait_learnt(9)
    deployment.wait_durable()
    learnt = deployment.checkpoint()
    zombie.wanted = False
    zombie.send(signal.SIGCONT)

    assert zombie.wait_for_end() == 1
    assert "shard learner: the fence is no longer" in zombie.log_text()
    assert heir.running
    assert deployment.checkpoint() == learnt
    assert learnt.knowledge.examples > 0
    assert differences(deployment) == []
