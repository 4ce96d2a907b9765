"""The phase of a log: times of receipt are the header's in a backfill, and nowhere else."""

import orjson
import pytest

from touchstream.schemas.tick import ActiveConfig, Phase, Tick, decode_tick, encode_tick
from touchstream.schemas.units import Millis
from touchstream.streams.intake.log_phase import RECEIVED_HEADER, LogPhase, header_ms
from touchstream.streams.records import Record

CONFIG = ActiveConfig(model_version=0, rules="r", features="f")


def tick(number: int, phase: Phase = "live") -> Tick:
    return Tick(number=number, time_ms=Millis(1), active_config=CONFIG, phase=phase)


def record(*headers: tuple[str, bytes | None]) -> Record:
    return Record(0, Millis(9), b"ada", b"", headers)


def test_only_in_a_history_the_header_is_trusted() -> None:
    claimed = record(("x", b"1"), (RECEIVED_HEADER, b"5"))
    assert LogPhase().stamped(claimed).received_ms == 9
    assert LogPhase(1, "history").stamped(claimed).received_ms == 5


@pytest.mark.parametrize("value", [None, b"", b"-5", b"soon", b"5.0", b"\xd9\xa5"])
def test_a_header_that_is_no_time_is_ignored(value: bytes | None) -> None:
    assert header_ms(((RECEIVED_HEADER, value),)) is None
    assert LogPhase(1, "history").stamped(record((RECEIVED_HEADER, value))).received_ms == 9


def test_the_newest_tick_names_the_phase_and_a_repeated_one_does_not() -> None:
    log_phase = LogPhase().after(tick(1, "history")).after(tick(2, "live"))
    assert log_phase == (2, "live")
    assert log_phase.after(tick(1, "history")) == log_phase


def test_a_phase_is_signed() -> None:
    secret = b"a secret of this house"

    decoded = orjson.loads(encode_tick(tick(1, "history"), secret))
    assert decode_tick(decoded, secret).phase == "history"
    decoded["data"]["phase"] = "live"
    with pytest.raises(ValueError, match="not signed with this"):
        decode_tick(decoded, secret)


def test_a_live_tick_looks_as_in_earlier_builds() -> None:
    secret = b"a secret of this house"

    decoded = orjson.loads(encode_tick(tick(1), secret))
    assert "phase" not in decoded["data"]
    assert decode_tick(decoded, secret) == tick(1)
