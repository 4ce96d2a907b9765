"""The operator's day: topics, up, publish, tail, customer, letters, doctor, record, replay."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
from kafka import KafkaProducer

from bench.services.kafka import KafkaServer
from bench.services.ports import free_port
from bench.services.redis import RedisServer
from tests.agents.cli.command import COMMAND, Output, environ, order, touchstream
from tests.agents.decided import decided
from touchstream.schemas.envelope import format_time

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

PATIENCE_S = 120
CUSTOMERS = ("ada", "bob", "cyd", "dan", "eve")
STRANGE = [b"[1]", b"42", b"null", b'"text"', b"", b"\xff", b"[" * 5_000, b'{"data":"text"}', None]
TOPICS = (
    "touchpoints",
    "churn-risk",
    "customer-risk",
    "next-best-action",
    "customer-signals",
    "dead-letters",
    "touchstream.examples",
)


class Place:
    """A deployment of its own on the session's servers."""

    def __init__(self, folder: Path, kafka: KafkaServer, redis: RedisServer) -> None:
        self.folder = folder
        name = f"cli-{os.getpid()}"
        self.settings = {
            "NAMESPACE": name,
            "KAFKA__TOPIC_PREFIX": f"{name}.",
            "KAFKA__BOOTSTRAP": kafka.bootstrap,
            "KAFKA__PARTITIONS": "3",
            "REDIS__URL": redis.url,
            "TICKS__INTERVAL_S": "0.5",
            "HTTP__PORT": "0",
        }

    def run(self, *arguments: object, stdin: bytes = b"") -> Output:
        return touchstream(*arguments, cwd=self.folder, settings=self.settings, stdin=stdin)

    def until(self, well: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not well():
            assert time.monotonic() < deadline, f"waited {PATIENCE_S} s for {what}"
            time.sleep(0.5)

    def knows(self, customer: str, count: int) -> bool:
        output = self.run("customer", customer, "--json")
        return (
            output.code == 0
            and orjson.loads(output.out)["profile"]["families"]["order"]["count"] == count
        )


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, kafka_server: KafkaServer, redis_server: RedisServer
) -> Iterator[Place]:
    """Topics made, a worker and the learner up, five orders sent and applied."""
    found = Place(tmp_path_factory.mktemp("cli"), kafka_server, redis_server)
    assert found.run("doctor").code == 1  # no topics yet
    made = found.run("topics")
    assert (made.code, made.out.count(": created\n")) == (0, 8), made
    with (found.folder / "up.log").open("wb") as log:
        up = subprocess.Popen(
            [*COMMAND, "up"], cwd=found.folder, env=environ(**found.settings), stderr=log
        )
    at = format_time(time.time_ns() // 1_000_000)
    lines = [order(customer, 1, at) for customer in CUSTOMERS]
    sent = found.run("publish", "-", stdin=b"\n".join(lines))
    assert orjson.loads(sent.out)["sent"] == 5, sent
    try:
        found.until(lambda: found.knows("eve", 1), "the last order to be applied")
        yield found
        if up.poll() is None:
            up.send_signal(signal.SIGTERM)
        assert up.wait(60) == 0, (found.folder / "up.log").read_text()
    finally:
        up.kill()


def test_topics_that_are_as_wanted_are_ok(place: Place) -> None:
    output = place.run("topics", "--check")
    assert (output.code, output.out.count(": ok\n")) == (0, 8)


def test_topics_that_are_not_as_wanted_end_with_1(place: Place) -> None:
    changed = {**place.settings, "KAFKA__RETENTION_DAYS": "3"}
    output = touchstream("topics", "--check", cwd=place.folder, settings=changed)
    assert output.code == 1
    assert "touchpoints: retention.ms is 1209600000, want 259200000" in output.out
    assert "customer-risk: delete.retention.ms is 1209600000, want 259200000" in output.out


def test_the_doctor_finds_no_fault(place: Place) -> None:
    output = place.run("doctor", "--json")
    assert [line for line in map(orjson.loads, output.out.splitlines()) if not line["ok"]] == []
    assert output.code == 0


def test_a_stranger_ends_with_1(place: Place) -> None:
    output = place.run("customer", "nobody")
    assert output.code == 1
    assert output.err.startswith("touchstream: no such customer: 'nobody'")


def test_tail_shows_the_topic_from_its_beginning(place: Place) -> None:
    output = place.run("tail", "touchpoints", "--from-beginning", "--limit", "3")
    assert output.code == 0
    assert len(output.out.splitlines()) == 3


def test_a_member_that_is_killed_is_started_again(place: Place) -> None:
    started = place.folder / "up.log"
    pid = next(
        line["pid"]
        for line in map(_parsed, started.read_text().splitlines())
        if line.get("event") == "started" and line["role"] == "worker-0"
    )
    os.kill(int(str(pid)), signal.SIGKILL)
    place.until(lambda: "started_again" in started.read_text(), "the worker to be started again")


def _parsed(line: str) -> dict[str, object]:
    return orjson.loads(line) if line.startswith("{") else {}


def test_letters_are_listed_sent_again_once_and_remembered(place: Place) -> None:
    at = "2026-01-01T00:00:00.000Z"
    misplaced = order("ada", 2, format_time(time.time_ns() // 1_000_000))
    _send(place, [(b"bob", misplaced), (b"bob", b"nonsense"), (b"ada", order("ada", 3, at, id=""))])
    place.until(
        lambda: place.run("dead-letters", "list", "--json").out.count("\n") == 3, "three letters"
    )
    wanted = place.run("dead-letters", "list", "--reason", "key_not_subject")
    assert wanted.out.count("\n") == 1
    shown = {"again": 1, "stay": {"not_json": 1, "bad_attribute": 1}}
    assert orjson.loads(place.run("dead-letters", "redrive", "--dry-run").out) == {
        "sent": 0,
        **shown,
    }
    assert orjson.loads(place.run("dead-letters", "redrive", "--yes").out) == {"sent": 1, **shown}
    assert orjson.loads(place.run("dead-letters", "redrive", "--yes").out) == {
        "sent": 0,
        "again": 0,
        "stay": {},
    }
    place.until(lambda: place.knows("ada", 2), "the letter to be applied")


def test_a_conflict_is_sent_again_only_as_a_new_event(place: Place) -> None:
    at = format_time(time.time_ns() // 1_000_000)
    paid, more = (
        order("bob", 7, at, data={"order": "7", "amount_minor": minor, "currency": "EUR"})
        for minor in (1_000, 2_000)
    )
    respelt = paid.replace(b'"currency"', b'"channel":null,"sent_at":7,"currency"')
    _send(place, [(b"bob", paid), (b"bob", respelt), (b"bob", more)])
    conflicts = ("dead-letters", "redrive", "--reason", "conflicting_id")
    place.until(
        lambda: orjson.loads(place.run(*conflicts, "--dry-run").out)["stay"] != {}, "the conflict"
    )
    assert orjson.loads(place.run(*conflicts, "--yes").out) == {
        "sent": 0,
        "again": 0,
        "stay": {"conflicting_id": 1},
    }
    assert place.knows("bob", 2)
    as_new = ("dead-letters", "redrive", "--as-new-event", "--yes")
    assert orjson.loads(place.run(*as_new).out) == {"sent": 1, "again": 1, "stay": {}}
    place.until(lambda: place.knows("bob", 3), "the other event to be applied")
    assert orjson.loads(place.run(*as_new).out) == {"sent": 0, "again": 0, "stay": {}}
    assert place.knows("bob", 3)


def test_the_last_decisions_of_a_customer_show_every_arm(place: Place) -> None:
    _send(place, [(b"dan", decided("d-1", "dan"))], "next-best-action")
    shown = place.run("customer", "dan")
    assert shown.code == 0, shown
    lines = [line.split() for line in shown.out.splitlines()]
    begin = lines.index(["last_decisions:"])
    assert lines[begin + 1 : begin + 5] == [
        ["-", "2026-11-28T09:00:00.000Z", "call_by_owner", "by", "phone", "risk", "0.500", "high"],
        ["0.900", "call_by_owner", "worth", "12.50", "EUR"],
        ["0.100", "do_nothing", "worth", "0.00", "EUR"],
        ["left", "out:", "send_offer", "resting"],
    ]
    [decision] = orjson.loads(place.run("customer", "dan", "--json").out)["last_decisions"]
    assert (decision["decision"], decision["outcomes"]) == ("d-1", [])


def test_without_a_broker_the_state_is_shown_and_what_is_missing(place: Place) -> None:
    away = {**place.settings, "KAFKA__BOOTSTRAP": f"127.0.0.1:{free_port()}"}
    output = touchstream("customer", "dan", "--json", cwd=place.folder, settings=away)
    found = orjson.loads(output.out)
    assert (output.code, found["last_decisions"]) == (0, None)
    assert found["last_decisions_hint"].startswith("not read: ")


def _send(place: Place, records: list[tuple[bytes, bytes]], name: str = "touchpoints") -> None:
    """Past ``publish``, which would refuse them."""
    producer = KafkaProducer(bootstrap_servers=place.settings["KAFKA__BOOTSTRAP"])
    topic = place.settings["KAFKA__TOPIC_PREFIX"] + name
    for key, value in records:
        producer.send(topic, key=key, value=value)
    producer.close()


def test_a_recording_replays_to_the_same_states_with_more_workers(place: Place) -> None:
    recorded = place.run("tail", "touchpoints", "--record")
    assert recorded.code == 0
    (place.folder / "log.jsonl").write_text(recorded.out)
    output = touchstream(
        *("replay", "log.jsonl", "--out", "out", "--workers", 2), cwd=place.folder, settings={}
    )
    assert output.code == 0, output.err
    replayed = {
        line["customer"]: line
        for line in map(
            orjson.loads, (place.folder / "out/profiles.jsonl").read_text().splitlines()
        )
    }
    live = {}
    for customer in CUSTOMERS:
        found = orjson.loads(place.run("customer", customer, "--json").out)
        for as_of in (
            *("reasons", "held_by", "last_decisions", "last_decisions_hint"),
            *("shard", "tick", "tick_time", "model_version", "rules"),
        ):
            del found[as_of]
        live[customer] = found
    assert replayed == live


def test_every_reader_goes_on_over_what_it_cannot_read(place: Place) -> None:
    producer = KafkaProducer(bootstrap_servers=place.settings["KAFKA__BOOTSTRAP"])
    for topic in TOPICS:
        for value in STRANGE:
            # A tombstone without a key is refused by a compacted topic.
            producer.send(place.settings["KAFKA__TOPIC_PREFIX"] + topic, key=b"ada", value=value)
    producer.close()
    for topic in TOPICS:
        for how in ((), ("--json",)):
            few = place.run("tail", topic, "--from-beginning", "--limit", len(STRANGE), *how)
            assert (few.code, few.err, few.out.count("\n")) == (0, "", len(STRANGE)), topic
    listed = place.run("dead-letters", "list", "--limit", 1_000)
    assert (listed.code, listed.err) == (0, "")
    assert "cannot be read as dead-letters" in listed.out
    stay = orjson.loads(place.run("dead-letters", "redrive", "--dry-run").out)["stay"]
    assert stay["unreadable"] == len(STRANGE)
    assert place.run("customer", "ada").code == 0
    explained = place.run("explain", "ada")
    assert (explained.code, "reproduce the stored profile exactly" in explained.out) == (0, True)
