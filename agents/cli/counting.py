"""A count that goes up: a status line on a terminal, one JSON line a phase elsewhere."""

import sys
import time
from typing import Self, TextIO

import orjson

EVERY_S = 10.0
REDRAW_S = 0.2


class Counting:
    """Shows how far a long piece of work is."""

    def __init__(self, phase: str, stream: TextIO | None = None) -> None:
        self._phase = phase
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._every_s = REDRAW_S if self._terminal else EVERY_S
        self._said_s = time.monotonic() if self._terminal else 0.0
        self.count = 0

    def add(self, count: int = 1) -> None:
        """Count on; tell it every now and then."""
        self.count += count
        if time.monotonic() - self._said_s >= self._every_s:
            self._say()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._terminal:
            self._stream.write("\r\033[K")
            self._stream.flush()

    def _say(self) -> None:
        self._said_s = time.monotonic()
        line = orjson.dumps({"phase": self._phase, "records": self.count}).decode() + "\n"
        self._stream.write(f"\r{self._phase}: {self.count:,}" if self._terminal else line)
        self._stream.flush()
