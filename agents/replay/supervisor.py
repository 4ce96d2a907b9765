"""The worker and learner processes of a replay or a demo, restarted when they exit."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import touchstream
from touchstream.agents.embedded.process import ServerProcess

ROOT = Path(touchstream.__file__).parents[1]
"""The folder of the package, installed or not."""

MOST_STARTS = 60
"""Per process: one that is killed now and then is replaced, one that cannot work is not."""

QUICK_S = 8.0
MOST_QUICK_DEATHS = 3


class SupervisorError(RuntimeError):
    """A process exited again and again; the message has the end of its log."""


class Member:
    """One supervised process."""

    def __init__(
        self,
        name: str,
        role: Sequence[str],
        environ: Mapping[str, str],
        logs: Path | None,
        most_starts: int | None = MOST_STARTS,
    ) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "touchstream.agents.cli.main", *role]
        found = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._environ = {**os.environ, **environ, "PYTHONPATH": found}
        self._log = None if logs is None else logs / f"{name}.log"
        self._most_starts = most_starts
        self._starts = 0
        self._quick_deaths = 0
        self._process = self._start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.running

    def look(self) -> None:
        """Restart it if it has exited; raises :class:`SupervisorError` when that is hopeless."""
        if self._process.running:
            return
        killed_from_outside = self._process.returncode is not None and self._process.returncode < 0
        # A crash test or an operator kills from outside; only own exits show a broken process.
        if not killed_from_outside and time.monotonic() - self._started < QUICK_S:
            self._quick_deaths += 1
        # The process has exited; this ends its leash.
        self._process.kill()
        exhausted = self._most_starts is not None and self._starts >= self._most_starts
        if exhausted or self._quick_deaths >= MOST_QUICK_DEATHS:
            raise SupervisorError(f"{self.name} ended {self._starts} times; {self._last_words()}")
        self._process = self._start()

    def stop(self) -> None:
        """Ask it to exit."""
        self._process.stop()

    def _last_words(self) -> str:
        if self._log is None:
            return "its log is above"
        return f"the end of its log:\n{self._log.read_text(errors='replace')[-3000:]}"

    def _start(self) -> ServerProcess:
        self._starts += 1
        self._started = time.monotonic()
        return ServerProcess(self._command, self._log, environ=self._environ)


class Supervisor:
    """All processes of one deployment on this machine."""

    def __init__(
        self, workers: int, environ: Mapping[str, str], logs: Path, *, ticks: bool
    ) -> None:
        learner = ["learner", "--ticks" if ticks else "--no-ticks"]
        self.members = [
            Member("learner", learner, environ, logs),
            *(Member(f"worker-{n}", ["worker"], environ, logs) for n in range(workers)),
        ]

    def look(self) -> None:
        """Restart the processes that have exited."""
        for member in self.members:
            member.look()

    def stop(self) -> None:
        """Stop all processes."""
        stop_all(self.members)


def stop_all(members: Sequence[Member]) -> None:
    """Stop all in parallel: each may take seconds to leave its consumer group."""
    if members:
        with ThreadPoolExecutor(len(members)) as pool:
            list(pool.map(Member.stop, members))
