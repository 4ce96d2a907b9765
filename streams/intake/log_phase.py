"""The phase of a partition's log, and the time of receipt that holds in it.

A backfill writes a history into the log of a deployment, between ticks of the phase ``history``.
Only there the time of receipt stands in a header: a producer of live events could set it.
"""

import re
from typing import NamedTuple

from touchstream.schemas.tick import Phase, Tick
from touchstream.schemas.units import Millis
from touchstream.streams.records import Record

RECEIVED_HEADER = "touchstream-received"
"""Milliseconds since 1970 as digits."""


_DIGITS = re.compile(rb"[0-9]{1,15}")  # up to the year 33658


class LogPhase(NamedTuple):
    """The phase behind the newest tick of a partition."""

    tick: int = 0
    phase: Phase = "live"

    def after(self, tick: Tick) -> "LogPhase":
        """The phase behind a tick; one that is repeated in the log changes nothing."""
        return LogPhase(tick.number, tick.phase) if tick.number > self.tick else self

    def stamped(self, record: Record) -> Record:
        """The record with the time of receipt that holds in this phase."""
        if self.phase == "live":
            return record
        received_ms = header_ms(record.headers)
        return record if received_ms is None else record._replace(received_ms=received_ms)


def header_ms(headers: tuple[tuple[str, bytes | None], ...]) -> Millis | None:
    """The time of receipt in a record's headers; None if there is none."""
    for name, value in headers:
        if name == RECEIVED_HEADER and value is not None and _DIGITS.fullmatch(value):
            return Millis(int(value))
    return None
