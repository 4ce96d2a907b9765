"""Blocking Kafka clients for the commands; never on an event loop."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from touchstream.agents.kafka import LARGEST_REQUEST, client_options
from touchstream.agents.settings import KafkaSettings

SPOKEN = (2, 0)
"""A release that Kafka 4 and the embedded broker both support; the latter cannot name its own."""

BOOTSTRAP_TIMEOUT_S = 10


class NoBroker(Exception):
    """No broker answers; the message names the addresses and the remedy."""


@contextmanager
def consumer(kafka: KafkaSettings, **options: Any) -> Iterator[KafkaConsumer]:  # noqa: ANN401
    """A consumer that commits nothing by itself; assign its partitions.

    Do not subscribe: kafka-python 3.0.12 misses a topic that is subscribed to while the answer to
    its first, empty metadata request is in flight, and reads nothing for five minutes (observed
    once in 200 on a busy machine).
    """
    client = _connect(KafkaConsumer, kafka, enable_auto_commit=False, **options)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def producer(kafka: KafkaSettings) -> Iterator[KafkaProducer]:
    """An idempotent producer that waits for all replicas and chooses partitions by murmur2."""
    client = _connect(
        KafkaProducer, kafka, acks="all", linger_ms=5, max_request_size=LARGEST_REQUEST
    )
    try:
        yield client
    finally:
        # Unsent records are lost at the timeout; callers flush before.
        client.close(timeout=BOOTSTRAP_TIMEOUT_S)


@contextmanager
def admin(kafka: KafkaSettings) -> Iterator[KafkaAdminClient]:
    """A client that makes and looks at topics."""
    client = _connect(KafkaAdminClient, kafka)
    try:
        yield client
    finally:
        client.close()


def broker_version(kafka: KafkaSettings) -> str | None:
    """The release whose protocol the broker speaks; None for the embedded one."""
    _hush()
    try:
        client = KafkaAdminClient(**client_options(kafka), bootstrap_timeout_ms=2_000)
    except KafkaError:
        return None
    try:
        return ".".join(str(part) for part in client._manager.broker_version)
    finally:
        client.close()


def _connect(kind: Any, kafka: KafkaSettings, **options: Any) -> Any:  # noqa: ANN401 - untyped library
    _hush()
    try:
        return kind(
            **client_options(kafka),
            api_version=SPOKEN,
            bootstrap_timeout_ms=BOOTSTRAP_TIMEOUT_S * 1000,
            **options,
        )
    except KafkaError as exc:
        raise NoBroker(
            f"kafka.bootstrap={kafka.bootstrap!r}: no broker answered within "
            f"{BOOTSTRAP_TIMEOUT_S} s: is it running, is the address right, and do "
            f"kafka.security_protocol and the credentials fit? ({exc})"
        ) from exc


def _hush() -> None:
    """Silence this client, which raises all that it logs; called late, after logging is set up."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
