"""Histories: any order of lines and files is the same history."""

import gzip
import random
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.agents.cli.command import order
from touchstream.agents.history.inputs import RawLine
from touchstream.agents.history.lines import Line, LinesError, parse_line
from touchstream.agents.history.pacer import Pacer, Publish, TickAt
from touchstream.agents.history.reading import (
    EVER,
    BadRecord,
    Problem,
    TimeRange,
    Unread,
    opened_history,
    read_history,
)
from touchstream.agents.history.steps import read_steps
from touchstream.schemas.envelope import format_time, parse_time
from touchstream.schemas.units import DAY_MS, Millis

BEGIN_MS = parse_time("2024-01-01T12:00:00Z")


def at(days: float) -> str:
    return format_time(Millis(int(BEGIN_MS + days * DAY_MS)))


def events(count: int) -> list[bytes]:
    return [order(f"k{n % 7}", n, at(n)) for n in range(count)]


def written(file: Path, lines: Sequence[bytes], *, packed: bool = False) -> Path:
    content = b"".join(line + b"\n" for line in lines)
    file.write_bytes(gzip.compress(content) if packed else content)
    return file


def recorded(received_ms: int, **more: object) -> bytes:
    line = {"partition": 0, "received": received_ms, "headers": [], "key": None, "value": "x"}
    return orjson.dumps({"touchstream_record": 1, **line, **more})


def values(*files: Path, within: TimeRange = EVER) -> list[bytes]:
    with opened_history(files, within) as history:
        return [line.value for line in history.lines()]


@given(st.permutations(range(12)), st.integers(1, 11), st.booleans())
def test_any_order_in_any_files_is_the_same_history(
    tmp_path_factory: pytest.TempPathFactory, places: Sequence[int], cut: int, packed: bool
) -> None:
    folder, lines = tmp_path_factory.mktemp("parts"), events(12)
    shuffled = [lines[place] for place in places]
    one = written(folder / "one", shuffled[:cut], packed=packed)
    two = written(folder / "two", shuffled[cut:])
    assert values(one, two) == values(two, one) == lines


def fingerprint(*files: Path) -> int:
    with opened_history(files) as history:
        return history.fingerprint


def test_the_fingerprint_is_of_the_lines_and_not_of_their_order(tmp_path: Path) -> None:
    lines = events(6)
    one = written(tmp_path / "one", lines)
    two = written(tmp_path / "two", lines[:2:-1])
    rest = written(tmp_path / "rest", lines[:3])
    other = written(tmp_path / "other", [*lines[:5], order("ada", 99, at(5))])
    assert fingerprint(two, rest) == fingerprint(one)
    assert fingerprint(other) != fingerprint(one)


