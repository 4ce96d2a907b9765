"""The snippets of docs/producing.md put events where the workers look for them."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.snippets import ROOT, command, embedded, snippet
from touchstream.agents import clients
from touchstream.agents.cli.reading import read, whole
from touchstream.agents.embedded.broker import EmbeddedBroker
from touchstream.agents.settings import KafkaSettings
from touchstream.schemas.units import Millis
from touchstream.streams.intake.decode import Arrival, Origin, decode
from touchstream.streams.intake.partitioner import murmur2, partition_of
from touchstream.streams.outcome import Reject
from touchstream.streams.records import Record

PAGE = "docs/producing.md"
PARTITIONS = 7
CUSTOMERS = [f"customer-{number}" for number in range(60)] + ["õnne", "a", "Çağla", "x" * 200]
MANY = {'["mira", "ada"]': json.dumps(CUSTOMERS)}


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker({"touchpoints": PARTITIONS}) as running:
        yield running


def arrived(broker: EmbeddedBroker) -> list[Arrival | object]:
    """Everything on the topic as a worker decodes it, key and partition included."""
    kafka = KafkaSettings(bootstrap=broker.bootstrap)
    with clients.consumer(kafka, "touchpoints") as consumer:
        return [
            decode(
                Record(
                    sent.offset, Millis(sent.timestamp), sent.key, sent.value, tuple(sent.headers)
                ),
                Origin(sent.partition, PARTITIONS, None),
            )
            for sent in read(consumer, whole(consumer, "touchpoints"))
        ]


def require_all_arrived(broker: EmbeddedBroker) -> None:
    found = arrived(broker)
    assert [one for one in found if not isinstance(one, Arrival)] == []
    events = [one.event for one in found if isinstance(one, Arrival)]
    assert sorted(event.subject for event in events) == sorted(CUSTOMERS)
    assert {event.type for event in events} == {"web.visit"}
    assert all(one.unknown_fields == () for one in found if isinstance(one, Arrival))


def test_kafka_python_needs_no_setting(broker: EmbeddedBroker) -> None:
    program = command(PAGE, "kafka_python", {**embedded(broker), **MANY})
    subprocess.run(program, check=True, timeout=60)
    require_all_arrived(broker)


def test_confluent_kafka_agrees_with_murmur2_random(broker: EmbeddedBroker) -> None:
    changes = {"127.0.0.1:9092": broker.bootstrap, **MANY}
    subprocess.run(command(PAGE, "confluent_kafka", changes), check=True, timeout=60)
    require_all_arrived(broker)


def test_confluent_kafka_by_default_puts_most_events_where_nobody_looks(
    broker: EmbeddedBroker,
) -> None:
    changes = {"127.0.0.1:9092": broker.bootstrap, **MANY, "murmur2_random": "consistent_random"}
    subprocess.run(command(PAGE, "confluent_kafka", changes), check=True, timeout=60)
    lost = [one for one in arrived(broker) if isinstance(one, Reject)]
    assert {one.reason for one in lost} == {"wrong_partition"}
    assert len(lost) > len(CUSTOMERS) / 2


def test_the_cloudevents_sdk_takes_the_key_from_partitionkey(broker: EmbeddedBroker) -> None:
    program = command(PAGE, "cloudevents", {**embedded(broker), **MANY})
    subprocess.run(program, check=True, timeout=60)
    require_all_arrived(broker)


def node(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["node", *arguments], capture_output=True, timeout=60, check=False)


def without(package: str) -> bool:
    return shutil.which("node") is None or node("-e", f"require('{package}')").returncode != 0


@pytest.mark.skipif(without("fs"), reason="needs node")
def test_the_kafkajs_snippet_is_javascript(tmp_path: Path) -> None:
    (tmp_path / "producer.js").write_text(snippet(PAGE, "kafkajs", {}), encoding="utf-8")
    done = node("--check", str(tmp_path / "producer.js"))
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(without("kafkajs"), reason="needs kafkajs: set NODE_PATH to where it is")
def test_kafkajs_agrees_with_its_default_partitioner(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    changes = {"127.0.0.1:9092": broker.bootstrap, **MANY}
    (tmp_path / "producer.js").write_text(snippet(PAGE, "kafkajs", changes), encoding="utf-8")
    done = node(str(tmp_path / "producer.js"))
    assert done.returncode == 0, done.stderr
    require_all_arrived(broker)


def test_the_table_of_partitions_is_that_of_the_workers() -> None:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(.+)` \| (0x[0-9a-f]{8}) \| (\d+) \|$", text, re.MULTILINE)
    assert len(rows) > 3
    assert rows == [
        (key, f"0x{murmur2(key.encode()):08x}", str(partition_of(key.encode(), 12)))
        for key, _, _ in rows
    ]
    assert "(murmur2(key) & 0x7fffffff) % partitions" in text
    assert all((murmur2(k.encode()) & 0x7FFFFFFF) % 12 == int(p) for k, _, p in rows)


def test_every_snippet_of_the_page_has_a_test() -> None:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    assert re.findall(r"<!-- snippet: (\w+) -->", text) == [
        "kafka_python",
        "confluent_kafka",
        "kafkajs",
        "cloudevents",
    ]
