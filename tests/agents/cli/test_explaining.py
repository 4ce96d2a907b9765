"""A customer's events in files, up to the position of their shard."""

from collections.abc import Sequence
from pathlib import Path

from tests.agents.cli.command import order
from tests.make import event, folded, models, moment, record
from touchstream.agents.cli.explaining import Subject, from_files
from touchstream.agents.history.recording import record_line
from touchstream.agents.resharding import Source
from touchstream.agents.settings import Settings
from touchstream.schemas.envelope import format_time
from touchstream.schemas.tick import ActiveConfig, Tick, encode_tick
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.checkpoint import ShardCheckpoint
from touchstream.streams.history import Heard
from touchstream.streams.intake.decode import Origin
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.projections.projection import TimerFired
from touchstream.streams.records import Record
from touchstream.streams.state import State

ADA = CustomerId("ada")


def heard(
    folder: Path,
    *lines: bytes,
    clock: str,
    last: str,
    partition: int = 0,
    earlier: Sequence[Source] = (),
) -> list[str]:
    """The subject ada as of the tick at ``clock``; her newest event is of ``last``."""
    file = folder / "events.jsonl"
    file.write_bytes(b"\n".join(lines))
    subject = Subject(
        id=ADA,
        partition=partition,
        state=State(profile=folded(event("web.visit", last))),
        checkpoint=ShardCheckpoint(watermark_ms=moment(clock)),
        end=0,
        context=models(clock),
        earlier=earlier,
    )
    settings = Settings.load(None, {"TOUCHSTREAM_KAFKA__PARTITIONS": "1"})
    found = from_files(settings, subject, [file], lambda _: None)
    return [format_time(_moment(one))[5:16] for one in found]


def _moment(one: Heard | TimerFired) -> Millis:
    return one.time_ms if isinstance(one, TimerFired) else one.arrival.event.time_ms


def orders(*days: str, customer: str = "ada") -> list[bytes]:
    return [order(customer, number, format_time(moment(day))) for number, day in enumerate(days, 1)]


def test_events_stand_among_the_ticks_that_a_replay_would_write(tmp_path: Path) -> None:
    lines = orders("d0 12:00", "d1 12:00")
    assert heard(tmp_path, *lines, clock="d2", last="d1 12:00") == [
        *("01-01T00:00", "01-01T12:00", "01-02T00:00", "01-02T12:00", "01-03T00:00"),
    ]


def test_events_after_the_last_tick_and_the_last_event_are_left_out(tmp_path: Path) -> None:
    lines = orders("d0 12:00", "d1 12:00", "d5")
    assert heard(tmp_path, *lines, clock="d1", last="d1 12:00")[-1] == "01-02T12:00"


def test_a_long_silence_in_a_file_of_one_customer_is_no_wrong_clock(tmp_path: Path) -> None:
    found = heard(tmp_path, *orders("d0", "d100"), clock="d100", last="d100")
    assert (found[1], found[-2]) == ("01-01T00:00", "04-11T00:00")


def test_a_wrong_clock_lies_outside_as_in_a_replay(tmp_path: Path) -> None:
    others = orders("d0", "d1", "d2", customer="bob")
    found = heard(tmp_path, *orders("d900"), *others, *orders("d2"), clock="d3", last="d2")
    assert found == heard(tmp_path, *others, *orders("d2"), clock="d3", last="d2")
    assert found[-1] == "01-03T00:00"


def test_other_customers_are_left_out(tmp_path: Path) -> None:
    lines = [*orders("d0 06:00", customer="bob"), *orders("d0 12:00")]
    assert heard(tmp_path, *lines, clock="d0", last="d0 12:00") == ["01-01T00:00", "01-01T12:00"]


def test_of_a_recorded_log_only_the_customers_partition_is_read(tmp_path: Path) -> None:
    lines = []
    for partition in range(2):
        tick = Tick(
            number=1,
            time_ms=moment(f"d{partition}"),
            active_config=ActiveConfig(model_version=0, rules="r", features="f"),
        )
        ticked = Record(0, tick.time_ms, None, encode_tick(tick, None))
        lines.append(record_line(ticked, Origin(partition, 2, None)))
    lines.append(record_line(record(event("web.visit", "d2")), Origin(0, 2, None)))
    found = heard(tmp_path, *lines, clock="d1", last="d2")
    assert found == ["01-01T00:00", "01-03T00:00"]


def test_a_recording_from_before_a_resharding_is_read_in_its_own_partition(tmp_path: Path) -> None:
    then = partition_of(b"ada", 3)
    assert then
    visit = record(event("web.visit", "d0 12:00"))
    lines = [record_line(visit, Origin(then, 3, None))]
    lines.append(record_line(record(event("web.visit", "d1 12:00")), Origin(0, 1, None)))
    source = Source("old", "old.touchpoints", "old.touchstream.examples", (9,) * 3, 3, 0)
    both = heard(tmp_path, *lines, clock="d2", last="d1 12:00", earlier=[source])
    assert {"01-01T12:00", "01-02T12:00"} <= {*both}
    later = heard(tmp_path, *lines, clock="d2", last="d1 12:00")
    assert "01-01T12:00" not in later
