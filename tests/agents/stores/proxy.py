"""A TCP proxy that loses replies: the server has done the work, the client never hears of it."""

import asyncio
from typing import Self


class LossyProxy:
    """Stands before a server on this machine; closes the connection instead of the next replies.

    Only replies to requests that contain ``marker`` count, so that a client's greeting passes.
    """

    def __init__(self, server_port: int, marker: bytes) -> None:
        self._server_port = server_port
        self._marker = marker
        self._to_lose = 0
        self.lost = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"

    def lose(self, replies: int) -> None:
        self._to_lose = replies

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        server, ask = await asyncio.open_connection("127.0.0.1", self._server_port)
        try:
            while request := await client.read(2**20):
                ask.write(request)
                reply = await server.read(2**20)
                if self._to_lose and self._marker in request:
                    self._to_lose -= 1
                    self.lost += 1
                    return
                answer.write(reply)
        finally:
            for end in (ask, answer):
                end.close()
            self._tasks.discard(task)
