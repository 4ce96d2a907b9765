"""Long work is seen: a status line on a terminal, one JSON line a phase elsewhere."""

import time
from typing import Self, TextIO

import orjson
from rich.console import Console
from rich.status import Status

from touchstream.agents.replay.phase import Phase
from touchstream.schemas.envelope import format_time

EVERY_S = 10.0
"""Elsewhere a phase that goes on says so every so often."""


class Progress:
    """Shows the phases of a replay."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._status: Status | None = None
        self._phase = ""
        self._said_s = 0.0
        if stream.isatty():
            self._status = Console(file=stream).status("starting")

    def show(self, phase: Phase) -> None:
        """Tell where the work is."""
        if self._status is not None:
            self._status.update(_sentence(phase))
            return
        now_s = time.monotonic()
        if phase.name != self._phase or now_s - self._said_s >= EVERY_S:
            self._phase, self._said_s = phase.name, now_s
            line = {"phase": phase.name, "records": phase.records, "ticks": phase.ticks}
            if phase.time_ms is not None:
                line["time"] = format_time(phase.time_ms)
            self._stream.write(orjson.dumps(line).decode() + "\n")
            self._stream.flush()

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()


def _sentence(phase: Phase) -> str:
    when = "" if phase.time_ms is None else f", event time {format_time(phase.time_ms)[:10]}"
    return f"{phase.name}: {phase.records:,} records, {phase.ticks:,} ticks{when}"
