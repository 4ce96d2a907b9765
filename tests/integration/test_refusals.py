"""Where Redis does not fit the log, a process refuses to start and says what to do."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, TopicPartition

from bench.services.kafka import KafkaServer
from bench.services.redis import RedisServer
from tests.integration.deployment import Deployment, Role, wait_until
from tests.integration.traffic import visits
from tests.make import DAY_ZERO_MS
from touchstream.agents.topics import drop_topics, make_topics
from touchstream.schemas.topics import TOUCHPOINTS_TOPIC

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def deployment(
    kafka_server: KafkaServer, redis_server: RedisServer, tmp_path: Path
) -> Iterator[Deployment]:
    """It has applied thirty visits and told Kafka so; its worker is down, a learner there is none.

    The fences lie above the beginnings of the log.
    """
    with Deployment(kafka_server, redis_server, tmp_path, learner=False) as made:
        made.tick(DAY_ZERO_MS)
        made.publish(visits(0, 30))
        made.wait_durable()
        made.workers[0].down()  # in good order: what is durable is committed to Kafka
        yield made


def refusal(role: Role) -> str:
    """Start a process that cannot work; what it said, once it has ended with 1."""
    role.wanted = True
    assert role.wait_for_end(60) == 1
    role.wanted = False
    return role.log_text()


def wipe(deployment: Deployment) -> None:
    """As FLUSHALL, but for this deployment only."""
    deployment.ask(lambda store: store.wipe())


def move_start(deployment: Deployment) -> None:
    """As retention would: every partition loses its records but the last."""
    topic = deployment.topics[TOUCHPOINTS_TOPIC]
    ends = deployment.ends(TOUCHPOINTS_TOPIC)
    admin = KafkaAdminClient(bootstrap_servers=deployment.kafka.bootstrap)
    admin.delete_records({TopicPartition(topic, n): end - 1 for n, end in enumerate(ends)})
    admin.close()


def test_a_flushed_redis_is_refused(deployment: Deployment) -> None:
    wipe(deployment)
    output = refusal(deployment.workers[0])
    assert "but Redis has no fence for it: was Redis flushed" in output
    assert "worker.on_lost_fence" in output


def test_a_flushed_redis_is_refused_by_the_learner(
    kafka_server: KafkaServer, redis_server: RedisServer, tmp_path: Path
) -> None:
    with Deployment(kafka_server, redis_server, tmp_path) as deployment:
        deployment.wait_started()
        deployment.tick(DAY_ZERO_MS)
        deployment.wait_learnt(1)
        deployment.learner.down()
        wipe(deployment)
        output = refusal(deployment.learner)
    assert "but Redis has no fence for it: was Redis flushed" in output


def test_another_partition_count_is_refused(deployment: Deployment) -> None:
    worker, prefix = deployment.workers[0], f"{deployment.settings.kafka.topic_prefix}wide."
    deployment.change(worker, KAFKA__PARTITIONS="4")
    assert "has 3 partitions, want 4 (kafka.partitions)" in refusal(worker)

    wide = deployment.changed(KAFKA__PARTITIONS="4", KAFKA__TOPIC_PREFIX=prefix)
    make_topics(wide)
    deployment.change(worker, KAFKA__PARTITIONS="4", KAFKA__TOPIC_PREFIX=prefix)
    output = refusal(worker)
    drop_topics(wide)
    assert "was started with 3: customers would be looked for in the wrong shard" in output


def test_a_fence_above_the_end_of_the_log_is_refused(deployment: Deployment) -> None:
    drop_topics(deployment.settings)
    wait_until(lambda: _made_again(deployment), "the topics to be made again")
    output = refusal(deployment.workers[0])
    assert "or the topic recreated? Set worker.on_lost_fence to oldest or newest" in output


def test_a_fence_below_the_start_of_the_log_is_refused_until_oldest_is_said(
    deployment: Deployment,
) -> None:
    deployment.publish(visits(30, 90))
    move_start(deployment)
    output = refusal(deployment.workers[0])
    assert "was Redis restored from a copy older than Kafka's retention" in output

    deployment.change(deployment.workers[0], WORKER__ON_LOST_FENCE="oldest")
    deployment.workers[0].wanted = True
    deployment.wait_durable()
    assert deployment.counters()["applied"] == 30 + 3  # of the sixty each partition has its last


def test_records_that_retention_took_from_a_running_worker_stop_it(deployment: Deployment) -> None:
    worker = deployment.workers[0]
    worker.wanted = True
    deployment.publish(visits(30, 60))
    deployment.wait_durable()
    worker.send(signal.SIGSTOP)
    time.sleep(2.0)  # the fetch that was under way has come back empty
    deployment.publish(visits(60, 120))
    move_start(deployment)
    worker.wanted = False
    worker.send(signal.SIGCONT)
    assert worker.wait_for_end() == 1
    assert "Kafka no longer holds the next record to read" in worker.log_text()
    assert deployment.counters()["applied"] == 60


def test_newest_goes_on_with_what_comes(deployment: Deployment) -> None:
    deployment.publish(visits(30, 90))
    move_start(deployment)
    worker = deployment.workers[0]
    deployment.change(worker, WORKER__ON_LOST_FENCE="newest")
    worker.wanted = True
    wait_until(lambda: worker.log_text().count("fence_set_by_hand") == 3, "the worker to start")
    wait_until(lambda: '"partitions":[0,1,2]' in worker.log_text(), "the worker to start")
    deployment.publish(visits(90, 120))
    deployment.wait_durable()
    assert deployment.counters()["applied"] == 30 + 30


def _made_again(deployment: Deployment) -> bool:
    """Kafka deletes topics at its leisure."""
    made = make_topics(deployment.settings)
    return (
        not any(topic.created for topic in made) and deployment.ends(TOUCHPOINTS_TOPIC) == [0] * 3
    )
