"""A progress count: a status line on a terminal, a JSON line now and then elsewhere."""

import sys
import time
from typing import Self, TextIO

import orjson

EVERY_S = 10.0
REDRAW_S = 0.2


class Counting:
    """Shows the progress of a long operation."""

    def __init__(self, phase: str, stream: TextIO | None = None) -> None:
        self._phase = phase
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._every_s = REDRAW_S if self._terminal else EVERY_S
        self._printed_s = time.monotonic() if self._terminal else 0.0
        self.count = 0

    def add(self, count: int = 1) -> None:
        """Add to the count; print it now and then."""
        self.count += count
        if time.monotonic() - self._printed_s >= self._every_s:
            self._print()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._terminal:
            self._stream.write("\r\033[K")
            self._stream.flush()

    def _print(self) -> None:
        self._printed_s = time.monotonic()
        line = orjson.dumps({"phase": self._phase, "records": self.count}).decode() + "\n"
        self._stream.write(f"\r{self._phase}: {self.count:,}" if self._terminal else line)
        self._stream.flush()
