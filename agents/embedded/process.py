"""A server as a child process that cannot outlive us.

A *leash*, a shell that reads from a pipe of ours, kills the server when the pipe closes, however
this process ends. Linux's parent-death signal is unsuitable: it fires when the *thread* that
started the child ends.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Self

STOP_TIMEOUT_S = 30.0
"""Kafka takes some seconds to close its log; a server that takes longer is killed."""

POLL_S = 0.02
_LEASH = 'read -r _ || kill -KILL "$1"'


class ServerError(RuntimeError):
    """A server did not start; the message has the end of its log."""


class ServerProcess:
    """A running server whose output goes to ``log``. Ctrl-C does not reach it.

    Without a log it prints to our standard error and uses our working folder.
    """

    def __init__(
        self, command: Sequence[str], log: Path | None, environ: Mapping[str, str] | None = None
    ) -> None:
        self.log = log
        with nullcontext(sys.stderr) if log is None else log.open("ab") as output:
            self._server = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=None if log is None else log.parent,
                env=environ,
                # A session of its own, so that Ctrl-C at the terminal does not reach it.
                start_new_session=True,
            )
        self._leash = subprocess.Popen(
            ["/bin/sh", "-c", _LEASH, "leash", str(self.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._server.pid

    @property
    def running(self) -> bool:
        return self._server.poll() is None

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._server.poll()

    def wait_until(self, ready: Callable[[], bool], timeout_s: float) -> Self:
        """Return once ``ready()``; at the timeout kill the process and raise ServerError."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if not self.running or time.monotonic() > deadline:
                self.kill()
                raise ServerError(self._obituary(timeout_s))
            time.sleep(POLL_S)
        return self

    def stop(self) -> None:
        """Send SIGTERM and wait; kill it if it does not exit."""
        self._server.terminate()
        try:
            self._server.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._server.kill()
        self._release()

    def kill(self) -> None:
        """Send SIGKILL, as a crash would."""
        self._server.kill()
        self._release()

    def detach(self) -> int:
        """Let it outlive us; return its process id, the only handle that remains."""
        self._leash.kill()
        self._leash.communicate()
        return self.pid

    def _release(self) -> None:
        """End the leash first: once the server is reaped, its id may belong to another process."""
        self._leash.kill()
        self._leash.communicate()
        self._server.wait()

    def _obituary(self, timeout_s: float) -> str:
        tail = "" if self.log is None else self.log.read_text(errors="replace")[-2000:]
        return (
            f"{self._server.args!r} did not answer within {timeout_s:g} s "
            f"(exit code {self._server.returncode}); the end of {self.log}:\n{tail}"
        )
