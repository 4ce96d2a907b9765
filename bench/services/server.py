"""Operations of every real server on this machine: start, stop, kill, restart."""

from abc import ABC, abstractmethod
from typing import Self

from touchstream.agents.embedded.process import ServerError, ServerProcess


class Server(ABC):
    """Started by ``with`` on a port of this machine; it dies with this process."""

    def __init__(self) -> None:
        self._process: ServerProcess | None = None

    def start(self) -> None:
        """Start, or start again, on the same port and folder; returns when it answers.

        Raises ``ServerError`` with the end of its log if it does not.
        """
        self._process = self._launch()

    def stop(self) -> None:
        """End it in good order; does nothing if it does not run."""
        if self._process is not None and self._process.running:
            self._process.stop()
        self._process = None

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        self._running().kill()
        self._process = None

    def restart(self) -> None:
        """Kill it and start it again on its folder."""
        self.kill()
        self.start()

    def detach(self) -> int:
        """Let it outlive this process; return its process id."""
        return self._running().detach()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._running().pid

    @abstractmethod
    def _launch(self) -> ServerProcess:
        """A process that answers."""

    def _running(self) -> ServerProcess:
        if self._process is None:
            raise ServerError(f"this {type(self).__name__} is not running: call start() first")
        return self._process
