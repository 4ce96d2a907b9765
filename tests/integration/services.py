"""The deployments of a test: on the session's servers, or on servers of its own to be killed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.services.kafka import KafkaServer
from bench.services.redis import RedisServer
from tests.services import require


@contextmanager
def own_services(folder: Path) -> Iterator[tuple[KafkaServer, RedisServer]]:
    """Servers that a test may kill, stop and put back."""
    require("kafka")
    require("redis")
    with KafkaServer(folder / "kafka") as kafka, RedisServer(folder / "redis") as store:
        yield kafka, store
