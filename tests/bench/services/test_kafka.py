"""Kafka without Docker: it keeps what it took when it is killed, and stamps records itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.services import kafka
from bench.services.kafka import KafkaServer
from tests.services import require
from touchstream.agents.embedded.process import ServerError

A_DAY_OF_1997_MS = 852_076_800_000


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[KafkaServer]:
    """A Kafka that the test may kill."""
    require("kafka")
    with KafkaServer(tmp_path / "kafka") as server:
        yield server


@pytest.mark.integration
@pytest.mark.slow
async def test_a_killed_broker_comes_back_with_its_records(own_kafka: KafkaServer) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=own_kafka.bootstrap, enable_idempotence=True)
    await producer.start()
    await producer.send_and_wait("topic", b"kept", timestamp_ms=A_DAY_OF_1997_MS)
    await producer.stop()
    own_kafka.restart()
    consumer = AIOKafkaConsumer(
        "topic", bootstrap_servers=own_kafka.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    record = await consumer.getone()
    await consumer.stop()
    assert record.value == b"kept"
    assert record.timestamp > A_DAY_OF_1997_MS


def test_a_folder_without_jars_is_named_with_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(kafka.LIBS_VARIABLE, str(tmp_path))
    with pytest.raises(ServerError, match=r"TOUCHSTREAM_KAFKA_LIBS=.*want a folder with Kafka's"):
        kafka.libraries()


def test_without_java_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ServerError, match="java is not on the PATH: apt install openjdk-17"):
        KafkaServer(tmp_path / "kafka", libs=tmp_path).start()
