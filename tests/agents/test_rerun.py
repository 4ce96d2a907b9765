"""A recorded log of several partitions runs again as it ran, however its lines interleave."""

from collections.abc import Iterator, Sequence

import pytest

from tests.agents.treated_world import CONFIG
from touchstream.agents.evaluation.rerun import Rerun
from touchstream.agents.history.lines import LinesError, parse_line
from touchstream.agents.history.pacer import Publish, TickAt
from touchstream.agents.history.recording import record_line
from touchstream.agents.settings import Settings
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.rules import Rules
from touchstream.schemas.tick import encode_tick
from touchstream.schemas.units import Millis
from touchstream.simulator import START_MS, World
from touchstream.streams.decide.arbitration import Decision
from touchstream.streams.intake.decode import Origin
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.local import LocalStream
from touchstream.streams.records import Record

PARTITIONS = 3
Made = dict[str, dict[str, float]]
Lines = list[list[bytes]]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    file = tmp_path_factory.mktemp("rules") / "own.toml"
    file.write_text(CONFIG)
    return Settings.load(file, {}).rules


class Noted:
    """The probabilities of each decision, by its id."""

    def __init__(self) -> None:
        self.made: Made = {}

    def __call__(self, decision: Decision, emission: Emission) -> None:
        self.made[emission.id] = decision.choice.probabilities


@pytest.fixture(scope="module")
def live(rules: Rules) -> tuple[Lines, Made]:
    """Lines by partition, and the decisions when they were live."""
    noted, lines = Noted(), Lines([] for _ in range(PARTITIONS))
    world, stream = World(3, 40, 60), LocalStream(rules, PARTITIONS, on_decision=noted)

    def tick(time_ms: int) -> None:
        value = encode_tick(stream.next_tick(time_ms), None)
        for number in range(PARTITIONS):
            record = Record(0, Millis(time_ms), None, value)
            lines[number].append(record_line(record, Origin(number, PARTITIONS, None)))
        stream.tick(time_ms)

    tick(START_MS)
    for day in world.days():
        for line in day.lines:
            value = line.to_bytes()
            key = parse_line(value).key
            number = 0 if key is None else partition_of(key, PARTITIONS)
            record = Record(0, Millis(line.received_ms), key, value)
            lines[number].append(record_line(record, Origin(number, PARTITIONS, None)))
            stream.feed(number, [record])
        tick(world.now_ms)
    return lines, noted.made


def published(lines: Sequence[bytes]) -> Iterator[Publish]:
    for raw in lines:
        line = parse_line(raw)
        yield Publish(line, line.time_ms or Millis(0))


def interleaved(lines: Lines, ahead: int) -> list[bytes]:
    """So many lines of each partition in turn: some partitions come to a tick before others."""
    left, found = [list(one) for one in lines], []
    while any(left):
        for number, of_partition in enumerate(left):
            count = ahead * (number + 1)
            found += of_partition[:count]
            del of_partition[:count]
    return found


@pytest.mark.parametrize("ahead", [1, 7, 500, 1_000_000])
def test_decisions_are_those_of_the_live_run(
    live: tuple[Lines, Made], rules: Rules, ahead: int
) -> None:
    lines, made = live
    noted = Noted()
    Rerun(rules, PARTITIONS, noted).run(published(interleaved(lines, ahead)))
    assert len(made) > 50
    assert noted.made == made


def test_a_log_without_its_beginning_is_refused(live: tuple[Lines, Made], rules: Rules) -> None:
    lines, _ = live
    later = [one[len(one) // 2 :] for one in lines]
    rerun = Rerun(rules, PARTITIONS, Noted())
    with pytest.raises(LinesError, match="record the log from its beginning"):
        rerun.run(published(interleaved(later, 50)))


def test_ticks_that_nobody_waits_for_are_skipped(rules: Rules) -> None:
    rerun = Rerun(rules, 1, Noted())
    rerun.run([TickAt(Millis(1)), TickAt(Millis(2), skippable=True), TickAt(Millis(3))])
    assert rerun.stream.knowledge.tick == 2
