"""Nothing durable for too long although there is work: say where every thread stands, and exit."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from touchstream.agents.assignment import TopicPartition
from touchstream.agents.fatal import Refusal, die, dump_stacks
from touchstream.agents.metrics import Metrics


class Watched(Protocol):
    """An agent whose progress is watched."""

    last_progress: float
    """``time.monotonic()`` of the last thing that became durable."""

    joined: bool
    """Whether Kafka has assigned its partitions, be it none."""

    def lag(self, end: Callable[[TopicPartition], int]) -> int:
        """Records that it could process now."""


class Watchdog:
    """Looks once a second; see ``worker.stall_timeout_s``."""

    def __init__(
        self,
        agent: Watched,
        end: Callable[[TopicPartition], int],
        stall_timeout_s: float,
        metrics: Metrics,
    ) -> None:
        self._agent = agent
        self._end = end
        self._stall_timeout_s = stall_timeout_s
        self._metrics = metrics

    async def look(self) -> None:
        """End the process if it is stuck; a supervisor starts it again, exactly where it was."""
        stalled_s = self.stalled_s()
        self._metrics.set("stalled_seconds", stalled_s)
        if stalled_s > self._stall_timeout_s:
            dump_stacks()
            die("stalled", Refusal(f"no durable progress for {stalled_s:.0f} s with work waiting"))

    def stalled_s(self) -> float:
        """Seconds without durable progress while records wait; 0 when none does."""
        if not self._agent.lag(self._end):
            self._agent.last_progress = time.monotonic()
            return 0.0
        return time.monotonic() - self._agent.last_progress

    def not_ready(self) -> Sequence[str]:
        """For ``/ready``: what keeps it from working now."""
        waiting = [] if self._agent.joined else ["waits for the consumer group"]
        return [*waiting, *self.faults()]

    def faults(self) -> Sequence[str]:
        """For ``/live``: what a restart would help against."""
        stalled_s = self.stalled_s()
        if stalled_s > self._stall_timeout_s / 2:
            return [f"no durable progress for {stalled_s:.0f} s"]
        return []
