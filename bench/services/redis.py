"""A Redis to be killed, started again, and put back to an older copy of its folder."""

import shutil
from pathlib import Path

import redis

from bench.services.ports import free_port
from bench.services.server import Server
from touchstream.agents.embedded.process import ServerError, ServerProcess
from touchstream.agents.embedded.redis_server import find_server, launch


class RedisServer(Server):
    """One server.

    Parameters
    ----------
    folder
        Folder of its data; created if missing.
    binary
        ``redis-server`` or ``valkey-server``; by default the first found.
    options
        Further command-line options, such as ``("--cluster-enabled", "yes")``.
    """

    def __init__(
        self, folder: Path, binary: Path | None = None, options: tuple[str, ...] = ()
    ) -> None:
        super().__init__()
        found = binary or find_server()
        if found is None:
            raise ServerError("no redis-server or valkey-server: apt install redis-server")
        self.binary = found
        self.folder = folder
        self.url = f"redis://127.0.0.1:{free_port()}"
        self._options = options

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

    def _launch(self) -> ServerProcess:
        return launch(self.binary, self.folder, self.url, *self._options)
