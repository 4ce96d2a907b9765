"""A Redis to be killed, started again, and put back to an older copy of its folder."""

import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from agents.embedded.process import ServerError, ServerProcess
from agents.embedded.redis_server import find_server, launch
from bench.services.ports import free_port


class RedisServer:
    """One server on one port of this machine, started by ``with``; it dies with this process.

    Parameters
    ----------
    folder
        Where its data lies; made if missing.
    binary
        ``redis-server`` or ``valkey-server``; by default the first found.
    options
        Further command-line options, such as ``("--cluster-enabled", "yes")``.
    """

    def __init__(
        self, folder: Path, binary: Path | None = None, options: tuple[str, ...] = ()
    ) -> None:
        found = binary or find_server()
        if found is None:
            raise ServerError("no redis-server or valkey-server: apt install redis-server")
        self.binary = found
        self.folder = folder
        self.url = f"redis://127.0.0.1:{free_port()}"
        self._options = options
        self._process: ServerProcess | None = None

    def start(self) -> None:
        """Start, or start again, on the same port and folder; returns when it answers."""
        self._process = launch(self.binary, self.folder, self.url, *self._options)

    def stop(self) -> None:
        """End it in good order; does nothing if it does not run."""
        if self._process is not None and self._process.running:
            self._process.stop()
        self._process = None

    def kill(self) -> None:
        """SIGKILL: what it has not written is gone (little: see restart_on_copy)."""
        self._running().kill()
        self._process = None

    def restart(self) -> None:
        """Kill it and start it again on what its folder holds."""
        self.kill()
        self.start()

    def copy_folder(self, copy: Path) -> Path:
        """Copy the data as they lie on the disk now; the server goes on."""
        return Path(shutil.copytree(self.folder, copy))

    def restart_on_copy(self, copy: Path) -> None:
        """Kill it and start it on ``copy``: all that came after the copy is undone.

        A SIGKILL alone undoes almost nothing, for Redis writes the AOF before it answers.
        """
        self.kill()
        self.folder = copy
        self.start()

    def client(self) -> redis.Redis:
        """A blocking client, to look inside or to change its settings; close it."""
        return redis.Redis.from_url(self.url)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._running().pid

    def _running(self) -> ServerProcess:
        if self._process is None:
            raise ServerError("this Redis is not running: call start() first")
        return self._process
