"""``touchstream topics``: create what is missing, check what is there."""

from typing import NamedTuple

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic

from agents.kafka import OUTPUT_TOPICS, client_options, physical_topics
from agents.settings import Settings
from schemas.topics import EXAMPLES_TOPIC, TOUCHPOINTS_TOPIC
from schemas.units import DAY_MS

FOR_EVER = -1


class Topic(NamedTuple):
    """How a topic has to be."""

    name: str
    partitions: int
    config: dict[str, str]


def wanted_topics(settings: Settings) -> list[Topic]:
    """Every topic of a deployment.

    The touchpoints carry the broker's own stamp (``LogAppendTime``), which no producer can forge;
    the examples are kept for ever: the learner can be made anew from them.
    """
    names, kafka = physical_topics(settings.kafka), settings.kafka
    kept = {"retention.ms": str(kafka.retention_days * DAY_MS)}
    touchpoints = {**kept, "message.timestamp.type": "LogAppendTime"}
    examples = {"retention.ms": str(FOR_EVER), "retention.bytes": str(FOR_EVER)}
    return [
        Topic(names[TOUCHPOINTS_TOPIC], kafka.partitions, touchpoints),
        Topic(names[EXAMPLES_TOPIC], 1, examples),
        *(Topic(names[topic], kafka.partitions, kept) for topic in OUTPUT_TOPICS),
    ]


class Checked(NamedTuple):
    """What became of one topic."""

    name: str
    created: bool
    faults: list[str]
    """What is not as it must be, a sentence each."""


def make_topics(settings: Settings) -> list[Checked]:
    """Create the missing topics, check the others. Blocks; raises kafka.errors.KafkaError."""
    admin = KafkaAdminClient(**client_options(settings.kafka))
    try:
        there = set(admin.list_topics())
        wanted = wanted_topics(settings)
        missing = [topic for topic in wanted if topic.name not in there]
        if missing:
            admin.create_topics(
                [
                    NewTopic(
                        name=topic.name,
                        num_partitions=topic.partitions,
                        replication_factor=settings.kafka.replication,
                        topic_configs=topic.config,
                    )
                    for topic in missing
                ]
            )
        made = {topic.name for topic in missing}
        return [
            Checked(
                topic.name, topic.name in made, [] if topic.name in made else _faults(admin, topic)
            )
            for topic in wanted
        ]
    finally:
        admin.close()


def drop_topics(settings: Settings) -> None:
    """Delete every topic of these settings; for the namespaces that a replay makes."""
    admin = KafkaAdminClient(**client_options(settings.kafka))
    try:
        admin.delete_topics([topic.name for topic in wanted_topics(settings)])
    finally:
        admin.close()


def _faults(admin: KafkaAdminClient, topic: Topic) -> list[str]:
    [found] = admin.describe_topics([topic.name])
    count = len(found["partitions"])
    faults = []
    if count != topic.partitions:
        faults.append(f"{count} partitions, want {topic.partitions}")
    described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name)])
    held = _config(described)
    for key, value in topic.config.items():
        if key in held and held[key] != value:
            faults.append(f"{key} is {held[key]}, want {value}")
    return faults


def _config(described: object) -> dict[str, str]:
    """Configuration values in whatever nesting the client answers."""
    found: dict[str, str] = {}
    pending = [described]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            if isinstance(part.get("config_name") or part.get("name"), str) and "value" in part:
                found[str(part.get("config_name") or part.get("name"))] = str(part["value"])
            else:
                pending.extend(part.values())
        elif isinstance(part, list | tuple):
            pending.extend(part)
    return found
