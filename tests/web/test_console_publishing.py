"""Answers of reps in a real Kafka."""

import asyncio
from itertools import count

import pytest

from bench.services.kafka import KafkaServer
from bench.services.ports import free_port
from tests.web.queue_rows import row
from touchstream.agents import clients
from touchstream.agents.cli.reading import read, whole
from touchstream.agents.settings import Settings
from touchstream.agents.topics import make_topics
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.touchpoints.actions import ActionOutcome, AlertFeedback
from touchstream.schemas.units import Millis
from touchstream.streams.intake.decode import Arrival, Origin, decode
from touchstream.streams.records import Record
from touchstream.web.console import publishing
from touchstream.web.console.answers import VERBS, Chosen, answer_of
from touchstream.web.console.principal import GUEST
from touchstream.web.console.publishing import KafkaPublisher, NotPublished

NOW_MS = parse_time("2026-11-28T12:00:00Z")
_PREFIXES = (f"console-{number}." for number in count())


def settings_at(bootstrap: str) -> Settings:
    kafka = {"bootstrap": bootstrap, "partitions": 2, "topic_prefix": next(_PREFIXES)}
    return Settings.model_validate({"kafka": kafka})


async def test_an_answer_arrives_as_a_touchpoint_that_a_worker_applies(
    kafka_server: KafkaServer,
) -> None:
    settings = settings_at(kafka_server.bootstrap)
    make_topics(settings)
    publisher = KafkaPublisher(settings)
    for verb in VERBS:
        answer = answer_of(verb, row("cy"), Chosen(reason="x"), GUEST, NOW_MS)
        assert answer is not None
        await publisher.publish("cy", answer.kind, answer.data, NOW_MS)
    await publisher.close()
    events = await asyncio.to_thread(arrived, settings)
    assert [type(one.event.data) for one in events] == [*[AlertFeedback] * 4, ActionOutcome]
    assert {(one.event.subject, one.event.time_ms) for one in events} == {("cy", NOW_MS)}


def arrived(settings: Settings) -> list[Arrival]:
    """The touchpoints in the topic as a worker decodes them; each must be one."""
    topic = settings.kafka.topic_prefix + "touchpoints"
    with clients.consumer(settings.kafka, topic) as consumer:
        records = list(read(consumer, whole(consumer, topic)))
    decoded = [
        decode(
            Record(one.offset, Millis(one.timestamp), one.key, one.value),
            Origin(one.partition, settings.kafka.partitions, None),
        )
        for one in records
    ]
    found = [one for one in decoded if isinstance(one, Arrival)]
    assert found == decoded
    assert [one.unknown_fields for one in found] == [()] * len(found)
    return found


async def test_a_broker_that_is_not_there_is_said_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publishing, "PATIENCE_S", 0.3)
    publisher = KafkaPublisher(settings_at(f"127.0.0.1:{free_port()}"))
    with pytest.raises(NotPublished):
        await publisher.publish("cy", "alert.feedback", {}, NOW_MS)
    await publisher.close()
