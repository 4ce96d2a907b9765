"""The operator's port: ``/live``, ``/ready`` and ``/metrics``, without authentication."""

from collections.abc import Callable, Sequence
from typing import Self

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

Troubles = Callable[[], Sequence[str]]
"""Problems, a sentence each; empty if there are none."""


class HealthServer:
    """Serves until stopped; ``async with`` starts and stops it.

    ``live`` fails (503 with the reasons) when a restart may help, ``ready`` while the process
    cannot work. Keep the host on loopback or the port inside a private network: the metrics reveal
    the size of the business.
    """

    def __init__(
        self,
        host: str,
        port: int,
        registry: CollectorRegistry,
        *,
        live: Troubles,
        ready: Troubles,
    ) -> None:
        self.port = port
        """The port listened on; chosen by the system when 0 was asked for."""
        self._host = host
        self._registry = registry
        self._live = live
        self._ready = ready
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; raises OSError when the port is taken."""
        app = web.Application()
        app.router.add_get("/live", self._answer_live)
        app.router.add_get("/ready", self._answer_ready)
        app.router.add_get("/metrics", self._answer_metrics)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening; safe to repeat."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _answer_live(self, _request: web.Request) -> web.Response:
        return _response(self._live())

    async def _answer_ready(self, _request: web.Request) -> web.Response:
        return _response(self._ready())

    async def _answer_metrics(self, _request: web.Request) -> web.Response:
        body = generate_latest(self._registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _response(troubles: Sequence[str]) -> web.Response:
    if troubles:
        return web.json_response({"ok": False, "troubles": list(troubles)}, status=503)
    return web.json_response({"ok": True})
