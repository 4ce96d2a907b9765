"""The snippets of the README work as they stand; only the broker's address and topics differ."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson
import pytest

from bench.services.kafka import KafkaServer
from bench.services.redis import RedisServer
from tests.integration import snippets
from tests.integration.deployment import Deployment
from tests.integration.snippets import embedded
from tests.story.trace import stops
from touchstream.agents import clients
from touchstream.agents.cli.reading import read, whole
from touchstream.agents.embedded.broker import EmbeddedBroker
from touchstream.agents.settings import KafkaSettings
from touchstream.schemas.topics import CHURN_RISK_TOPIC, TOUCHPOINTS_TOPIC
from touchstream.schemas.units import Millis
from touchstream.streams.intake.decode import Arrival, Origin, decode
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.records import Record

PARTITIONS = 3


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker({"touchpoints": PARTITIONS, CHURN_RISK_TOPIC: PARTITIONS}) as running:
        yield running


def command(name: str, changes: Mapping[str, str]) -> list[str]:
    return snippets.command("README.md", name, changes)


def test_intake_accepts_what_the_publish_snippet_sends(broker: EmbeddedBroker) -> None:
    subprocess.run(command("publish", embedded(broker)), check=True, timeout=60)
    kafka = KafkaSettings(bootstrap=broker.bootstrap)
    with clients.consumer(kafka, "touchpoints") as consumer:
        [sent] = read(consumer, whole(consumer, "touchpoints"))
    record = Record(sent.offset, Millis(sent.timestamp), sent.key, sent.value, ())
    arrival = decode(record, Origin(sent.partition, PARTITIONS, None))
    assert isinstance(arrival, Arrival)
    assert (arrival.event.subject, arrival.unknown_fields) == ("mira", ())
    assert sent.partition == partition_of(b"mira", PARTITIONS)


def test_the_consume_snippet_prints_an_emission_once(broker: EmbeddedBroker) -> None:
    first = stops()["emitted"]
    second = {**first, "sequence": "p0:0000000000000023"}
    kafka = KafkaSettings(bootstrap=broker.bootstrap)
    with clients.producer(kafka, CHURN_RISK_TOPIC) as producer:
        for emission in (first, first, second):
            value = orjson.dumps(emission)
            producer.send(CHURN_RISK_TOPIC, value, b"mira", partition=0).get(timeout=10)
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    consumer = subprocess.Popen(
        command("consume", embedded(broker)), stdout=subprocess.PIPE, env=environ
    )
    try:
        assert consumer.stdout is not None
        lines = [consumer.stdout.readline().decode() for _ in range(2)]
    finally:
        consumer.kill()
        rest, _ = consumer.communicate()
    reasons = [reason["text"] for reason in first["data"]["reasons"]]
    assert lines == [f"mira low {first['data']['risk']} {reasons}\n"] * 2
    assert rest == b""


@pytest.mark.integration
def test_a_worker_applies_once_what_the_publish_snippet_sends_twice(
    kafka_server: KafkaServer, redis_server: RedisServer, tmp_path: Path
) -> None:
    with Deployment(kafka_server, redis_server, tmp_path, learner=False) as deployment:
        changes = {
            "127.0.0.1:9092": kafka_server.bootstrap,
            '"touchpoints"': f'"{deployment.topics[TOUCHPOINTS_TOPIC]}"',
            "datetime.now(UTC)": "datetime(1997, 4, 29, tzinfo=UTC)",
        }
        for _ in range(2):
            subprocess.run(command("publish", changes), check=True, timeout=60)
        deployment.wait_durable()
        counted = deployment.counters()
    assert (counted["applied"], counted["duplicate"]) == (1, 1)
