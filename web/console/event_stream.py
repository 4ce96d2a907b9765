"""Server-sent events: whole lists, each with its digest as id, and a heartbeat."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

from starlette.types import Receive, Scope, Send

HEARTBEAT_S = 15.0
"""Below the idle timeout of common proxies (30 s and more)."""
SLOW_S = 10.0
"""A client that takes no message for so long is closed; it comes back with its cursor."""
MOST_STREAMS = 8
"""Of a session; a browser has one for each window that is in sight."""
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    # nginx would collect the events otherwise.
    (b"x-accel-buffering", b"no"),
]
BEGIN = b"retry: 1000\n\n"
HEARTBEAT = b": still here\n\n"


class OpenStreams:
    """Counts the streams of each session."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    @contextmanager
    def of(self, session: str) -> Iterator[bool]:
        """Take a place for a stream; False if the session has as many as it may."""
        if self._open[session] >= MOST_STREAMS:
            yield False
            return
        self._open[session] += 1
        try:
            yield True
        finally:
            self._open[session] -= 1
            if not self._open[session]:
                del self._open[session]


def message(id_: str, html: str) -> bytes:
    """An unnamed event, which htmx swaps in; the id is the client's cursor."""
    lines = "".join(f"data: {line}\n" for line in html.splitlines())
    return f"id: {id_}\n{lines}\n".encode()


class EventStream:
    """An ASGI response that ends with its client, its source, or a client that is too slow."""

    def __init__(self, events: AsyncIterator[bytes], slow_s: float = SLOW_S) -> None:
        self._events = events
        self._slow_s = slow_s

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        sending = asyncio.ensure_future(self._send_all(send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send_all(self, send: Send) -> None:
        with suppress(TimeoutError):
            async for event in self._events:
                # One message at a time: the next one is read when this one is out.
                await self._in_time(send({"type": "http.response.body", **_body(event, True)}))
            await self._in_time(send({"type": "http.response.body", **_body(b"", False)}))

    async def _in_time(self, sent: Awaitable[None]) -> None:
        async with asyncio.timeout(self._slow_s):
            await sent


def _body(event: bytes, more: bool) -> dict[str, object]:
    return {"body": event, "more_body": more}


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


Render = Callable[[], tuple[str, str]]
"""Id and HTML of the list as it is now."""


async def lists(
    render: Render, wake: asyncio.Event, is_closing: Callable[[], bool], cursor: str
) -> AsyncIterator[bytes]:
    """The list whenever it differs from ``cursor``, the id of what the client shows."""
    yield BEGIN
    while not is_closing():
        wake.clear()
        id_, html = render()
        if id_ != cursor:
            cursor = id_
            yield message(id_, html)
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                await wake.wait()
        except TimeoutError:
            yield HEARTBEAT
