"""``touchstream check`` finds what the core would: compared with it, and fault by fault."""

from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.agents.cli.command import order
from tests.golden import core
from tests.golden.worlds import NOISE, rules
from tests.make import QUICK, days, event, record
from touchstream.agents.event_check import MOST_NAMES, CheckResult, EventCheck
from touchstream.agents.event_faults import MOST_TYPES, Fault
from touchstream.agents.history.recording import record_line
from touchstream.schemas.event_types import EventTypeRules, FieldRules, own_types
from touchstream.schemas.rules import IntakeRules
from touchstream.schemas.tick import ActiveConfig, Tick, encode_tick
from touchstream.schemas.units import HOUR_MS, Millis
from touchstream.simulator import World
from touchstream.streams.intake.decode import Origin
from touchstream.streams.local import LocalStream
from touchstream.streams.records import Record

NOW_MS = days(20_000)
AT = "2026-01-01T00:00:00Z"


def checked(path: Path, *lines: bytes, intake: IntakeRules | None = None) -> CheckResult:
    file = path / "events.jsonl"
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    return run([file], intake)


def run(files: Sequence[Path], intake: IntakeRules | None = None) -> CheckResult:
    check = EventCheck(intake or IntakeRules(), 1, None, NOW_MS)
    return check.run(files, lambda: None)


def only(result: CheckResult) -> Fault:
    (fault,) = result.faults.all()
    return fault


