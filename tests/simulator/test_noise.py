from collections import Counter

import numpy as np
import orjson
import pytest

from touchstream.schemas.envelope import parse_time
from touchstream.schemas.units import DAY_MS, CustomerId, Millis
from touchstream.simulator import SILENCE, Line, Noise, World
from touchstream.simulator.noise import deliver
from touchstream.streams.intake.decode import Arrival, Origin, decode
from touchstream.streams.outcome import Drop, Reject
from touchstream.streams.records import Record

TROUBLED = Noise(
    out_of_order=0.02,
    late=0.02,
    too_late=0.01,
    wrong_clock=0.01,
    repeated=0.02,
    conflicting=0.01,
    truncated=0.01,
    wrong_type=0.01,
    not_a_number=0.01,
    without_subject=0.01,
    unknown_type=0.01,
    oversized=0.001,
)


@pytest.fixture(scope="module")
def world() -> World:
    return World(9, 300, 40, noise=TROUBLED)


@pytest.fixture(scope="module")
def lines(world: World) -> list[Line]:
    return list(world.lines())


def befallen(lines: list[Line], trouble: str) -> list[Line]:
    return [line for line in lines if line.trouble == trouble]


def read(line: Line) -> object:
    subject = line.event.get("subject", "") if isinstance(line.event, dict) else ""
    key = CustomerId(subject).encode() or None
    record = Record(0, Millis(line.received_ms), key, line.to_bytes())
    return decode(record, Origin(partition=0, partitions=1, tick_secret=None))


def test_every_trouble_occurs(world: World, lines: list[Line]) -> None:
    assert set(world.expected.troubles) == set(Noise.__struct_fields__)


def test_the_counts_are_those_of_the_lines(world: World, lines: list[Line]) -> None:
    assert world.expected.lines == len(lines)
    assert world.expected.fates == Counter(line.fate for line in lines)
    assert world.expected.troubles == Counter(line.trouble for line in lines if line.trouble)


def test_intake_puts_every_line_where_its_fate_says(lines: list[Line]) -> None:
    output: dict[int, int] = {}
    for line in lines:
        outcome = read(line)
        match line.fate:
            case "applied":
                assert isinstance(outcome, Arrival)
                assert outcome.identity not in output
                output[outcome.identity] = outcome.content
            case "duplicate":
                assert isinstance(outcome, Arrival)
                assert output[outcome.identity] == outcome.content
            case "too_late":
                assert isinstance(outcome, Arrival)
            case "unknown_type":
                assert isinstance(outcome, Drop)
            case "dead_letter" if line.trouble == "conflicting":
                assert isinstance(outcome, Arrival)
                assert output[outcome.identity] != outcome.content
            case "dead_letter":
                assert isinstance(outcome, Reject)


def test_poison_is_refused_for_what_is_wrong_with_it(lines: list[Line]) -> None:
    def reasons(trouble: str) -> set[object]:
        outcomes = map(read, befallen(lines, trouble))
        return {outcome.reason for outcome in outcomes if isinstance(outcome, Reject)}

    assert reasons("truncated") == {"not_json"}
    assert reasons("not_a_number") == {"bad_number"}
    assert reasons("wrong_type") == {"bad_data"}
    assert reasons("without_subject") == {"missing_attribute"}
    assert reasons("oversized") == {"too_large"}


def test_known_events_carry_no_unknown_fields(lines: list[Line]) -> None:
    for line in lines:
        if line.fate == "applied":
            outcome = read(line)
            assert isinstance(outcome, Arrival)
            assert outcome.unknown_fields == ()


@pytest.mark.parametrize(
    ("trouble", "least_days", "most_days"),
    [("out_of_order", 0, 0.1), ("late", 0.08, 6), ("too_late", 9, 11)],
)
def test_delays_keep_clear_of_the_seven_days_of_allowed_lateness(
    lines: list[Line], trouble: str, least_days: float, most_days: float
) -> None:
    late = befallen(lines, trouble)
    assert late
    for line in late:
        assert isinstance(line.event, dict)
        delay_days = (line.received_ms - parse_time(line.event["time"])) / DAY_MS
        assert least_days <= delay_days <= most_days


def test_a_wrong_clock_shows_2099_and_is_clamped(lines: list[Line]) -> None:
    for line in befallen(lines, "wrong_clock"):
        outcome = read(line)
        assert isinstance(outcome, Arrival)
        assert outcome.clamped
        assert b'"time":"2099-' in line.to_bytes()


def test_noise_changes_nothing_but_what_arrives(world: World, lines: list[Line]) -> None:
    still = World(9, 300, 40, noise=SILENCE)
    untouched = {line.to_bytes() for line in still.lines()}
    whole = [line for line in lines if line.trouble is None]
    delayed = befallen(lines, "late") + befallen(lines, "too_late")
    assert {line.to_bytes() for line in whole} <= untouched
    assert {_as_sent(line) for line in delayed} <= untouched
    assert list(still.truth()) == list(world.truth())
    others = befallen(lines, "out_of_order") + befallen(lines, "wrong_clock")
    assert len(whole) + len(delayed) + len(others) == len(untouched)


def _as_sent(line: Line) -> bytes:
    assert isinstance(line.event, dict)
    return orjson.dumps({key: line.event[key] for key in line.event if key != "receivedtime"})


def test_an_erasure_always_arrives_in_time() -> None:
    erasure = {"id": "e1", "type": "customer.erased", "time": "2026-01-01T00:00:00.000Z"}
    lines = deliver([(0, erasure)], Noise(too_late=0.9), np.random.default_rng(0))
    assert lines == [Line(0, erasure)]


def test_shares_above_one_are_refused() -> None:
    with pytest.raises(ValueError, match="add up to 1"):
        Noise(late=0.9, repeated=0.2)
    with pytest.raises(ValueError, match="not negative"):
        Noise(late=-0.1)
