"""The services of a replay or a demo: embedded, or a real broker with a fresh namespace."""

import os
import secrets
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from touchstream.agents.embedded import redis_server
from touchstream.agents.embedded.broker import EmbeddedBroker
from touchstream.agents.settings import Settings
from touchstream.agents.topics import drop_topics, make_topics, wanted_topics

EMBEDDED = "embedded"
EMBEDDED_PARTITIONS = 4
JOIN_DELAY_MS = 3_000  # several workers start together; a later one costs a session timeout
LONE_JOIN_DELAY_MS = 200
WARNING = (
    "embedded broker and Redis: in memory, on this machine, for trying out; never for production"
)


class ServicesError(RuntimeError):
    """A service is not available; the message names it and the remedy."""


class ReplayServices(NamedTuple):
    """Settings of the services, and the same as environment for child processes."""

    settings: Settings
    environ: Mapping[str, str]
    logs: Path
    twin: bool = False
    """Without Redis: the store is the in-memory twin, and everything runs in this process."""


@contextmanager
def services(
    settings: Settings,
    config: Path | None,
    broker: str,
    workers: int,
    partitions: int | None = None,
    more: Mapping[str, str] | None = None,
) -> Iterator[ReplayServices]:
    """Provide the services in a fresh namespace, and remove everything at the end.

    ``more`` are further settings, as environment variables.
    """
    with ExitStack() as ending:
        logs = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="touchstream-run-")))
        namespace = f"replay-{secrets.token_hex(4)}"
        changes = {
            "TOUCHSTREAM_NAMESPACE": namespace,
            "TOUCHSTREAM_KAFKA__TOPIC_PREFIX": f"{namespace}.",
            # Several processes share this machine.
            "TOUCHSTREAM_HTTP__PORT": "0",
            # Nobody else can write to the topics of a fresh namespace.
            "TOUCHSTREAM_WORKER__TRUST_RECEIVED_HEADER": "true",
            # A history may hold any number of malformed lines.
            "TOUCHSTREAM_WORKER__DEAD_LETTER_LIMIT": "0",
            # A replay has a backlog, so batches are large anyway.
            "TOUCHSTREAM_WORKER__LINGER_MS": "0",
            **(more or {}),
        }
        if config is not None:
            changes["TOUCHSTREAM_CONFIG"] = str(config.resolve())
        if broker == EMBEDDED:
            count = partitions or EMBEDDED_PARTITIONS
            changes["TOUCHSTREAM_KAFKA__PARTITIONS"] = str(count)
            changes["TOUCHSTREAM_KAFKA__EMBEDDED"] = "true"
            redis_url = _embedded_redis(ending, workers)
            if redis_url is not None:
                changes["TOUCHSTREAM_REDIS__URL"] = redis_url
            changed = changed_settings(config, changes)
            topics = {topic.name: topic.partitions for topic in wanted_topics(changed)}
            changes["TOUCHSTREAM_KAFKA__BOOTSTRAP"] = ending.enter_context(
                EmbeddedBroker(topics, JOIN_DELAY_MS if workers > 1 else LONE_JOIN_DELAY_MS)
            ).bootstrap
            yield ReplayServices(
                changed_settings(config, changes), changes, logs, redis_url is None
            )
            return
        count = partitions or settings.kafka.partitions
        changes["TOUCHSTREAM_KAFKA__PARTITIONS"] = str(count)
        changes["TOUCHSTREAM_KAFKA__BOOTSTRAP"] = broker
        changed = changed_settings(config, changes)
        make_topics(changed)
        ending.callback(drop_topics, changed)
        yield ReplayServices(changed, changes, logs)


def changed_settings(config: Path | None, changes: Mapping[str, str]) -> Settings:
    """The settings of this process with ``changes``, as its children will read them."""
    return Settings.load(config, {**os.environ, **changes})


def _embedded_redis(ending: ExitStack, workers: int) -> str | None:
    """The URL of an embedded Redis; None, with a message on standard error, if none is found."""
    server = redis_server.start()
    if server is not None:
        return ending.enter_context(server).url
    if workers > 1:
        raise ServicesError(f"--workers {workers}: {redis_server.NO_SERVER}; want --workers 1")
    sys.stderr.write(redis_server.NO_SERVER + "\n")
    return None
