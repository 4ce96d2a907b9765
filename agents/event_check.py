"""What a worker would make of the lines of event files, without any service.

The lines go through the sort and the clock of a replay, the decoder and the memory of event ids.
Customers' states are missing, so whatever depends on them (an erasure, the decision of an outcome)
is not judged, nor is the partition on which a producer would put an event.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from touchstream.agents.event_faults import Fault, Faults
from touchstream.agents.history.finding import Finding
from touchstream.agents.history.inputs import RawLine
from touchstream.agents.history.lines import Line, parse_line
from touchstream.agents.history.pacer import Pacer, TickAt
from touchstream.agents.history.reading import (
    BadRecord,
    History,
    OnLine,
    Problem,
    TimeRange,
    Unread,
    nothing,
    read_history,
)
from touchstream.agents.history.sorting import temporary_folder
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
    """Lines received before one that stands above them in their file."""
    furthest_back_ms: int = 0
    future: Finding = field(default_factory=Finding)
    """Events later than now, which a replay leaves out."""
    clamped: Finding = field(default_factory=Finding)
    """Events later than their receipt."""
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
        tick_every_days: int,
        tick_secret: bytes | None,
        now_ms: Millis,
        own: OwnTypes = NO_OWN_TYPES,
    ) -> None:
        self._intake = intake
        self._own = own
        self._tick_every_days = tick_every_days
        self._origin = Origin(0, 1, tick_secret)  # one partition: every key belongs there
        self._latest_ms = Millis(now_ms + FUTURE_TOLERANCE_MS)
        self._memories: dict[str, Memory] = {}
        self._swept_ms = Millis(0)
        self.result = CheckResult()

    def run(
        self, files: Sequence[Path], on_line: OnLine, on_checked: OnLine = nothing
    ) -> CheckResult:
        """Check the files as one history.

        ``on_line`` is called for each line when it is read, ``on_checked`` when it is checked.
        """
        with temporary_folder() as folder:
            history = read_history(
                files,
                Path(folder),
                TimeRange(until_ms=self._latest_ms),
                on_line=on_line,
                on_outside=self._take_future,
                on_problem=self._note_problem,
            )
            self.result.empty = [
                str(file)
                for file, lines in history.counts.items()
                if not lines and str(file) not in self.result.unread
            ]
            return self.examine(history, on_checked)

    def examine(self, history: History, on_line: OnLine = nothing) -> CheckResult:
        """Check a history that was read already."""
        result = self.result
        result.lines = Counter({str(file): lines for file, lines in history.counts.items()})
        result.out_of_order = history.out_of_order
        result.furthest_back_ms = history.furthest_back_ms
        # A recorded log brings its own ticks; in other files a replay sets them.
        clock = _Recorded() if history.has_ticks else _Paced(history, self._tick_every_days)
        for raw in history.raw():
            on_line()
            self._take(str(raw.place), parse_line(raw.value), clock)
        result.customers = len(self._memories)
        return result

    def first_fault(self, history: History) -> Fault | None:
        """The first line that a worker would not apply; None: it would apply all."""
        clock = _Recorded() if history.has_ticks else _Paced(history, self._tick_every_days)
        for raw in history.raw():
            self._take(str(raw.place), parse_line(raw.value), clock)
            if self.result.faults:
                return self.result.faults.all()[0]
        return None

    def _note_problem(self, problem: Problem) -> None:
        match problem:
            case Unread(file, why):
                self.result.unread[str(file)] = why
            case BadRecord(place, why):
                self.result.faults.add_unreadable(str(place), why)

    def _take_future(self, raw: RawLine) -> None:
        line = parse_line(raw.value)
        record = Record(0, self._latest_ms, line.key, line.value, line.headers)
        match decode(record, self._origin, self._own):
            case Arrival() as arrival:
                self.result.future.add(str(raw.place))
                self._memories.setdefault(arrival.event.subject, NOTHING_REMEMBERED)
                self._applied(str(raw.place), arrival)
            case Reject() | Drop() as outcome:
                self.result.faults.add(str(raw.place), record, outcome)
            case Tick():  # in a recorded log only, which is never cut
                pass

    def _take(self, where: str, line: Line, clock: "_Paced | _Recorded") -> None:
        moment = clock.moment(line)
        record = Record(0, moment.received_ms, line.key, line.value, line.headers)
        match decode(record, self._origin, self._own):
            case Arrival() as arrival:
                self._arrived(where, record, arrival, moment.watermark_ms)
            case Tick() as tick:
                self.result.ticks += 1
                clock.tick(line, tick)
            case Reject() | Drop() as outcome:
                self.result.faults.add(where, record, outcome)

    def _arrived(
        self,
        where: str,
        record: Record,
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
        if arrival.clamped:
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

    def __init__(self, history: History, every_days: int) -> None:
        begin_ms = history.first_ms or Millis(0)
        self._pacer = Pacer(begin_ms, every_days)
        self._last = _Moment(begin_ms, None)

    def moment(self, line: Line) -> _Moment:
        received_ms, watermark_ms = self._last
        for step in self._pacer.step(line):
            if isinstance(step, TickAt):
                watermark_ms = step.time_ms
            else:
                received_ms = step.received_ms
        self._last = _Moment(received_ms, watermark_ms)
        return self._last

    def tick(self, line: Line, tick: Tick) -> None:
        """A replay sets its own."""


class _Recorded:
    """The clock of a recorded log: its stamps, and the ticks of each partition."""

    def __init__(self) -> None:
        self._watermarks_ms: dict[int | None, Millis] = {}

    def moment(self, line: Line) -> _Moment:
        return _Moment(line.time_ms or Millis(0), self._watermarks_ms.get(line.partition))

    def tick(self, line: Line, tick: Tick) -> None:
        before_ms = self._watermarks_ms.get(line.partition, tick.time_ms)
        self._watermarks_ms[line.partition] = max(before_ms, tick.time_ms)
