"""Topics, groups, connection options and credentials of every Kafka client in this project."""

from typing import Any

import faust
from aiokafka import AIOKafkaProducer
from faust.types.auth import CredentialsT

from touchstream.agents.security import kafka_tls
from touchstream.agents.settings import KafkaSettings, Settings
from touchstream.schemas.topics import (
    ALERTS_TOPIC,
    CHURN_RISK_TOPIC,
    CUSTOMER_RISK_TOPIC,
    CUSTOMER_SIGNALS_TOPIC,
    DEAD_LETTERS_TOPIC,
    EXAMPLES_TOPIC,
    NEXT_BEST_ACTION_TOPIC,
    TOUCHPOINTS_TOPIC,
)

OUTPUT_TOPICS = (
    CHURN_RISK_TOPIC,
    CUSTOMER_RISK_TOPIC,
    NEXT_BEST_ACTION_TOPIC,
    ALERTS_TOPIC,
    CUSTOMER_SIGNALS_TOPIC,
    DEAD_LETTERS_TOPIC,
)
PACKET_BYTES = 512 * 1024
"""Several hundred emissions in one request."""
LARGEST_REQUEST = 4 * 1024 * 1024
"""Above the largest dead letter with its headers, which would block an outbox otherwise."""


def physical_topics(kafka: KafkaSettings) -> dict[str, str]:
    """Logical topic name -> its name at the broker."""
    names = {name: kafka.topic_prefix + name for name in (*OUTPUT_TOPICS, EXAMPLES_TOPIC)}
    return {**names, TOUCHPOINTS_TOPIC: kafka.topic_prefix + kafka.touchpoints}


def group(settings: Settings, role: str) -> str:
    """The consumer group of a role: ``worker`` or ``learner``."""
    return f"{settings.namespace}-{role}"


def client_options(kafka: KafkaSettings) -> dict[str, Any]:
    """Connection and security under the names that aiokafka and kafka-python share."""
    options: dict[str, Any] = {
        "bootstrap_servers": kafka.bootstrap.split(","),
        "security_protocol": kafka.security_protocol,
    }
    context = kafka_tls(kafka)
    if context is not None:
        options["ssl_context"] = context
    if kafka.security_protocol.startswith("SASL") and kafka.password is not None:
        options["sasl_mechanism"] = kafka.sasl_mechanism
        options["sasl_plain_username"] = kafka.username
        options["sasl_plain_password"] = kafka.password.get_secret_value()
    return options


def new_producer(settings: Settings) -> AIOKafkaProducer:
    """The outbox's producer: idempotent, so its own retries never duplicate or reorder."""
    return AIOKafkaProducer(
        **client_options(settings.kafka),
        client_id=f"{settings.namespace}-outbox",
        # acks=all follows from it.
        enable_idempotence=True,
        linger_ms=5,
        request_timeout_ms=30_000,
        max_batch_size=PACKET_BYTES,
        max_request_size=LARGEST_REQUEST,
    )


def credentials(kafka: KafkaSettings) -> CredentialsT | None:
    """Credentials for Faust, with an explicit context: its defaults silently omit TLS."""
    context = kafka_tls(kafka)
    if kafka.security_protocol.startswith("SASL") and kafka.password is not None:
        return faust.SASLCredentials(
            username=kafka.username,
            password=kafka.password.get_secret_value(),
            mechanism=kafka.sasl_mechanism,
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context=context)
