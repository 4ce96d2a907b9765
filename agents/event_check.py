"""What a worker would make of the lines of event files, without any service.

The lines go through the clock of a replay, the decoder and the memory of event ids. Customers'
states are missing, so whatever depends on them (an erasure, the decision of an outcome) is not
judged, nor is the partition on which a producer would put an event.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from touchstream.agents.event_faults import Faults, Finding
from touchstream.agents.replay.history import FIRST_LINES
from touchstream.agents.replay.lines import Line, LinesError, RawLine, parse_line, raw_lines
from touchstream.agents.replay.pacer import GapTooWide, Pacer, TickAt, beginning
from touchstream.agents.settings import TickSettings
from touchstream.schemas.event_types import NO_OWN_TYPES, OwnTypes
from touchstream.schemas.rules import IntakeRules
from touchstream.schemas.tick import Tick
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.intake.clock import FUTURE_TOLERANCE_MS, too_late
from touchstream.streams.intake.decode import Arrival, Origin, decode
from touchstream.streams.intake.memory import (
    NOTHING_REMEMBERED,
    Memory,
    forget_before,
    recall,
    remember,
)
from touchstream.streams.intake.unknown_fields import near
from touchstream.streams.outcome import Drop, Reject
from touchstream.streams.records import Record

MOST_NAMES = 200
"""Unknown fields told by name; a file of random names must not fill memory."""

OTHER = ("other", "other")


@dataclass
class CheckResult:
    """The findings about some files."""

    lines: Counter[str] = field(default_factory=Counter)
    """File -> its lines that are not empty."""
    valid: Counter[str] = field(default_factory=Counter)
    """Type -> events that a worker would apply."""
    ticks: int = 0
    """Ticks of a recorded log."""
    customers: int = 0
    first_ms: Millis | None = None
    last_ms: Millis | None = None
    faults: Faults = field(default_factory=Faults)
    """Events that would not be applied."""
    duplicates: Finding = field(default_factory=Finding)
    unknown_fields: dict[tuple[str, str], Finding] = field(default_factory=dict)
    """By type and field."""
    late: int = 0
    """Events that arrive after the tick of their day, in time all the same."""
    out_of_order: Finding = field(default_factory=Finding)
    """Lines received before one that stands above them."""
    furthest_back_ms: int = 0
    future: Finding = field(default_factory=Finding)
    """Events later than now."""
    clamped: Finding = field(default_factory=Finding)
    """Events later than their receipt, or far later than the lines above them."""
    gap: str | None = None
    """Where a replay would stop: a silence longer than ``ticks.max_gap_days``."""
    unread: dict[str, str] = field(default_factory=dict)
    """File -> why it could not be read to its end."""
    empty: list[str] = field(default_factory=list)
    """Files without any line."""

    @property
    def well(self) -> bool:
        """Whether a worker would apply every line, duplicates once, and every file has one."""
        return not (self.faults or self.unread or self.empty)

    def did_you_mean(self, kind: str, name: str) -> str | None:
        """The optional field for which an unknown one probably stands."""
        return None if (kind, name) == OTHER else near(kind, name)


class _Moment(NamedTuple):
    """When a line is received, and the watermark then."""

    received_ms: Millis
    watermark_ms: Millis | None


class EventCheck:
    """Checks lines one after the other; memory grows with customers and their recent ids."""

    def __init__(
        self,
        intake: IntakeRules,
        ticks: TickSettings,
        tick_secret: bytes | None,
        now_ms: Millis,
        own: OwnTypes = NO_OWN_TYPES,
    ) -> None:
        self._intake = intake
        self._own = own
        self._ticks = ticks
        self._origin = Origin(0, 1, tick_secret)  # one partition: every key belongs there
        self._latest_ms = Millis(now_ms + FUTURE_TOLERANCE_MS)
        self._memories: dict[str, Memory] = {}
        self._swept_ms = Millis(0)
        self._newest_ms = Millis(0)
        self.result = CheckResult()

    def run(self, files: Sequence[Path], on_line: Callable[[], None]) -> CheckResult:
        """Check the files as one history; ``on_line`` is called for each line."""
        parsed = chain.from_iterable(self._parsed(file, on_line) for file in files)
        first = list(islice(parsed, FIRST_LINES))
        head = [line for _, line in first]
        # A recorded log brings its own ticks; in other files a replay sets them.
        recorded = any(line.tick for line in head)
        clock = _Recorded() if recorded else _Paced(head, self._ticks)
        for raw, line in chain(first, parsed):
            self._take(raw.where, line, clock)
        self.result.customers = len(self._memories)
        self.result.gap = clock.gap
        return self.result

    def _parsed(self, file: Path, on_line: Callable[[], None]) -> Iterator[tuple[RawLine, Line]]:
        name, result = str(file), self.result
        try:
            for raw in raw_lines([file]):
                on_line()
                result.lines[name] += 1
                line = self._line(raw)
                if line is not None:
                    yield raw, line
        except (LinesError, OSError) as exc:
            result.unread[name] = str(exc).removeprefix(f"{name}: ")
        if not result.lines[name] and name not in result.unread:
            result.empty.append(name)

    def _line(self, raw: RawLine) -> Line | None:
        try:
            return parse_line(raw.value)
        except LinesError as exc:
            self.result.faults.add_unreadable(raw.where, str(exc))
            return None

    def _take(self, where: str, line: Line, clock: "_Paced | _Recorded") -> None:
        moment = clock.moment(line, where)
        record = Record(0, moment.received_ms, line.key, line.value, line.headers)
        match decode(record, self._origin, self._own):
            case Arrival() as arrival:
                self._order(where, moment)
                self._arrived(where, record, line, arrival, moment.watermark_ms)
            case Tick() as tick:
                self.result.ticks += 1
                clock.tick(line, tick)
            case Reject() | Drop() as outcome:
                self.result.faults.add(where, record, outcome)

    def _order(self, where: str, moment: _Moment) -> None:
        back_ms = self._newest_ms - moment.received_ms
        if back_ms > 0:
            self.result.out_of_order.add(where)
            self.result.furthest_back_ms = max(self.result.furthest_back_ms, back_ms)
        self._newest_ms = max(self._newest_ms, moment.received_ms)

    def _arrived(
        self,
        where: str,
        record: Record,
        line: Line,
        arrival: Arrival,
        watermark_ms: Millis | None,
    ) -> None:
        """The order of the tests is that of ``streams/customer.py``."""
        event, result = arrival.event, self.result
        self._sweep(watermark_ms)
        memory = self._memories.get(event.subject, NOTHING_REMEMBERED)
        self._memories.setdefault(event.subject, memory)
        if too_late(event.time_ms, watermark_ms, self._intake.allowed_lateness_days):
            return result.faults.add(where, record, Drop("too_late"))
        known = recall(memory, arrival.identity, arrival.content)
        if known == "duplicate":
            return result.duplicates.add(where)
        if known == "conflict":
            why = Reject("conflicting_id", "id: seen before with other content")
            return result.faults.add(where, record, why)
        self._memories[event.subject], _ = remember(
            memory,
            arrival.identity,
            arrival.content,
            event.time_ms,
            self._intake.ids_per_customer,
        )
        result.late += watermark_ms is not None and event.time_ms <= watermark_ms
        # The clock of a replay does not follow a line that is dated far ahead.
        if max(event.time_ms, line.time_ms or event.time_ms) > self._latest_ms:
            result.future.add(where)
        elif arrival.clamped:
            result.clamped.add(where)
        return self._applied(where, arrival)

    def _applied(self, where: str, arrival: Arrival) -> None:
        event, result = arrival.event, self.result
        result.valid[event.type] += 1
        for name in arrival.unknown_fields:
            found = (event.type, name)
            if found not in result.unknown_fields and len(result.unknown_fields) >= MOST_NAMES:
                found = OTHER
            result.unknown_fields.setdefault(found, Finding()).add(where)
        first_ms, last_ms = result.first_ms, result.last_ms
        result.first_ms = event.time_ms if first_ms is None else min(first_ms, event.time_ms)
        result.last_ms = event.time_ms if last_ms is None else max(last_ms, event.time_ms)

    def _sweep(self, watermark_ms: Millis | None) -> None:
        """Forget ids as the workers do, or a long file would fill memory."""
        lateness_ms = self._intake.allowed_lateness_days * DAY_MS
        if watermark_ms is None or watermark_ms - self._swept_ms <= max(lateness_ms, DAY_MS):
            return
        self._swept_ms = watermark_ms
        oldest_ms = Millis(watermark_ms - lateness_ms)
        for customer, memory in self._memories.items():
            self._memories[customer] = forget_before(memory, oldest_ms)


class _Paced:
    """The clock of a replay that sets the ticks itself."""

    def __init__(self, head: list[Line], ticks: TickSettings) -> None:
        begin_ms = beginning(head, ticks.max_gap_days) or Millis(0)
        self._pacer = Pacer(begin_ms, ticks.every_days, ticks.max_gap_days)
        self._last = _Moment(begin_ms, None)
        self.gap: str | None = None

    def moment(self, line: Line, where: str) -> _Moment:
        received_ms, watermark_ms = self._last
        try:
            for step in self._pacer.step(line):
                if isinstance(step, TickAt):
                    watermark_ms = step.time_ms
                else:
                    received_ms = step.received_ms
        except GapTooWide as exc:
            self.gap = self.gap or f"{where}: {exc}"
        self._last = _Moment(received_ms, watermark_ms)
        return self._last

    def tick(self, line: Line, tick: Tick) -> None:
        """A replay sets its own."""


class _Recorded:
    """The clock of a recorded log: its stamps, and the ticks of each partition."""

    def __init__(self) -> None:
        self._watermarks_ms: dict[int | None, Millis] = {}
        self.gap: str | None = None

    def moment(self, line: Line, where: str) -> _Moment:
        return _Moment(line.time_ms or Millis(0), self._watermarks_ms.get(line.partition))

    def tick(self, line: Line, tick: Tick) -> None:
        before_ms = self._watermarks_ms.get(line.partition, tick.time_ms)
        self._watermarks_ms[line.partition] = max(before_ms, tick.time_ms)
