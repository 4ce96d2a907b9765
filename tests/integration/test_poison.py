"""Every record ends in one named place, and delays no other."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from bench.services.kafka import KafkaServer
from bench.services.redis import RedisServer
from tests.integration.deployment import Deployment, Sent
from tests.integration.oracle import letters_of
from tests.integration.traffic import event
from tests.make import DAY_ZERO_MS
from touchstream.schemas.tick import ActiveConfig, Tick, encode_tick
from touchstream.schemas.topics import DEAD_LETTERS_TOPIC, TOUCHPOINTS_TOPIC
from touchstream.schemas.units import DAY_MS, HOUR_MS, Millis
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.state import decode as decode_state

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(180)]

SECRET = "a secret of sixteen characters and more"
NOON_MS = DAY_ZERO_MS + 12 * HOUR_MS
LARGEST_RECORD = "33554432"


@pytest.fixture(scope="module")
def house(
    kafka_server: KafkaServer, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A worker on one partition that takes records of any size, and signed ticks."""
    folder = tmp_path_factory.mktemp("poison")
    with Deployment(
        kafka_server,
        redis_server,
        folder,
        learner=False,
        TICKS__SECRET=SECRET,
        KAFKA__PARTITIONS="1",
    ) as made:
        made.allow_records_of(LARGEST_RECORD)
        made.tick(DAY_ZERO_MS)
        made.wait_durable()
        yield made


class Chapter(NamedTuple):
    """The house, and what was there before the test."""

    house: Deployment
    first: int
    """Offset of the first record of the test."""
    before: dict[str, int]

    def publish(self, *records: Sent) -> None:
        """Write records and wait until they are durable."""
        self.house.publish(records)
        self.house.wait_durable()

    def counted(self) -> dict[str, int]:
        """The counts since."""
        gained = {n: c - self.before.get(n, 0) for n, c in self.house.counters().items()}
        return {name: count for name, count in gained.items() if count}

    def letters(self) -> dict[int, str]:
        """Reason by place among the test's records."""
        letters = letters_of(self.house)
        return {at - self.first: why for (_, at), why in letters.items() if at >= self.first}


@pytest.fixture
def chapter(house: Deployment) -> Chapter:
    return Chapter(house, house.ends(TOUCHPOINTS_TOPIC)[0], house.counters())


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
    active_config = ActiveConfig(model_version=0, rules="0" * 16, features="0" * 16)
    tick = Tick(number=2, time_ms=Millis(NOON_MS + 36_500 * DAY_MS), active_config=active_config)
    return Sent(encode_tick(tick, secret), None, Millis(NOON_MS))


def poison(deployment: Deployment) -> list[tuple[str, Sent]]:
    """Reason of the dead letter, record."""
    one = visit(1)
    return [
        ("not_json", one._replace(value=one.value[:-20])),
        ("bad_number", one._replace(value=one.value.replace(b'"page":"/"', b'"page":NaN'))),
        ("bad_string", one._replace(value=one.value.replace(b'"page":"/"', rb'"page":"\ud83d"'))),
        ("not_an_object", one._replace(value=b"[1,2,3]")),
        ("bad_string", one._replace(value=b'{"id":"\xff"}')),
        ("too_deep", one._replace(value=b'{"a":' * 40 + b"1" + b"}" * 40)),
        ("too_large", visit(2, page="x" * (10 * 1024 * 1024))),
        ("missing_attribute", changed(one, subject=None)),
        ("bad_specversion", changed(one, specversion="0.3")),
        ("bad_time", changed(one, time="yesterday")),
        ("bad_data", changed(one, data={"page": 7})),
        ("bad_data", changed(one, type="order.placed", data={"order": "o", "currency": "EUR"})),
        ("key_not_subject", one._replace(key=b"bob")),
        ("key_not_subject", one._replace(key=None)),
        ("conflicting_id", visit(0, page="/another")),
        ("reserved_type", changed(one, type="touchstream.secret")),
        ("forged_tick", forged_tick(deployment, None)),
        ("forged_tick", forged_tick(deployment, b"another secret of sixteen characters")),
    ]


