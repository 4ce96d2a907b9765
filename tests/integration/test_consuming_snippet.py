"""The consumer of docs/consuming.md has each emission once, whatever is sent again or killed."""

import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.integration.emissions import PARTITIONS, Sent, emissions
from tests.integration.snippets import ROOT, command, embedded
from touchstream.agents import clients
from touchstream.agents.embedded.broker import EmbeddedBroker
from touchstream.agents.settings import KafkaSettings
from touchstream.streams.intake.partitioner import partition_of

PAGE = "docs/consuming.md"
TOPICS = ("churn-risk", "next-best-action", "customer-signals")
DEADLINE_S = 60


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(dict.fromkeys(TOPICS, PARTITIONS)) as running:
        yield running


def send(broker: EmbeddedBroker, records: Sequence[Sent]) -> None:
    kafka = KafkaSettings(bootstrap=broker.bootstrap)
    with clients.producer(kafka, records[0].topic) as producer:
        for record in records:
            partition = partition_of(record.key, PARTITIONS)
            producer.send(record.topic, record.value, record.key, partition=partition)
        producer.flush()


def inbox(folder: Path) -> list[tuple[str, str]]:
    """(topic, sequence) of every record that the consumer has kept."""
    if not (folder / "crm.db").exists():
        return []
    with closing(sqlite3.connect(folder / "crm.db", timeout=10)) as store:
        try:
            return list(store.execute("SELECT topic, sequence FROM inbox"))
        except sqlite3.OperationalError:  # the tables are not there yet
            return []


@contextmanager
def running(broker: EmbeddedBroker, folder: Path, group: str) -> Iterator[None]:
    """The consumer as a process, killed at the end wherever it is."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    changes = {**embedded(broker), '"crm"': f'"{group}"'}
    process = subprocess.Popen(command(PAGE, "consumer", changes), cwd=folder, env=environ)
    try:
        yield
        assert process.poll() is None, "the consumer has ended by itself"
    finally:
        process.kill()
        process.wait()


def wait_for(folder: Path, wanted: int) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while len(inbox(folder)) < wanted:
        assert time.monotonic() < deadline_s, f"{len(inbox(folder))} of {wanted} records"
        time.sleep(0.05)


@pytest.mark.parametrize("group", ["crm", "crm-again"], ids=["goes on", "reads all again"])
def test_a_consumer_that_is_killed_has_every_emission_once(
    broker: EmbeddedBroker, tmp_path: Path, group: str
) -> None:
    all_of_them = [one for one in emissions() if one.topic in TOPICS]
    half = len(all_of_them) // 2
    send(broker, all_of_them[:half])
    with running(broker, tmp_path, "crm"):
        wait_for(tmp_path, half // 2)
    # As after a crash of all workers: everything that was in the outboxes is sent again.
    send(broker, all_of_them[:half])
    send(broker, all_of_them)
    with running(broker, tmp_path, group):
        wait_for(tmp_path, len(all_of_them))
    kept = inbox(tmp_path)
    assert sorted(kept) == sorted((one.topic, one.sequence) for one in all_of_them)
    for topic in TOPICS:
        for shard in ("p0", "p1", "p2", "learner"):
            mine = [seq for name, seq in kept if name == topic and seq.startswith(f"{shard}:")]
            assert mine == sorted(mine)


def test_the_newest_risk_of_each_customer_is_known(broker: EmbeddedBroker, tmp_path: Path) -> None:
    risks = [one for one in emissions() if one.topic == "churn-risk"]
    send(broker, [*risks, *risks[: len(risks) // 2]])
    with running(broker, tmp_path, "crm"):
        wait_for(tmp_path, len(risks))
    with closing(sqlite3.connect(tmp_path / "crm.db")) as store:
        known = {customer for (customer,) in store.execute("SELECT customer FROM risks")}
    assert known == {one.key.decode() for one in risks}
