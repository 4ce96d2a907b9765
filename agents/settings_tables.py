"""The tables of the settings that are not rules, field by field with defaults and bounds."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    model_validator,
)

BROKERS = re.compile(r"(\[[0-9a-fA-F:]+\]|[^\s,:\[\]]+):\d{1,5}")
TOPIC = r"^[a-zA-Z0-9._-]{1,200}$"
SHORTEST_SECRET = 16
"""Characters of ``ticks.secret``; a shorter one could be guessed from recorded ticks."""


def _empty_is_unset(value: object) -> object:
    return None if value == "" else value


def _broker_list(text: str) -> str:
    if not all(BROKERS.fullmatch(broker) for broker in text.split(",")):
        raise ValueError("want host:port, several separated by commas")
    return text


def _redis_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise ValueError("want redis://, rediss:// (TLS) or unix:// and an address")
    if parts.username or parts.password:
        raise ValueError("want no user or password in it; set redis.username and redis.password")
    return text


def _long_enough(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None and len(secret.get_secret_value()) < SHORTEST_SECRET:
        raise ValueError(f"want at least {SHORTEST_SECRET} characters, or nothing")
    return secret


OptionalText = Annotated[str | None, BeforeValidator(_empty_is_unset)]
OptionalPath = Annotated[Path | None, BeforeValidator(_empty_is_unset)]
OptionalSecret = Annotated[SecretStr | None, BeforeValidator(_empty_is_unset)]


class Table(BaseModel):
    """One table: immutable, and without keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


PATIENCE_S = 10.0
"""Seconds that a command waits for an answer of Kafka or Redis, unless --timeout says other."""


class ServiceTable(Table):
    """A table about a service; knows how long a command waits for an answer of it.

    That is an option of each command (``--timeout``) and no setting.
    """

    _patience_s: float | None = PrivateAttr(default=None)

    def answering_within(self, patience_s: float) -> Self:
        """The same table for a command that waits so many seconds."""
        copied = self.model_copy()
        copied._patience_s = patience_s
        return copied


class KafkaSettings(ServiceTable):
    """The broker, and the topics that ``touchstream topics`` makes there."""

    bootstrap: Annotated[str, AfterValidator(_broker_list)] = "127.0.0.1:9092"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: OptionalText = None
    password: OptionalSecret = None
    ca_file: OptionalPath = None
    cert_file: OptionalPath = None
    key_file: OptionalPath = None
    touchpoints: Annotated[str, Field(pattern=TOPIC)] = "touchpoints"
    """The topic producers write to."""
    topic_prefix: Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{0,60}$")] = ""
    """Prefix of every topic name; each replay has its own."""
    embedded: bool = False
    """The broker is the embedded one of replay and demo, whose groups need a workaround."""
    session_timeout_s: Annotated[float, Field(ge=6, le=300)] = 10.0
    """A worker that is silent for this long loses its partitions to the others."""
    partitions: Annotated[int, Field(ge=1, le=10_000)] = 12
    """Stored at the first start; ``touchstream reshard`` moves to another count."""
    replication: Annotated[int, Field(ge=1, le=9)] = 1
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 14
    """Of touchpoints, emissions and dead letters, and of the tombstones of compacted topics.

    Must exceed the age of any copy of Redis that may have to be restored."""

    @property
    def patience_s(self) -> float:
        """Seconds that a blocking client waits for an answer."""
        return PATIENCE_S if self._patience_s is None else self._patience_s

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.security_protocol.startswith("SASL") and not (self.username and self.password):
            raise ValueError(f"{self.security_protocol} wants username and password")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("want cert_file and key_file together, or neither")
        return self


class RedisSettings(ServiceTable):
    """The store of the states: one server, or a cluster with one slot per shard."""

    url: Annotated[str, AfterValidator(_redis_url)] = "redis://127.0.0.1:6379/0"
    username: OptionalText = None
    password: OptionalSecret = None
    ca_file: OptionalPath = None
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 5.0

    @property
    def patience_s(self) -> float | None:
        """Seconds that a command waits for an answer, all tries together; None: not a command."""
        return self._patience_s


class TickSettings(Table):
    """The passage of time while no events arrive (docs/decisions/0002-ticks-in-the-log.md)."""

    interval_s: Annotated[float, Field(ge=0.1, le=86_400)] = 10.0
    """Live: seconds of wall time between two ticks."""
    every_days: Annotated[int, Field(ge=1, le=365)] = 1
    """Replay: days of event time between two ticks."""
    secret: Annotated[OptionalSecret, AfterValidator(_long_enough)] = None
    """Key of the HMAC in ticks; without it, every producer to the topic can forge them."""


class WorkerSettings(Table):
    """Batch sizes, limits and timeouts of a worker."""

    max_batch_records: Annotated[int, Field(ge=1, le=100_000)] = 2_000
    max_batches_in_flight: Annotated[int, Field(ge=1, le=64)] = 2
    """Per partition."""
    linger_ms: Annotated[int, Field(ge=0, le=1_000)] = 10
    """Time for a batch to grow: a small one costs 2 ms of CPU whatever it holds."""
    outbox_limit: Annotated[int, Field(ge=1)] = 100_000
    """Emissions of one shard waiting for the broker; above it consuming stops."""
    tick_chunk: Annotated[int, Field(ge=1, le=100_000)] = 2_000
    """Customers processed in one commit of a tick."""
    dead_letter_limit: Annotated[int, Field(ge=0)] = 1_000
    """More dead letters among the window stop the partition before it commits; 0 = never."""
    dead_letter_window: Annotated[int, Field(ge=1)] = 10_000
    stall_timeout_s: Annotated[float, Field(gt=0, le=3_600)] = 60.0
    """After this long with lag and no durable progress, the worker dumps its stacks and exits."""
    trust_received_header: bool = False
    """Take the time of receipt from a replay's header; never if others may write the topic."""
    on_lost_fence: Literal["refuse", "oldest", "newest"] = "refuse"
    """Start without a fence that fits the log: refuse, or read from the oldest or newest record."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.dead_letter_limit > self.dead_letter_window:
            raise ValueError("want dead_letter_limit <= dead_letter_window")
        return self


class LearnerSettings(Table):
    """The one learner."""

    max_batch_records: Annotated[int, Field(ge=1, le=100_000)] = 5_000
    """Examples read in one fetch."""
    outbox_limit: Annotated[int, Field(ge=1)] = 100_000
    """Ticks waiting for the broker; above it no further one is written."""
    stall_timeout_s: Annotated[float, Field(gt=0, le=3_600)] = 120.0


class NotifierSettings(Table):
    """The one notifier, which sends alerts to reps and queues."""

    console_url: Annotated[str, Field(pattern=r"^https?://\S+$")] = "http://127.0.0.1:9480"
    """Address of the console, for the links of messages."""
    stall_timeout_s: Annotated[float, Field(gt=0, le=3_600)] = 120.0


class HttpSettings(Table):
    """The address of ``/live``, ``/ready`` and ``/metrics``, served without authentication."""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 9464
    """0 = not served."""


class LoggingSettings(Table):
    """Log lines on standard error."""

    format: Literal["json", "console", "auto"] = "auto"
    """auto = console on a terminal, one JSON object a line elsewhere."""
    level: Literal["debug", "info", "warning", "error"] = "info"
