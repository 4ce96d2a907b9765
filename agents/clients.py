"""Blocking Kafka clients for the commands; never on an event loop.

Each waits for the broker as long as ``KafkaSettings.patience_s`` says, at every step: to connect,
for metadata, and for the answer to a request. A broker that does not answer is a :class:`NoBroker`.
"""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread
from typing import Any

from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, KafkaTimeoutError

from touchstream.agents.kafka import LARGEST_REQUEST, client_options
from touchstream.agents.settings import KafkaSettings

SPOKEN = (2, 0)
"""A release that Kafka 4 and the embedded broker both support; the latter cannot name its own."""

LINGER_MS = 5
SHORTEST_CLOSE_MS = 100
"""A client that has heard nothing has nothing to say good-bye to."""


class NoBroker(Exception):
    """The broker does not answer or refuses; the message names the addresses and the remedy."""


@contextmanager
def consumer(
    kafka: KafkaSettings,
    topic: str,
    **options: Any,  # noqa: ANN401 - kafka-python's own options
) -> Iterator[KafkaConsumer]:
    """A consumer for ``topic`` that commits nothing by itself; assign its partitions.

    Do not subscribe: kafka-python 3.0.12 misses a topic that is subscribed to while the answer to
    its first, empty metadata request is in flight, and reads nothing for five minutes (observed
    once in 200 on a busy machine).
    """
    with _answering(kafka, f"topic {topic}"):
        client = _connect(KafkaConsumer, kafka, enable_auto_commit=False, **options)
        close_ms = SHORTEST_CLOSE_MS
        try:
            # With a given api_version the constructor connects to nobody.
            _within(kafka, lambda: client.partitions_for_topic(topic))
            yield client
            close_ms = _patience_ms(kafka)
        finally:
            client.close(timeout_ms=close_ms)


@contextmanager
def producer(kafka: KafkaSettings, topic: str) -> Iterator[KafkaProducer]:
    """An idempotent producer that waits for all replicas and chooses partitions by murmur2."""
    patience_ms = _patience_ms(kafka)
    with _answering(kafka, f"topic {topic}"):
        client = _connect(
            KafkaProducer,
            kafka,
            acks="all",
            linger_ms=LINGER_MS,
            max_request_size=LARGEST_REQUEST,
            max_block_ms=patience_ms,
            # kafka-python wants more than linger and one request together.
            delivery_timeout_ms=patience_ms + LINGER_MS + 1,
        )
        close_s = 0.0
        try:
            client.partitions_for(topic)
            yield client
            close_s = kafka.patience_s
        finally:
            # Unsent records are lost at the timeout; callers flush before.
            client.close(timeout=close_s)


@contextmanager
def admin(kafka: KafkaSettings) -> Iterator[KafkaAdminClient]:
    """A client that makes and looks at topics."""
    with _answering(kafka, f"topics {kafka.topic_prefix}*"):
        client = _connect(KafkaAdminClient, kafka)
        try:
            yield client
        finally:
            client.close()


def broker_version(kafka: KafkaSettings) -> str | None:
    """The release whose protocol the broker speaks; None for the embedded one."""
    _hush()
    try:
        client = KafkaAdminClient(
            **client_options(kafka), bootstrap_timeout_ms=min(2_000, _patience_ms(kafka))
        )
    except KafkaError:
        return None
    try:
        return ".".join(str(part) for part in client._manager.broker_version)
    finally:
        client.close()


def _connect(kind: Any, kafka: KafkaSettings, **options: Any) -> Any:  # noqa: ANN401 - untyped library
    _hush()
    patience_ms = _patience_ms(kafka)
    return kind(
        **client_options(kafka),
        api_version=SPOKEN,
        bootstrap_timeout_ms=patience_ms,
        request_timeout_ms=patience_ms,
        **options,
    )


@contextmanager
def _answering(kafka: KafkaSettings, what: str) -> Iterator[None]:
    """Turn every failure of the broker into one sentence that says what was tried."""
    try:
        yield
    except KafkaTimeoutError as exc:
        raise NoBroker(
            f"kafka.bootstrap={kafka.bootstrap!r} ({what}): no broker answered within "
            f"{kafka.patience_s:g} s: is it running, is the address right, and do "
            f"kafka.security_protocol and the credentials fit? ({_one_line(exc)})"
        ) from exc
    except KafkaError as exc:
        raise NoBroker(
            f"kafka.bootstrap={kafka.bootstrap!r} ({what}): {_one_line(exc)}: look at the broker, "
            "then run `touchstream doctor`"
        ) from exc


def _within(kafka: KafkaSettings, call: Callable[[], object]) -> None:
    """Make a call that kafka-python does not bound; raises KafkaTimeoutError if it takes too long.

    Its consumer waits for metadata without a limit once a bootstrap of its own has begun.
    """
    done: Future[object] = Future()

    def run() -> None:
        try:
            done.set_result(call())
        except Exception as exc:  # raised again by the caller, who waits for it
            done.set_exception(exc)

    # A pool would wait for its thread when the process ends.
    Thread(target=run, daemon=True).start()
    try:
        done.result(kafka.patience_s)
    except TimeoutError as exc:
        raise KafkaTimeoutError("no metadata") from exc


def _patience_ms(kafka: KafkaSettings) -> int:
    return round(kafka.patience_s * 1000)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _hush() -> None:
    """Silence this client, which raises all that it logs; called late, after logging is set up."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
