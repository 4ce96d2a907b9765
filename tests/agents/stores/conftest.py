"""The stores that the contract holds for: the twin, and real servers."""

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path
from time import sleep

import pytest

from agents.stores.base import Store
from agents.stores.memory import MemoryStore
from agents.stores.redis import RedisStore, connect
from bench.services.ports import free_port
from bench.services.redis import RedisServer
from tests.services import require, valkey_binary

_NAMESPACES = (f"contract-{number}" for number in count())


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    require("valkey")
    server = RedisServer(tmp_path_factory.mktemp("valkey"), valkey_binary())
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def cluster_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One node that owns every slot: it refuses a command whose keys lie in two."""
    require("redis")
    folder: Path = tmp_path_factory.mktemp("cluster")
    # The cluster bus takes port + 10,000, which may be above 65,535, unless it is given one.
    bus = ("--cluster-port", str(free_port()))
    server = RedisServer(folder, options=("--cluster-enabled", "yes", *bus))
    server.start()
    with server.client() as client:
        client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        while client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
            sleep(0.05)
    yield server
    server.stop()


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
async def open_redis(
    redis_server: RedisServer,
) -> AsyncIterator[Callable[..., RedisStore]]:
    """Open stores on the shared Redis, all in one namespace of this test's own."""
    namespace = next(_NAMESPACES)
    opened: list[RedisStore] = []

    def open_store(url: str = redis_server.url, **options: int) -> RedisStore:
        opened.append(connect(url, namespace, **options))
        return opened[-1]

    yield open_store
    for each in opened:
        await each.close()
