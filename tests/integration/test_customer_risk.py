"""A system that comes later reads everyone at risk from the beginning of ``customer-risk``."""

import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from bench.services.kafka import KafkaServer
from bench.services.redis import RedisServer
from tests.integration.deployment import FAST, FAST_RULES, Deployment, Role, wait_until
from tests.integration.oracle import differences, indexes_of
from tests.integration.traffic import Traffic, event
from touchstream.schemas.emissions.customer_risk import CustomerRisk
from touchstream.schemas.emissions.envelope import decode_emission
from touchstream.schemas.topics import CUSTOMER_RISK_TOPIC
from touchstream.streams.projections.indexes import RISK_INDEXES

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]

RULES = {
    **FAST_RULES,
    "CHURN__SNAPSHOT_EVERY_DAYS": "2",
    "BANDS__MEDIUM_ENTER": "0.3",
    "BANDS__MEDIUM_LEAVE": "0.25",
    "BANDS__HIGH_ENTER": "0.5",
    "BANDS__HIGH_LEAVE": "0.4",
    "LEARNING__WIDEST": "1.0",
    "TICKS__INTERVAL_S": "0.5",
}
LEAST_AT_RISK = 5
KILLS = ("before SIGKILL", "after SIGKILL") * 2


def test_who_comes_later_knows_everyone_at_risk_whoever_was_killed(
    kafka_server: KafkaServer, redis_server: RedisServer, tmp_path: Path
) -> None:
    with Deployment(
        kafka_server, redis_server, tmp_path, workers=2, ticks=True, speed=FAST, **RULES
    ) as deployment:
        deployment.wait_started()
        deployment.wait_ticking()
        with Traffic(deployment, seed=7, customers=300, per_s=100):
            wait_until(lambda: len(at_risk(deployment)) >= LEAST_AT_RISK, "customers at risk", 120)
            for number, moment in enumerate(KILLS):
                kill(deployment.workers[number % 2], moment)
        erased = sorted(at_risk(deployment))[0]
        erase(deployment, erased)
        deployment.drain()

        assert differences(deployment) == []
        assert len(at_risk(deployment)) >= LEAST_AT_RISK
        newest = table(deployment)
        assert {name: risk.band for name, risk in newest.items() if risk.band != "low"} == at_risk(
            deployment
        )
        assert erased not in newest
        assert values_of(deployment, erased)[-1] is None

        compact_at_once(deployment)
        erase(deployment, erased)  # a further record in the partition, which rolls its segment
        deployment.wait_durable()
        gone = lambda: set(values_of(deployment, erased)) <= {None}  # noqa: E731
        wait_until(gone, "the records of the erased customer to be compacted", 180)
        assert table(deployment) == newest


def kill(worker: Role, moment: str) -> None:
    wait_until(lambda: worker.running, f"{worker.name} to run")
    pid = worker.pid
    worker.trap.write_text(moment)
    wait_until(lambda: not worker.running or worker.pid != pid, f"{worker.name} to commit")


def at_risk(deployment: Deployment) -> dict[str, str]:
    """Customer -> band, by the indexes."""
    return {
        customer: band
        for of_shard in indexes_of(deployment)
        for band, index in RISK_INDEXES.items()
        for customer in of_shard[index]
    }


def table(deployment: Deployment) -> Mapping[str, CustomerRisk]:
    """What a consumer keeps that reads the topic once, and knows nothing of sequences."""
    newest: dict[str, CustomerRisk] = {}
    for records in deployment.read(CUSTOMER_RISK_TOPIC).values():
        for record in records:
            customer = record.key.decode()
            if record.value is None:
                newest.pop(customer, None)
            else:
                data = decode_emission(record.value)[0].data
                assert isinstance(data, CustomerRisk)
                newest[customer] = data
    return newest


def values_of(deployment: Deployment, customer: str) -> list[bytes | None]:
    """The customer's records on the topic that the broker still holds."""
    return [
        record.value
        for records in deployment.read(CUSTOMER_RISK_TOPIC).values()
        for record in records
        if record.key == customer.encode()
    ]


def erase(deployment: Deployment, customer: str) -> None:
    now_ms = deployment.now_ms()
    number = time.time_ns()
    deployment.publish([event(number, "customer.erased", customer, now_ms, now_ms)])


def compact_at_once(deployment: Deployment) -> None:
    """Let the broker do at once what it does within a day."""
    admin = KafkaAdminClient(bootstrap_servers=deployment.kafka.bootstrap)
    resource = ConfigResource(ConfigResourceType.TOPIC, deployment.topics[CUSTOMER_RISK_TOPIC])
    resource.configs = {
        "segment.ms": "100",
        "min.cleanable.dirty.ratio": "0.0",
        "max.compaction.lag.ms": "100",
    }
    admin.alter_configs([resource])
    admin.close()