def by_reason(result: CheckResult, outcome: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for fault in result.faults.all():
        if fault.outcome == outcome:
            found[fault.reason] = found.get(fault.reason, 0) + fault.count
    return found


def parts(counters: dict[str, int], prefix: str) -> dict[str, int]:
    return {
        name.removeprefix(prefix): count
        for name, count in counters.items()
        if name.startswith(prefix)
    }


def test_a_noisy_world_is_counted_as_the_core_counts_it(tmp_path: Path) -> None:
    world = World(5, 40, 120, noise=NOISE)
    file = tmp_path / "world.jsonl"
    file.write_bytes(b"".join(line.to_bytes() + b"\n" for line in world.lines()))
    counters = core.run(file).shards[0].checkpoint.counters
    result = run([file], rules().intake)
    assert result.valid.total() == counters["applied"] > 2_000
    assert result.duplicates.count == counters["duplicate"] > 0
    assert result.late == counters["late"] > 0
    assert result.clamped.count + result.future.count == counters["clamped"] > 0
    assert by_reason(result, "rejected") == parts(counters, "dead.")
    assert by_reason(result, "dropped") == parts(counters, "dropped.")
    assert {"conflicting_id", "bad_data"} <= by_reason(result, "rejected").keys()
    assert by_reason(result, "dropped").keys() == {"too_late", "unknown_type"}


def test_a_recorded_log_is_judged_by_its_own_ticks(tmp_path: Path) -> None:
    config = ActiveConfig(model_version=0, rules="r", features="f")
    log: list[Record] = []
    for number in range(9):
        tick = encode_tick(
            Tick(number=number + 1, time_ms=days(number), active_config=config), None
        )
        log.append(Record(0, days(number), None, tick))
        for back in (0, 1, 3, 5):
            at_ms = Millis(days(number - back) + HOUR_MS)
            log.append(record(event("web.visit", at_ms, page=f"/{number}"), days(number, 2)))
    stream = LocalStream(QUICK)
    stream.feed(0, log)
    counters = stream.shards[0].checkpoint.counters
    origin = Origin(0, 1, None)
    lines = [record_line(each, origin).strip() for each in log]
    result = checked(tmp_path, *lines, intake=QUICK.intake)
    assert (result.ticks, result.valid.total(), result.late) == (
        9,
        counters["applied"],
        counters["late"],
    )
    assert by_reason(result, "dropped") == {"too_late": counters["dropped.too_late"]}


def test_valid_events_are_counted_by_type(tmp_path: Path) -> None:
    visit = order("bob", 2, AT, type="web.visit", data={"page": "/"})
    result = checked(tmp_path, order("ada", 1, AT), visit, order("ada", 3, AT))
    assert result.well
    assert result.valid == {"order.placed": 2, "web.visit": 1}
    assert result.customers == 2


GOOD = {"order": "o", "amount_minor": 5, "currency": "EUR"}


@pytest.mark.parametrize(
    ("line", "reason", "kind", "field", "hint"),
    [
        (b"{", "not_json", None, None, None),
        (
            b"[" + order("ada", 1, AT) + b"]",
            "not_an_object",
            None,
            None,
            "want one event a line, not an array of events",
        ),
        (order("ada", 1, "yesterday"), "bad_time", "order.placed", "time", None),
        (order("ada", 1, AT, subject=None), "missing_attribute", "order.placed", "subject", None),
        (
            order("ada", 1, AT, subject=None, Subject="ada"),
            "missing_attribute",
            "order.placed",
            "subject",
            "did you mean `Subject`?",
        ),
        (
            order("ada", 1, AT, data={**GOOD, "amount_minor": "5"}),
            "bad_data",
            "order.placed",
            "data.amount_minor",
            None,
        ),
        (
            order("ada", 1, AT, data={"order": "o", "amout_minor": 5, "currency": "EUR"}),
            "bad_data",
            "order.placed",
            "data.amount_minor",
            "it is probably sent as `amout_minor`",
        ),
        (
            order("ada", 1, AT, data={**GOOD, "items": [{"quantity": 1}]}),
            "bad_data",
            "order.placed",
            "data.items[...].sku",
            None,
        ),
        (
            order("ada", 1, AT, data=None, data_base64="no base64"),
            "bad_data",
            "order.placed",
            "data_base64",
            None,
        ),
        (
            order("ada", 1, AT, type="OrderPlaced"),
            "unknown_type",
            "OrderPlaced",
            "type",
            "did you mean `order.placed`",
        ),
        (
            order("ada", 1, AT, type="space.travelled"),
            "unknown_type",
            "space.travelled",
            "type",
            None,
        ),
        (order("ada", 1, AT, type="touchstream.tick"), "reserved_type", None, "type", None),
        (
            b'{"touchstream_record":1,"partition":0,"secret":"mira@example.com"}',
            "bad_record",
            None,
            None,
            None,
        ),
    ],
)
def test_a_fault_names_its_line_type_and_field(
    tmp_path: Path, line: bytes, reason: str, kind: str | None, field: str | None, hint: str | None
) -> None:
    fault = only(checked(tmp_path, order("eve", 9, AT), b"", line))
    assert (fault.reason, fault.type, fault.field) == (reason, kind, field)
    assert (fault.hint or "").startswith(hint or "")
    assert (fault.hint is None) == (hint is None)
    assert fault.lines == [f"{tmp_path}/events.jsonl:3"]
    assert "mira" not in fault.detail


def test_equal_faults_are_one_finding_with_its_first_lines(tmp_path: Path) -> None:
    result = checked(tmp_path, *[b"{" + b"x" * number for number in range(1, 9)])
    fault = only(result)
    assert (fault.count, len(fault.lines), fault.lines[0]) == (8, 5, f"{tmp_path}/events.jsonl:1")
    assert (result.faults.count, result.well) == (8, False)


def test_a_duplicate_is_no_fault_and_a_conflicting_id_is(tmp_path: Path) -> None:
    other = order("ada", 1, AT, data={**GOOD, "amount_minor": 6})
    again = checked(tmp_path, order("ada", 1, AT), order("ada", 1, AT))
    assert (again.well, again.duplicates.count, again.valid.total()) == (True, 1, 1)
    assert only(checked(tmp_path, order("ada", 1, AT), other)).reason == "conflicting_id"


def test_an_id_is_forgotten_as_the_workers_forget_it(tmp_path: Path) -> None:
    often = [order("bob", number, f"2026-01-{number:02}T00:00:01Z") for number in range(1, 29)]
    first = order("ada", 1, AT)
    assert checked(tmp_path, first, *often, order("ada", 1, "2026-01-29T00:00:00Z")).well
    soon = order("ada", 1, "2026-01-05T00:00:00Z")
    assert only(checked(tmp_path, first, soon)).reason == "conflicting_id"


def test_an_optional_field_that_is_misspelt_is_told_and_does_not_fail(tmp_path: Path) -> None:
    result = checked(tmp_path, order("ada", 1, AT, data={**GOOD, "chanel": "web", "colour": "red"}))
    assert result.well
    meant = {name: result.did_you_mean(*name) for name in result.unknown_fields}
    assert meant == {("order.placed", "chanel"): "channel", ("order.placed", "colour"): None}


def test_names_without_end_are_counted_together(tmp_path: Path) -> None:
    fields = [order("ada", n, AT, data={**GOOD, f"f{n}": 1}) for n in range(MOST_NAMES + 9)]
    types = [order("bob", n, AT, type=f"t{n}.x") for n in range(MOST_TYPES + 9)]
    result = checked(tmp_path, *fields, *types)
    assert len(result.unknown_fields) == MOST_NAMES + 1
    assert result.unknown_fields["other", "other"].count == 9
    assert [fault.count for fault in result.faults.all()] == [9, *[1] * MOST_TYPES]


def test_events_out_of_order_late_and_in_the_future_are_told(tmp_path: Path) -> None:
    def at(number: int, time: str, **more: object) -> bytes:
        return order("ada", number, time, **more)

    result = checked(
        tmp_path,
        at(1, "2026-01-10T10:00:00Z"),
        at(2, "2026-01-10T09:00:00Z"),
        at(3, "2026-01-20T10:00:00Z"),
        at(4, "2026-01-19T10:00:00Z", receivedtime="2026-01-20T10:30:00Z"),
        at(5, "2026-01-10T10:00:00Z", receivedtime="2026-01-20T10:40:00Z"),
        at(6, "9998-01-01T00:00:00Z"),
        at(7, "2026-01-20T12:00:00Z", receivedtime="2026-01-20T11:00:00Z"),
    )
    assert (result.out_of_order.count, result.furthest_back_ms // HOUR_MS) == (1, 1)
    assert (result.late, only(result).reason, only(result).lines) == (
        1,
        "too_late",
        [f"{tmp_path}/events.jsonl:5"],
    )
    assert result.future.lines == [f"{tmp_path}/events.jsonl:6"]
    assert result.clamped.lines == [f"{tmp_path}/events.jsonl:7"]


def test_a_long_silence_and_lines_in_any_order_are_no_fault(tmp_path: Path) -> None:
    later = [order("bob", n, "2024-12-01T00:00:00Z") for n in range(1_009)]
    early = [order("ada", n, "2021-01-01T00:00:00Z") for n in range(1_000)]
    result = checked(tmp_path, *later, *early, b"{")
    assert (result.out_of_order.count, result.valid.total()) == (1_000, 2_009)
    assert only(result).lines == [f"{tmp_path}/events.jsonl:2010"]


def test_a_file_that_is_an_array_is_named_with_the_command_that_converts_it(
    tmp_path: Path,
) -> None:
    result = checked(tmp_path, b"[", order("ada", 1, AT) + b",", order("ada", 2, AT), b"]")
    [why] = result.unread.values()
    assert why == ("looks like a JSON array: want one event a line; `jq -c '.[]' FILE` converts it")


def test_files_without_a_line_and_files_cut_short_are_named(tmp_path: Path) -> None:
    empty, cut, good = (tmp_path / name for name in ("empty", "cut.gz", "good.gz"))
    empty.write_bytes(b"\n \n")
    import gzip  # noqa: PLC0415

    packed = gzip.compress(b"".join(order("ada", n, AT) + b"\n" for n in range(99)))
    cut.write_bytes(packed[:-20])
    good.write_bytes(packed)
    result = run([empty, cut, good])
    assert not result.well
    assert (result.empty, list(result.unread)) == ([str(empty)], [str(cut)])
    assert "ended before" in result.unread[str(cut)]
    assert result.lines[str(good)] == 99


def test_a_file_that_is_away_is_named_and_raises_nothing(tmp_path: Path) -> None:
    assert run([tmp_path / "gone"]).unread == {str(tmp_path / "gone"): "No such file or directory"}


@given(
    st.lists(
        st.binary(max_size=60)
        | st.builds(
            orjson.dumps,
            st.recursive(
                st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(
                        st.sampled_from(
                            ["id", "type", "data", "subject", "touchstream_record", "x"]
                        ),
                        inner,
                        max_size=4,
                    )
                ),
            ),
        ),
        max_size=12,
    )
)
def test_any_bytes_are_valid_or_a_fault(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    # A first line of its own, or the bytes might look like another format.
    result = checked(tmp_path_factory.mktemp("any"), order("ada", 1, AT), *lines)
    assert result.faults.count + result.duplicates.count + result.valid.total() == (
        result.lines.total() - result.ticks
    )


def test_a_type_of_the_settings_is_checked_like_a_built_in_one(tmp_path: Path) -> None:
    field = FieldRules(name="kwh", type="integer", required=True)
    own = own_types(
        (EventTypeRules(name="meter.read", family="content", by_customer=True, fields=(field,)),)
    )
    line = {
        "specversion": "1.0",
        "id": "m1",
        "source": "meters",
        "type": "meter.read",
        "subject": "ada",
        "time": "2026-01-01T00:00:00Z",
        "data": {"kwh": 7},
    }
    wrong = {**line, "id": "m2", "data": {"kwh": "much"}}
    file = tmp_path / "events.jsonl"
    file.write_bytes(orjson.dumps(line) + b"\n" + orjson.dumps(wrong) + b"\n")
    check = EventCheck(IntakeRules(), 1, None, NOW_MS, own)
    result = check.run([file], lambda: None)
    assert result.valid == {"meter.read": 1}
    [fault] = result.faults.all()
    assert (fault.reason, fault.field) == ("bad_data", "data.kwh")