def test_every_poison_is_a_dead_letter_with_its_reason_and_delays_nobody(chapter: Chapter) -> None:
    sick = poison(chapter.house)
    sound = [visit(100 + number, f"c{number}") for number in range(500)]
    started = time.monotonic()
    chapter.publish(visit(0), *(sent for _, sent in sick), *sound)
    seconds = time.monotonic() - started

    assert chapter.letters() == {place: reason for place, (reason, _) in enumerate(sick, 1)}
    counted = chapter.counted()
    assert (counted["applied"], counted["dead"]) == (501, len(sick))
    assert chapter.house.checkpoints()[0].watermark_ms == DAY_ZERO_MS
    assert chapter.house.workers[0].exits == []
    assert seconds < 30


def test_a_dead_letter_of_ten_megabytes_is_cut_and_says_so(chapter: Chapter) -> None:
    [before] = chapter.house.ends(DEAD_LETTERS_TOPIC)
    chapter.publish(visit(1000, page="x" * (10 * 1024 * 1024)))
    [letter] = chapter.house.read(DEAD_LETTERS_TOPIC)[0][before:]
    assert len(letter.value) == 512 * 1024
    assert dict(letter.headers)["touchstream-cut"] == b"body"


def test_unknown_types_and_events_too_late_are_dropped_and_counted(chapter: Chapter) -> None:
    late = event(1001, "web.visit", "ada", DAY_ZERO_MS - 8 * DAY_MS, NOON_MS)
    chapter.publish(changed(visit(1002), type="loyalty.stamped"), late)
    assert chapter.counted() == {
        "dropped": 2,
        "dropped.too_late": 1,
        "dropped.unknown_type": 1,
    }
    assert chapter.letters() == {}


def test_a_repeated_event_counts_once(chapter: Chapter) -> None:
    chapter.publish(*[visit(1003)] * 3)
    counted = chapter.counted()
    assert (counted["applied"], counted["duplicate"]) == (1, 2)


def test_an_event_dated_2099_is_clamped_to_its_arrival(chapter: Chapter) -> None:
    chapter.publish(event(1004, "web.visit", "eve", 4_073_000_000_000, NOON_MS), visit(1005, "bob"))
    counted = chapter.counted()
    assert (counted["applied"], counted["clamped"]) == (2, 1)
    profile = decode_state(chapter.house.states("p0")["eve"]).profile
    assert profile is not None
    assert profile.last_seen_ms == NOON_MS + 5 * 60_000
    assert chapter.house.checkpoints()[0].watermark_ms == DAY_ZERO_MS


def test_past_the_limit_the_worker_stops_and_goes_on_when_it_is_raised(chapter: Chapter) -> None:
    house, worker = chapter.house, chapter.house.workers[0]
    house.publish([visit(1006 + number) for number in range(10)])
    house.wait_durable()
    worker.down()
    house.change(worker, WORKER__DEAD_LETTER_LIMIT="3", WORKER__DEAD_LETTER_WINDOW="10")
    house.publish([*[Sent(b"{", b"ada", Millis(NOON_MS))] * 4, visit(1016)])
    worker.wanted = True
    assert worker.wait_for_end(60) == 1
    worker.wanted = False
    assert "more than 3 dead letters among the last 10 records" in worker.log_text()
    assert chapter.counted().get("dead", 0) <= 3

    house.change(worker, WORKER__DEAD_LETTER_LIMIT="5")
    worker.wanted = True
    house.wait_durable()
    counted = chapter.counted()
    assert (counted["applied"], counted["dead"]) == (11, 4)


def test_a_signed_tick_counts_where_a_forged_one_does_not(chapter: Chapter) -> None:
    chapter.publish(forged_tick(chapter.house, None))
    assert chapter.house.checkpoints()[0].tick == 1
    chapter.house.tick(DAY_ZERO_MS + DAY_MS)
    chapter.house.wait_durable()
    assert chapter.house.checkpoints()[0].tick == 2
    assert chapter.house.checkpoints()[0].watermark_ms == DAY_ZERO_MS + DAY_MS


def test_a_record_on_the_wrong_partition_is_a_dead_letter(
    kafka_server: KafkaServer, redis_server: RedisServer, tmp_path: Path
) -> None:
    with Deployment(kafka_server, redis_server, tmp_path, learner=False) as deployment:
        wrong = (partition_of(b"ada", 3) + 1) % 3
        deployment.publish([visit(1)._replace(partition=wrong), visit(2)])
        deployment.wait_durable()
        assert letters_of(deployment) == {(wrong, 0): "wrong_partition"}
        assert deployment.counters()["applied"] == 1
