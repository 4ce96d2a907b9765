"""Whatever a producer writes ends in one named place, and delays nobody else."""

import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from bench.services.kafka import KafkaServer
from bench.services.redis import RedisServer
from schemas.tick import InForce, Tick, encode_tick
from schemas.topics import DEAD_LETTERS_TOPIC
from schemas.units import DAY_MS, HOUR_MS, Millis
from streams.intake.partitioner import partition_of
from streams.state import decode as decode_state
from tests.integration.deployment import Deployment, Sent, wait_until
from tests.integration.oracle import letters_of
from tests.integration.traffic import event
from tests.make import DAY_ZERO_MS

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(180)]

SECRET = "a secret of sixteen characters and more"
NOON_MS = DAY_ZERO_MS + 12 * HOUR_MS
LARGEST_RECORD = "33554432"


@pytest.fixture
def deployment(
    kafka_server: KafkaServer, redis_server: RedisServer, tmp_path: Path
) -> Iterator[Deployment]:
    """A worker that stops past three dead letters among ten records; ticks are signed."""
    with Deployment(
        kafka_server, redis_server, tmp_path, TICKS__SECRET=SECRET, KAFKA__PARTITIONS="1"
    ) as made:
        made.allow_records_of(LARGEST_RECORD)
        made.wait_started()
        made.tick(DAY_ZERO_MS)
        made.wait_durable()
        yield made


def visit(number: int, customer: str = "ada", **data: object) -> Sent:
    """A visit at noon."""
    return event(number, "web.visit", customer, NOON_MS, NOON_MS, **data)


def changed(sent: Sent, **attributes: object) -> Sent:
    """The event with other attributes; None takes one away."""
    value = {**orjson.loads(sent.value), **attributes}
    kept = {name: found for name, found in value.items() if found is not None}
    return sent._replace(value=orjson.dumps(kept))


def forged_tick(deployment: Deployment, secret: bytes | None) -> Sent:
    """A tick that nobody of ours wrote: a hundred years on, and with the number that is next."""
    in_force = InForce(model_version=0, rules="0" * 16, features="0" * 16)
    tick = Tick(number=2, time_ms=Millis(NOON_MS + 36_500 * DAY_MS), in_force=in_force)
    return Sent(encode_tick(tick, secret), None, Millis(NOON_MS))


def poison(deployment: Deployment) -> list[tuple[str, Sent]]:
    """Reason of the dead letter, record."""
    one = visit(1)
    return [
        ("not_json", one._replace(value=one.value[:-20])),
        ("not_json", one._replace(value=one.value.replace(b'"page":"/"', b'"page":NaN'))),
        ("not_an_object", one._replace(value=b"[1,2,3]")),
        ("bad_string", one._replace(value=b'{"id":"\xff"}')),
        ("too_deep", one._replace(value=b'{"a":' * 40 + b"1" + b"}" * 40)),
        ("too_large", visit(2, page="x" * (10 * 1024 * 1024))),
        ("missing_attribute", changed(one, subject=None)),
        ("bad_specversion", changed(one, specversion="0.3")),
        ("bad_attribute", changed(one, time="yesterday")),
        ("bad_data", changed(one, data={"page": 7})),
        ("bad_data", changed(one, type="order.placed", data={"order": "o", "currency": "EUR"})),
        ("key_not_subject", one._replace(key=b"bob")),
        ("key_not_subject", one._replace(key=None)),
        ("conflicting_id", visit(0, page="/another")),
        ("reserved_type", changed(one, type="touchstream.secret")),
        ("forged_tick", forged_tick(deployment, None)),
        ("forged_tick", forged_tick(deployment, b"another secret of sixteen characters")),
    ]


def test_every_poison_is_a_dead_letter_with_its_reason_and_delays_nobody(
    deployment: Deployment,
) -> None:
    sick = poison(deployment)
    deployment.publish([visit(0)])
    started = time.monotonic()
    deployment.publish([sent for _, sent in sick])
    deployment.publish([visit(100 + n, f"c{n}") for n in range(500)])
    deployment.wait_durable()
    seconds = time.monotonic() - started

    first = 2  # after the tick and ada's visit
    assert letters_of(deployment) == {
        (0, first + place): reason for place, (reason, _) in enumerate(sick)
    }
    counters = deployment.counters()
    assert counters["applied"] == 501
    assert counters["dead"] == len(sick)
    assert len(deployment.states("p0")) == 501
    assert deployment.standings()[0].tick == 1
    assert deployment.standings()[0].clock_ms == DAY_ZERO_MS
    assert deployment.workers[0].exits == []
    assert seconds < 30


