"""The topics of a deployment: create the missing ones, check the others."""

from typing import NamedTuple

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
from kafka.errors import TopicAlreadyExistsError

from touchstream.agents.clients import admin
from touchstream.agents.kafka import OUTPUT_TOPICS, physical_topics
from touchstream.agents.settings import Settings
from touchstream.schemas.topics import (
    ALERTS_TOPIC,
    COMPACTED_TOPICS,
    EXAMPLES_TOPIC,
    TOUCHPOINTS_TOPIC,
)
from touchstream.schemas.units import DAY_MS

FOR_EVER = -1
MOST_COMPACTION_LAG_MS = DAY_MS
"""Until an older record of a customer, or an erased one's, is gone from a compacted topic."""


class Topic(NamedTuple):
    """The required configuration of a topic."""

    name: str
    partitions: int
    config: dict[str, str]


def wanted_topics(settings: Settings) -> list[Topic]:
    """Every topic of a deployment.

    The touchpoints carry the broker's own stamp (``LogAppendTime``), which no producer can forge.
    The examples are kept for ever, so that the learner can be rebuilt from them. Of a compacted
    topic the newest record of each customer is kept for ever, and a tombstone for as long as the
    records of other topics: a consumer that was down for less misses none.
    """
    names, kafka = physical_topics(settings.kafka), settings.kafka
    kept = {"retention.ms": str(kafka.retention_days * DAY_MS)}
    touchpoints = {**kept, "message.timestamp.type": "LogAppendTime"}
    examples = {"retention.ms": str(FOR_EVER), "retention.bytes": str(FOR_EVER)}
    compacted = {
        "cleanup.policy": "compact",
        "delete.retention.ms": kept["retention.ms"],
        "max.compaction.lag.ms": str(MOST_COMPACTION_LAG_MS),
    }
    return [
        Topic(names[TOUCHPOINTS_TOPIC], kafka.partitions, touchpoints),
        Topic(names[EXAMPLES_TOPIC], 1, examples),
        *(
            Topic(
                names[topic],
                # The one notifier reads them in one order, and there are few.
                1 if topic == ALERTS_TOPIC else kafka.partitions,
                compacted if topic in COMPACTED_TOPICS else kept,
            )
            for topic in OUTPUT_TOPICS
        ),
    ]


class Checked(NamedTuple):
    """The result of a check of one topic."""

    name: str
    created: bool
    faults: list[str]
    """Misconfigurations, a sentence each."""


def make_topics(settings: Settings) -> list[Checked]:
    """Create the missing topics, check the others. Blocks; raises kafka.errors.KafkaError."""
    with admin(settings.kafka) as client:
        there = set(client.list_topics())
        wanted = wanted_topics(settings)
        made = {
            topic.name
            for topic in wanted
            if topic.name not in there and _make(client, topic, settings)
        }
        return [
            Checked(
                topic.name, topic.name in made, [] if topic.name in made else _faults(client, topic)
            )
            for topic in wanted
        ]


def check_topics(settings: Settings) -> list[Checked]:
    """Check all topics without creating any: a missing topic is a fault."""
    with admin(settings.kafka) as client:
        there = set(client.list_topics())
        return [
            Checked(
                topic.name,
                False,
                _faults(client, topic)
                if topic.name in there
                else ["missing: run `touchstream topics`"],
            )
            for topic in wanted_topics(settings)
        ]


def drop_topics(settings: Settings) -> None:
    """Delete every topic of these settings; for the namespaces of replays."""
    with admin(settings.kafka) as client:
        client.delete_topics([topic.name for topic in wanted_topics(settings)])


def _make(client: KafkaAdminClient, topic: Topic, settings: Settings) -> bool:
    """Create a topic; False if another process was faster."""
    new = NewTopic(
        name=topic.name,
        num_partitions=topic.partitions,
        replication_factor=settings.kafka.replication,
        topic_configs=topic.config,
    )
    try:
        client.create_topics([new])
    # Several processes may run this at once; the faster one has the same settings.
    except TopicAlreadyExistsError:
        return False
    return True


def _faults(client: KafkaAdminClient, topic: Topic) -> list[str]:
    [found] = client.describe_topics([topic.name])
    count = len(found["partitions"])
    faults = []
    if count != topic.partitions:
        faults.append(
            f"{count} partitions, want {topic.partitions}: set kafka.partitions; "
            "`touchstream reshard` changes it"
        )
    held = _config(client, topic.name)
    for key, value in topic.config.items():
        if held.get(key) != value:
            faults.append(f"{key} is {held.get(key)}, want {value}: kafka-configs --alter sets it")
    return faults


def _config(client: KafkaAdminClient, name: str) -> dict[str, str]:
    """Every configuration value of a topic, the broker's defaults included."""
    resource = ConfigResource(ConfigResourceType.TOPIC, name)
    described = client.describe_configs([resource], config_filter="all")
    return {key: entry["value"] for key, entry in described["topic"][name].items()}