def test_lines_of_the_same_time_keep_their_order(tmp_path: Path) -> None:
    lines = [order("ada", number, at(number // 5)) for number in range(50)]
    assert values(written(tmp_path / "a", lines)) == lines


def test_a_line_without_a_time_stays_behind_the_one_before_it(tmp_path: Path) -> None:
    late, early = order("ada", 1, at(9)), order("ada", 2, at(1))
    lines = [b"first of all", late, b"after the late one", early, b"after the early one"]
    assert values(written(tmp_path / "a", lines)) == [
        b"first of all",
        early,
        b"after the early one",
        late,
        b"after the late one",
    ]


def test_the_time_of_receipt_sorts_where_a_line_has_one(tmp_path: Path) -> None:
    delayed = order("ada", 1, at(1), receivedtime=at(5))
    lines = [delayed, order("ada", 2, at(3))]
    assert values(written(tmp_path / "a", lines)) == [lines[1], lines[0]]


def test_what_lies_outside_of_the_range_is_counted_named_and_kept(tmp_path: Path) -> None:
    file, outside = written(tmp_path / "a", events(30)[::-1]), list[RawLine]()
    within = TimeRange(parse_time(at(10)), parse_time(at(20)))
    history = read_history([file], tmp_path, within, on_outside=outside.append)
    assert [line.time_ms for line in history.lines()] == [
        BEGIN_MS + n * DAY_MS for n in range(10, 20)
    ]
    assert (history.before.count, history.after.count, history.count) == (10, 10, 10)
    assert history.after.lines == [f"{file}:{n}" for n in range(1, 6)]
    assert len(outside) == 20
    assert (history.first_ms, history.last_ms) == (within.from_ms, BEGIN_MS + 19 * DAY_MS)


def test_disorder_is_measured_within_a_file(tmp_path: Path) -> None:
    lines = [order("ada", number, at(day)) for number, day in enumerate((3, 1, 2, 4))]
    files = [written(tmp_path / "a", lines), written(tmp_path / "b", lines[:1])]
    with opened_history(files) as history:
        assert history.out_of_order.count == 2
        assert history.furthest_back_ms == 2 * DAY_MS


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([b'{"touchstream_record":1}'], ":1: a recorded line that cannot be read"),
        ([order("ada", 1, at(1)), recorded(1)], ":2: a recorded log and plain events"),
        ([recorded(1), b'{"touch'], ":2: no record of a live log, as the lines before it"),
        (
            [b'{"type":"touchstream.tick","time":"2026-01-01T00:00:00Z"}'],
            ":1: ticks without a partition",
        ),
    ],
)
def test_a_recorded_log_is_all_records(tmp_path: Path, lines: list[bytes], reason: str) -> None:
    file, found = written(tmp_path / "a", lines), list[Problem]()
    with pytest.raises(LinesError, match=reason):
        values(file)
    read_history([file], tmp_path, on_problem=found.append)
    [problem] = found
    assert isinstance(problem, BadRecord)


def test_reading_goes_on_after_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    good, found = written(tmp_path / "b", events(3)), list[Problem]()
    gone = tmp_path / "gone"
    history = read_history([gone, good], tmp_path, on_problem=found.append)
    assert found == [Unread(gone, "No such file or directory")]
    assert history.counts == {gone: 0, good: 3}


def line_at(days: float) -> Line:
    return parse_line(order("ada", 1, at(days)))


def days_of(steps: list[Publish | TickAt]) -> list[object]:
    return [
        "line" if isinstance(step, Publish) else (step.time_ms // DAY_MS - BEGIN_MS // DAY_MS)
        for step in steps
    ]


def test_ticks_stand_between_the_lines_and_one_before_and_behind_them() -> None:
    pacer = Pacer(BEGIN_MS, 1)
    steps = [
        *pacer.step(line_at(0)),
        *pacer.step(line_at(0.1)),
        *pacer.step(line_at(2)),
        *pacer.end(),
    ]
    assert days_of(steps) == [0, "line", "line", 1, 2, "line", 3]


def test_only_ticks_before_the_last_one_of_a_silence_may_be_skipped() -> None:
    pacer = Pacer(BEGIN_MS, 1)
    steps = [*pacer.step(line_at(0)), *pacer.step(line_at(4)), *pacer.end()]
    assert [step.skippable for step in steps if isinstance(step, TickAt)] == [
        False, True, True, True, False, False,
    ]  # fmt: skip


def test_an_event_at_the_time_of_a_tick_precedes_it() -> None:
    midnight = parse_line(order("ada", 1, "2024-01-03T00:00:00Z"))
    pacer = Pacer(Millis(parse_time("2024-01-03T00:00:00Z")), 1)
    assert days_of([*pacer.step(midnight), *pacer.end()]) == [1, "line", 2]


def test_years_of_silence_are_no_limit(tmp_path: Path) -> None:
    contract = [order("ada", 1, "2001-03-01T00:00:00Z"), order("ada", 2, "2024-02-20T08:00:00Z")]
    steps = list(read_steps([written(tmp_path / "a", contract[::-1])], 1))
    published = [step.line.value for step in steps if isinstance(step, Publish)]
    assert published == contract
    assert len(steps) - len(published) == 8_393 + 1


def test_a_history_of_nothing_but_nonsense_has_no_end(tmp_path: Path) -> None:
    steps = list(read_steps([written(tmp_path / "a", [b"x", b"y"])], 1))
    assert [type(step) for step in steps] == [TickAt, Publish, Publish]


def test_ten_shuffled_files_pace_like_one_sorted(tmp_path: Path) -> None:
    lines = [order(f"c{n % 40}", n, at(n / 24)) for n in range(900)]
    one = written(tmp_path / "one", lines)
    random.Random(4).shuffle(lines)
    ten = [written(tmp_path / f"part{n}", lines[n::10], packed=n % 2 == 0) for n in range(10)]
    assert list(read_steps(ten, 1)) == list(read_steps([one], 1))


def test_steps_of_a_recorded_log_are_its_lines_in_their_order(tmp_path: Path) -> None:
    lines = [recorded(9), recorded(7, tick=True), recorded(8)]
    file = written(tmp_path / "log", lines)
    steps = list(read_steps([file], 1))
    assert [step.received_ms for step in steps if isinstance(step, Publish)] == [9, 7, 8]
    assert len(steps) == 3
