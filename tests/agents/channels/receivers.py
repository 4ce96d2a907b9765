"""Real servers that receive, and the message that they are sent."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from touchstream.agents.channels.message import Message
from touchstream.schemas.units import Millis

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_KEY = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
NOON_MS = Millis(1_790_000_000_000)
MESSAGE = Message(
    id="msg_1",
    type="alert.raised",
    subject="Ada is likely to leave",
    text="Risk 81 %.\nCall them.",
    html="<p>Risk 81 %.</p>",
    payload={"alert": "a1", "customer": "ada"},
    language="en",
    time_ms=NOON_MS,
    details={"risk": 0.81},
)


CLOSING = web.AppKey("closing", asyncio.Event)


class Request(NamedTuple):
    """What arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.body)
        return found


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Receiver:
    """An HTTP server on loopback; ``answers`` says how it answers, one call after the other."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.arrived = asyncio.Event()
        self.answer: Answer = status(200)
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append(Request(request.path, headers, await request.read()))
        self.arrived.set()
        return await self.answer(request)


@contextlib.asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app[CLOSING] = asyncio.Event()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        app[CLOSING].set()
        await runner.cleanup()


def status(code: int, **headers: str) -> Answer:
    """Answer with a status, and headers such as ``Retry_After``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, headers=named)

    return answer


async def hang(request: web.Request) -> web.StreamResponse:
    """Do not answer before the server ends."""
    await request.app[CLOSING].wait()
    return web.Response()


async def hang_up(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def talk(request: web.Request) -> web.StreamResponse:
    """Answer 200 with a body that never ends."""
    answer = web.StreamResponse()
    await answer.prepare(request)
    while True:
        await answer.write(b"x" * 65_536)
