"""The stores that the contract holds for: the twin, and real servers."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from time import sleep

import pytest

from bench.services.ports import free_port
from bench.services.redis import RedisServer
from tests.services import require, valkey_binary
from touchstream.agents.stores.base import Store
from touchstream.agents.stores.memory import MemoryStore
from touchstream.agents.stores.redis import connect

_NAMESPACES = (f"contract-{number}" for number in count())


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    require("valkey")
    with RedisServer(tmp_path_factory.mktemp("valkey"), valkey_binary()) as server:
        yield server


@pytest.fixture(scope="session")
def cluster_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One node that owns every slot: it refuses a command whose keys lie in two."""
    require("redis")
    folder: Path = tmp_path_factory.mktemp("cluster")
    # The cluster bus takes port + 10,000, which may be above 65,535, unless it is given one.
    bus = ("--cluster-port", str(free_port()))
    with RedisServer(folder, options=("--cluster-enabled", "yes", *bus)) as server:
        with server.client() as client:
            client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            while client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                sleep(0.05)
        yield server


@pytest.fixture(
    params=[
        "memory",
        pytest.param("redis_server", marks=pytest.mark.integration),
        pytest.param("redis_server?protocol=2", marks=pytest.mark.integration),
        pytest.param("valkey_server", marks=pytest.mark.integration),
        pytest.param("cluster_server", marks=pytest.mark.integration),
    ]
)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """An empty store; the server behind it is shared, the namespace is not."""
    if request.param == "memory":
        yield MemoryStore()
        return
    fixture, _, options = request.param.partition("?")
    server: RedisServer = request.getfixturevalue(fixture)
    opened = connect(f"{server.url}?{options}", next(_NAMESPACES))
    yield opened
    await opened.close()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that the test may kill, fill and misconfigure."""
    require("redis")
    with RedisServer(tmp_path / "redis") as server:
        yield server