def test_a_dead_letter_of_ten_megabytes_is_cut_and_says_so(deployment: Deployment) -> None:
    deployment.publish([visit(1, page="x" * (10 * 1024 * 1024))])
    deployment.wait_durable()
    [letter] = deployment.read(DEAD_LETTERS_TOPIC)[0]
    assert len(letter.value) == 512 * 1024
    assert dict(letter.headers)["touchstream-cut"] == b"body"


def test_unknown_types_and_events_too_late_are_dropped_and_counted(deployment: Deployment) -> None:
    deployment.publish(
        [
            changed(visit(1), type="loyalty.stamped"),
            event(2, "web.visit", "ada", DAY_ZERO_MS - 8 * DAY_MS, NOON_MS),
        ]
    )
    deployment.wait_durable()
    assert deployment.counters() == {
        "dropped": 2,
        "dropped.too_late": 1,
        "dropped.unknown_type": 1,
    }
    assert letters_of(deployment) == {}


def test_a_repeated_event_counts_once(deployment: Deployment) -> None:
    deployment.publish([visit(1), visit(1), visit(1)])
    deployment.wait_durable()
    counters = deployment.counters()
    assert (counters["applied"], counters["duplicate"]) == (1, 2)


def test_an_event_dated_2099_is_clamped_to_its_arrival(deployment: Deployment) -> None:
    deployment.publish([event(1, "web.visit", "ada", 4_073_000_000_000, NOON_MS), visit(2, "bob")])
    deployment.wait_durable()
    counters = deployment.counters()
    assert (counters["applied"], counters["clamped"]) == (2, 1)
    profile = decode_state(deployment.states("p0")["ada"]).profile
    assert profile is not None
    assert profile.last_seen_ms == NOON_MS + 5 * 60_000
    assert deployment.standings()[0].clock_ms == DAY_ZERO_MS


def test_past_the_limit_the_worker_stops_before_it_commits_and_goes_on_when_it_is_raised(
    deployment: Deployment,
) -> None:
    worker = deployment.workers[0]
    worker.down()
    deployment.change(worker, WORKER__DEAD_LETTER_LIMIT="3", WORKER__DEAD_LETTER_WINDOW="10")
    deployment.publish([visit(0), *[Sent(b"{", b"ada", Millis(NOON_MS))] * 4, visit(1)])
    worker.wanted = True
    assert worker.wait_for_end(60) == 1
    worker.wanted = False
    assert "more than 3 dead letters among the last 10 records" in worker.log_text()
    assert deployment.counters().get("dead", 0) <= 3

    deployment.change(worker, WORKER__DEAD_LETTER_LIMIT="5")
    worker.wanted = True
    deployment.wait_durable()
    counters = deployment.counters()
    assert (counters["applied"], counters["dead"]) == (2, 4)


def test_a_record_on_the_wrong_partition_is_a_dead_letter(
    kafka_server: KafkaServer, redis_server: RedisServer, tmp_path: Path
) -> None:
    with Deployment(kafka_server, redis_server, tmp_path) as deployment:
        deployment.wait_started()
        wrong = (partition_of(b"ada", 3) + 1) % 3
        deployment.publish([visit(1)._replace(partition=wrong), visit(2)])
        deployment.wait_durable()
        assert letters_of(deployment) == {(wrong, 0): "wrong_partition"}
        assert deployment.counters()["applied"] == 1


def test_a_signed_tick_counts_where_a_forged_one_does_not(deployment: Deployment) -> None:
    deployment.publish([forged_tick(deployment, None)])
    deployment.tick(DAY_ZERO_MS + DAY_MS)
    wait_until(lambda: deployment.standings()[0].tick == 2, "the second tick")
    assert deployment.standings()[0].clock_ms == DAY_ZERO_MS + DAY_MS
