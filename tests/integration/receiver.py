"""A receiver of webhooks in a process of its own, to be killed.

    python -m tests.integration.receiver PORT KEY FILE

It appends a line ``id alert`` to FILE for every request whose signature is right, and answers 204
only once that is on the disk.
"""

import os
import sys

from aiohttp import web
from standardwebhooks import Webhook


def main(port: int, key: str, file: str) -> None:
    """Serve until it is killed."""
    book = Webhook(key)

    async def receive(request: web.Request) -> web.Response:
        data = book.verify(await request.read(), dict(request.headers))
        alerts = " ".join(data["data"]["alerts"])
        with open(file, "a", encoding="utf-8") as out:
            out.write(f"{request.headers['webhook-id']} {alerts}\n")
            out.flush()
            os.fsync(out.fileno())
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/hook", receive)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
