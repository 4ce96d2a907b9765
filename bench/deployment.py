"""One namespace on an embedded or a real broker, and single processes of the project in it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench.services.kafka import KafkaServer
from bench.services.redis import RedisServer
from touchstream.agents.replay.services import EMBEDDED, ReplayServices, changed_settings
from touchstream.agents.replay.services import services as replay_services
from touchstream.agents.replay.supervisor import Member

DEFAULTS = Path("/dev/null")
"""An empty settings file: a benchmark must not read the one of the working directory."""


class Services(NamedTuple):
    """Addresses of a real broker and Redis."""

    bootstrap: str
    redis_url: str


@contextmanager
def real_services() -> Iterator[Services]:
    """Apache Kafka and Redis of our own, gone afterwards."""
    with (
        TemporaryDirectory(prefix="touchstream-bench-") as folder,
        RedisServer(Path(folder) / "redis") as redis,
        KafkaServer(Path(folder) / "kafka") as kafka,
    ):
        yield Services(kafka.bootstrap, redis.url)


@contextmanager
def deployment(
    services: Services | None,
    partitions: int,
    workers: int = 1,
    changes: Mapping[str, str] | None = None,
) -> Iterator[ReplayServices]:
    """A fresh namespace with topics; on embedded services where none are given.

    ``changes`` are variables (``WORKER__LINGER_MS="10"``) on top of what a replay sets.
    """
    variables = {f"TOUCHSTREAM_{name}": value for name, value in (changes or {}).items()}
    if services is not None:
        variables["TOUCHSTREAM_REDIS__URL"] = services.redis_url
    broker = EMBEDDED if services is None else services.bootstrap
    settings = changed_settings(DEFAULTS, variables)
    with replay_services(settings, DEFAULTS, broker, workers, partitions, variables) as scene:
        yield scene


@contextmanager
def member(scene: ReplayServices, *role: str) -> Iterator[Member]:
    """A process of ours (``"worker"``, or ``"learner", "--ticks"``), ended afterwards."""
    started = Member(role[0], role, scene.environ, scene.logs)
    try:
        yield started
    except BaseException:
        print((scene.logs / f"{role[0]}.log").read_text(errors="replace")[-3000:])
        raise
    finally:
        started.stop()
