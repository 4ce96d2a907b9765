"""A history through the engine again, in this process and without services.

The decisions are those that a replay emits: same rules, same ticks, same models. A recorded log
brings its own ticks; a plain history gets those of a replay.
"""

from collections.abc import Iterable

from touchstream.agents.history.lines import Line, LinesError
from touchstream.agents.history.pacer import Publish, TickAt
from touchstream.agents.history.steps import Step
from touchstream.agents.replay.publisher import placed
from touchstream.schemas.rules import Rules
from touchstream.schemas.tick import Tick
from touchstream.schemas.units import Millis
from touchstream.streams.context import OnDecision
from touchstream.streams.intake.decode import Origin, classify
from touchstream.streams.intake.log_phase import RECEIVED_HEADER
from touchstream.streams.local import LocalStream
from touchstream.streams.records import Record

CHUNK = 10_000
"""Records of a partition that wait for their tick; more are applied before it."""


class _Waiting:
    """Records of one partition that are not applied yet."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.ticks: list[int] = []
        """Places of ticks among them."""

    def add(self, record: Record, *, tick: bool) -> None:
        if tick:
            self.ticks.append(len(self.records))
        self.records.append(record)

    def take(self, count: int) -> list[Record]:
        """The first records, which wait no longer."""
        taken, self.records = self.records[:count], self.records[count:]
        self.ticks = [place - count for place in self.ticks if place >= count]
        return taken


class Rerun:
    """Takes the steps of a history one by one."""

    def __init__(self, rules: Rules, partitions: int, on_decision: OnDecision) -> None:
        """``on_decision`` is called with each decision at its place in the log."""
        self.stream = LocalStream(rules, partitions, on_decision=on_decision)
        self._waiting = [_Waiting() for _ in range(partitions)]
        self._lines = 0

    def run(self, steps: Iterable[Step]) -> None:
        """Apply every step; raises :class:`LinesError` for a log without its beginning."""
        for step in steps:
            match step:
                case Publish():
                    self._take(step.line, step.received_ms)
                case TickAt():
                    self._apply_rest()
                    if not step.skippable or self._is_due(step.time_ms):
                        self.stream.tick(step.time_ms)
                        self._forget_sent()
        self._apply_rest()

    def _take(self, line: Line, received_ms: Millis) -> None:
        partition = placed(line, self._lines, len(self._waiting))
        waiting = self._waiting[partition]
        waiting.add(record_of(line, received_ms), tick=line.tick)
        if line.tick:
            self._pass_ticks()
        else:
            self._lines += 1
        if len(waiting.records) >= CHUNK and not waiting.ticks and not self._is_ahead(partition):
            self._apply(partition, len(waiting.records))

    def _pass_ticks(self) -> None:
        """Go to the next tick of every partition, and on once the learner has passed it too."""
        all_ahead = True
        while all_ahead:
            for partition, waiting in enumerate(self._waiting):
                while waiting.ticks and not self._is_ahead(partition):
                    self._require_version(partition)
                    self._apply(partition, waiting.ticks[0] + 1)
            all_ahead = all(map(self._is_ahead, range(len(self._waiting))))
            if all_ahead:
                self.stream.learn(self.stream.shards[0].checkpoint.tick)
                self._forget_sent()

    def _apply_rest(self) -> None:
        """A recording may end between the ticks of two partitions, so some may be ahead."""
        for partition, waiting in enumerate(self._waiting):
            end = waiting.ticks[0] if waiting.ticks else len(waiting.records)
            self._apply(partition, end)

    def _apply(self, partition: int, count: int) -> None:
        self.stream.feed(partition, self._waiting[partition].take(count))

    def _is_ahead(self, partition: int) -> bool:
        return self.stream.shards[partition].checkpoint.tick > self.stream.knowledge.tick

    def _require_version(self, partition: int) -> None:
        waiting = self._waiting[partition]
        record = waiting.records[waiting.ticks[0]]
        tick = classify(record, Origin(partition, len(self._waiting), None))
        if not isinstance(tick, Tick):
            return
        version = tick.active_config.model_version
        if version not in self.stream.scorers:
            raise LinesError(
                f"tick {tick.number} names model version {version}, which this log has not made: "
                "record the log from its beginning"
            )

    def _is_due(self, time_ms: Millis) -> bool:
        return any(
            due_ms <= time_ms for shard in self.stream.shards for due_ms in shard.timers.values()
        )

    def _forget_sent(self) -> None:
        # A long log's emissions and examples would fill memory.
        self.stream.emitted.clear()
        self.stream.examples.clear()


def record_of(line: Line, received_ms: Millis) -> Record:
    """The record that the broker would hold."""
    headers = tuple(header for header in line.headers if header[0] != RECEIVED_HEADER)
    return Record(0, received_ms, line.key, line.value, headers)
