"""An in-memory Kafka of our own: the mock cluster in the librdkafka of confluent-kafka's wheel.

It is not a log (measured with confluent-kafka 2.16.1): it keeps the newest 5 MB of each partition
and silently drops older records, so its producer must wait for its consumers. It has no
CreateTopics and no SASL, and keeps the producer's time and headers (LogAppendTime is ignored; a
send returns the stamp 1234). Never for production.

Groups: a member that joins or leaves later costs one session timeout without any reads, so start
all members within the join delay. Every process that joins a group of several first calls
``let_followers_sync_first``.
"""

import ctypes
from collections.abc import Mapping
from typing import Any, Self

from confluent_kafka import cimpl

KEPT_BYTES_PER_PARTITION = 5 * 1024 * 1024
"""librdkafka's own bound, compressed; the oldest batches above it vanish."""

JOIN_DELAY_MS = 200
"""A new group waits this long for its other members; use 3,000 if several processes join."""

_PRODUCER = 0
_OK = 0
_BROKER_ID = 1
_ERROR_BYTES = 512


class BrokerError(RuntimeError):
    """The embedded broker cannot be created or changed; the message has librdkafka's error."""


class EmbeddedBroker:
    """A broker with the given topics (name -> partitions) at ``bootstrap`` on this machine."""

    def __init__(self, topics: Mapping[str, int], join_delay_ms: int = JOIN_DELAY_MS) -> None:
        self._library = _library()
        self._handle: int | None = _quiet_handle(self._library)
        self._cluster: int | None = self._library.rd_kafka_mock_cluster_new(self._handle, 1)
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, join_delay_ms)
        try:
            for topic, partitions in topics.items():
                self._create(topic, partitions)
        except BrokerError:
            self.close()
            raise
        found: bytes = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster)
        self.bootstrap = found.decode()

    def down(self) -> None:
        """Close all connections and refuse new ones; the content stays."""
        self._require(
            self._library.rd_kafka_mock_broker_set_down(self._cluster, _BROKER_ID), "down"
        )

    def up(self) -> None:
        """Accept connections again, at the same address."""
        self._require(self._library.rd_kafka_mock_broker_set_up(self._cluster, _BROKER_ID), "up")

    def close(self) -> None:
        """Destroy it with its content; a second call does nothing."""
        if self._cluster:
            self._library.rd_kafka_mock_cluster_destroy(self._cluster)
            self._library.rd_kafka_destroy(self._handle)
        self._cluster = self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _create(self, topic: str, partitions: int) -> None:
        what = f"topic {topic} with {partitions} partitions"
        if partitions < 1:
            raise BrokerError(f"embedded broker: {what}: want at least 1")
        create = self._library.rd_kafka_mock_topic_create
        self._require(create(self._cluster, topic.encode(), partitions, 1), what)

    def _require(self, code: int, what: str) -> None:
        if code != _OK:
            reason: bytes = self._library.rd_kafka_err2str(code)
            raise BrokerError(f"embedded broker: {what}: {reason.decode()}")


_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "rd_kafka_conf_new": (ctypes.c_void_p, ()),
    "rd_kafka_conf_set": (
        ctypes.c_int,
        (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t),
    ),
    "rd_kafka_new": (
        ctypes.c_void_p,
        (ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t),
    ),
    "rd_kafka_destroy": (None, (ctypes.c_void_p,)),
    "rd_kafka_err2str": (ctypes.c_char_p, (ctypes.c_int,)),
    "rd_kafka_mock_cluster_new": (ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_int)),
    "rd_kafka_mock_cluster_destroy": (None, (ctypes.c_void_p,)),
    "rd_kafka_mock_cluster_bootstraps": (ctypes.c_char_p, (ctypes.c_void_p,)),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, (ctypes.c_void_p, ctypes.c_int32)),
    "rd_kafka_mock_topic_create": (
        ctypes.c_int,
        (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int),
    ),
    "rd_kafka_mock_broker_set_down": (ctypes.c_int, (ctypes.c_void_p, ctypes.c_int32)),
    "rd_kafka_mock_broker_set_up": (ctypes.c_int, (ctypes.c_void_p, ctypes.c_int32)),
}
"""C function -> (result, arguments), from rdkafka.h and rdkafka_mock.h."""


def _library() -> ctypes.CDLL:
    """The librdkafka in the extension module that is linked to it."""
    library = ctypes.CDLL(cimpl.__file__)
    for name, (result, arguments) in _SIGNATURES.items():
        try:
            function = getattr(library, name)
        except AttributeError as error:
            raise BrokerError(
                f"this build of confluent-kafka lacks {name}: install its wheel, or use Kafka"
            ) from error
        function.restype, function.argtypes = result, arguments
    return library


def _quiet_handle(library: ctypes.CDLL) -> int:
    """A client that never connects: it provides the cluster's thread, and prints nothing."""
    problem = ctypes.create_string_buffer(_ERROR_BYTES)
    settings = library.rd_kafka_conf_new()
    library.rd_kafka_conf_set(settings, b"log_level", b"0", problem, _ERROR_BYTES)
    handle: int | None = library.rd_kafka_new(_PRODUCER, settings, problem, _ERROR_BYTES)
    if not handle:
        raise BrokerError(f"embedded broker: {problem.value.decode()}")
    return handle
