"""The operator's port says what is wrong, and is gone after stop."""

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from touchstream.agents.health import HealthServer
from touchstream.agents.metrics import Metrics


class Troubles:
    """The troubles that the process reports, changed by the tests."""

    def __init__(self) -> None:
        self.live: list[str] = []
        self.ready: list[str] = []


def server_for(troubles: Troubles, registry: CollectorRegistry | None = None) -> HealthServer:
    return HealthServer(
        "127.0.0.1",
        0,
        registry or CollectorRegistry(),
        live=lambda: troubles.live,
        ready=lambda: troubles.ready,
    )


async def get(port: int, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as response,
    ):
        return response.status, await response.text()


async def test_without_troubles_it_is_live_and_ready() -> None:
    async with server_for(Troubles()) as server:
        assert await get(server.port, "/live") == (200, '{"ok": true}')
        assert await get(server.port, "/ready") == (200, '{"ok": true}')


async def test_troubles_of_readiness_leave_liveness_alone() -> None:
    troubles = Troubles()
    troubles.ready = ["p3 is parked: model version 7 is not in Redis"]
    async with server_for(troubles) as server:
        assert await get(server.port, "/ready") == (
            503,
            '{"ok": false, "troubles": ["p3 is parked: model version 7 is not in Redis"]}',
        )
        assert (await get(server.port, "/live"))[0] == 200


async def test_readiness_is_asked_anew_every_time() -> None:
    troubles = Troubles()
    async with server_for(troubles) as server:
        assert (await get(server.port, "/ready"))[0] == 200
        troubles.ready = ["no partitions assigned"]
        assert (await get(server.port, "/ready"))[0] == 503


async def test_a_stalled_process_is_not_live() -> None:
    troubles = Troubles()
    troubles.live = ["no durable progress for 61 s"]
    async with server_for(troubles) as server:
        assert (await get(server.port, "/live"))[0] == 503


async def test_metrics_are_those_of_the_registry() -> None:
    registry = CollectorRegistry()
    Metrics(registry).count("batches", 3)
    async with server_for(Troubles(), registry) as server:
        status, text = await get(server.port, "/metrics")
    assert status == 200
    assert "touchstream_batches_total 3.0" in text.splitlines()


async def test_after_stop_the_port_is_free_and_stop_may_be_repeated() -> None:
    server = server_for(Troubles())
    await server.start()
    port = server.port
    await server.stop()
    await server.stop()
    with pytest.raises(aiohttp.ClientConnectorError):
        await get(port, "/live")
