"""A live log in a file: the same line by line, refused where it would replay to something else."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstream.agents.history.lines import Line, LinesError, parse_line
from touchstream.agents.history.reading import opened_history
from touchstream.agents.history.recording import (
    Recording,
    check_fit,
    examine,
    in_order_received,
    record_line,
)
from touchstream.schemas.rules import ChurnRules, Rules
from touchstream.schemas.tick import ActiveConfig, Tick, encode_tick
from touchstream.schemas.units import Millis
from touchstream.streams.intake.decode import Origin
from touchstream.streams.records import Record

ORIGIN = Origin(2, 4, None)
RULES = Rules()
TICK = Tick(
    number=5,
    time_ms=Millis(1_000),
    active_config=ActiveConfig(model_version=3, rules=RULES.digest(), features="f1"),
)

headers = st.lists(st.tuples(st.text(max_size=8), st.none() | st.binary(max_size=8)), max_size=3)


@given(key=st.none() | st.binary(max_size=9), value=st.binary(max_size=40), names=headers)
def test_any_record_is_read_back_as_it_was(
    key: bytes | None, value: bytes, names: list[tuple[str, bytes | None]]
) -> None:
    record = Record(9, Millis(77), key, value, tuple(names))
    read = parse_line(record_line(record, ORIGIN).strip())
    assert read == Line(value, key, Millis(77), 2, headers=tuple(names))


def test_a_tick_is_read_back_as_a_tick() -> None:
    value = encode_tick(TICK, None)
    read = parse_line(record_line(Record(9, Millis(77), None, value), ORIGIN).strip())
    assert read == Line(value, None, Millis(77), 2, tick=True)


def test_a_forged_tick_is_a_line_like_others() -> None:
    record = Record(9, Millis(77), None, encode_tick(TICK, None))
    signed = Origin(2, 4, b"a secret of the house")
    assert not parse_line(record_line(record, signed).strip()).tick


def page(*received: int) -> list[Record]:
    return [Record(n, Millis(at), None, b"") for n, at in enumerate(received)]


def shown(partitions: Mapping[int, Iterator[Sequence[Record]]]) -> list[tuple[int, int]]:
    return [(number, record.received_ms) for number, record in in_order_received(partitions)]


def test_partitions_are_interleaved_as_they_were_received() -> None:
    partitions = {0: iter([page(1, 4), page(9)]), 1: iter([page(2), [], page(3, 5)]), 2: iter([])}
    assert shown(partitions) == [(0, 1), (1, 2), (1, 3), (0, 4), (1, 5), (0, 9)]


def test_a_partition_keeps_its_own_order_though_a_stamp_goes_back() -> None:
    partitions = {0: iter([page(5, 1, 6)]), 1: iter([page(4, 5)])}
    assert shown(partitions) == [(1, 4), (0, 5), (0, 1), (1, 5), (0, 6)]


def recorded(folder: Path, partitions: Sequence[int], secret: bytes | None = None) -> list[Path]:
    file = folder / "log.jsonl"
    value = encode_tick(TICK, secret)
    lines = [
        record_line(Record(0, Millis(1), None, value), Origin(number, 4, secret))
        for number in partitions
    ]
    file.write_bytes(b"".join(lines))
    return [file]


def examined(files: Sequence[Path], secret: bytes | None) -> Recording | None:
    with opened_history(files) as history:
        return examine(history, secret)


def test_a_recording_says_what_it_needs(tmp_path: Path) -> None:
    found = examined(recorded(tmp_path, [1, 0, 2]), None)
    assert found == Recording(3, frozenset([RULES.digest()]), frozenset(["f1"]))


def test_a_file_of_events_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(b'{"type": "web.visit", "subject": "ada"}\n')
    assert examined([tmp_path / "events.jsonl"], None) is None


def test_a_recording_without_all_partitions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LinesError, match=r"ticks of partitions \[0, 2\] only"):
        examined(recorded(tmp_path, [0, 2]), None)


def test_a_tick_under_another_secret_is_refused(tmp_path: Path) -> None:
    files = recorded(tmp_path, [0], b"a secret of the house")
    with pytest.raises(LinesError, match=r"tick 5 is not signed with this .*ticks\.secret"):
        examined(files, b"another one of the house")


RECORDING = Recording(4, frozenset([RULES.digest()]), frozenset(["f1"]))


def test_what_fits_is_not_refused() -> None:
    check_fit(RECORDING, RULES, "f1", None)
    check_fit(RECORDING, RULES, "f1", 4)


def test_other_rules_are_refused_with_both_digests() -> None:
    others = Rules(churn=ChurnRules(horizon_days=27))
    with pytest.raises(LinesError) as caught:
        check_fit(RECORDING, others, "f1", None)
    assert f"rules {RULES.digest()}, this configuration is {others.digest()}" in str(caught.value)


def test_another_feature_list_is_refused() -> None:
    with pytest.raises(LinesError, match="feature list f1, this build has f2"):
        check_fit(RECORDING, RULES, "f2", None)


def test_another_partition_count_is_refused() -> None:
    with pytest.raises(LinesError, match="--partitions=3: the log was recorded from 4"):
        check_fit(RECORDING, RULES, "f1", 3)


def test_a_recorded_line_whose_headers_have_no_names_is_refused() -> None:
    line = b'{"touchstream_record":1,"partition":0,"received":5,"headers":[[7,null]],"value":"a"}'
    with pytest.raises(LinesError, match="a header's name is 7, want text"):
        parse_line(line)
