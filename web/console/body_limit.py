"""A limit to what a request may send, before anybody is signed in and anything is parsed."""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 64 * 1024
"""An answer to fifty alerts, the longest form, is below 16 KiB."""
TOO_LARGE = 413
BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods of which no page reads a body."""


class BodyLimit:
    """ASGI middleware: collects the body of a request, and answers 413 to one that is too large."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in BODILESS:
            await self._app(scope, receive, send)
            return
        body = None if _announced(scope) > MOST_BYTES else await _collected(receive)
        if body is None:
            refusal = PlainTextResponse("want a request of at most 64 KiB\n", TOO_LARGE)
            await refusal(scope, receive, send)
            return
        await self._app(scope, _with_first(body, receive), send)


def _announced(scope: Scope) -> int:
    """The length that the request says it has; 0 for none, or for one that is no number."""
    given = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(given) if given.isdigit() else 0


async def _collected(receive: Receive) -> Message | None:
    """The whole body as one message, or the disconnect; None: it is too large."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return message
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BYTES:
            return None
        if not message.get("more_body", False):
            return {"type": "http.request", "body": b"".join(parts), "more_body": False}


def _with_first(first: Message, receive: Receive) -> Receive:
    waiting = [first]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message
