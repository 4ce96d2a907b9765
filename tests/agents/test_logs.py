"""One line an event, nothing personal, and no storm when a broker is away."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from touchstream.agents import logs


@pytest.fixture(autouse=True)
def _standard_library_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def warning(text: str, *arguments: object, name: str = "aiokafka") -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "", 0, text, arguments, None)


def test_our_event_is_one_json_line_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "info")
    structlog.get_logger("touchstream.agents.touchpoints").info(
        "batch_committed", shard="p3", records=7
    )
    (line,) = lines(capsys)
    assert {key: line[key] for key in ("event", "shard", "records", "level", "logger")} == {
        "event": "batch_committed",
        "shard": "p3",
        "records": 7,
        "level": "info",
        "logger": "touchstream.agents.touchpoints",
    }


def test_lines_of_the_standard_library_look_like_ours(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "info")
    logging.getLogger("faust.app").warning("Missing %s", "topic")
    (line,) = lines(capsys)
    assert (line["event"], line["logger"], line["level"]) == (
        "Missing topic",
        "faust.app",
        "warning",
    )


def test_below_the_level_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "warning")
    structlog.get_logger("agents").info("batch_committed")
    assert lines(capsys) == []


def test_a_field_that_may_be_personal_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "info")
    structlog.get_logger("agents").info("odd_event", text="my card is 4111", customer="c1")
    (line,) = lines(capsys)
    assert (line["text"], line["customer"]) == ("[left out]", "c1")


@pytest.mark.parametrize("chosen", ["json", "console"])
def test_a_traceback_shows_no_local_variables(
    chosen: logs.Format, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(chosen, "info")
    said_by_customer = "my card is " + "4111"
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        structlog.get_logger("agents").exception("worker_failed")
    written = capsys.readouterr().err
    assert "boom" in written
    assert said_by_customer not in written


def test_a_repeated_warning_of_a_kafka_client_is_held_back_and_counted() -> None:
    now_s = 0.0
    repeats = logs.RepeatFilter(30.0, lambda: now_s)
    let_through = [repeats.filter(warning("Unable connect to %s", port)) for port in range(4)]
    assert let_through == [True, False, False, False]
    now_s = 30.0
    last = warning("Unable connect to %s", 9)
    assert repeats.filter(last)
    assert last.getMessage() == "Unable connect to 9 (and 3 more like it)"


def test_different_warnings_are_not_held_back_for_each_other() -> None:
    repeats = logs.RepeatFilter(30.0, lambda: 0.0)
    assert repeats.filter(warning("Unable connect"))
    assert repeats.filter(warning("Topic not found"))
    assert repeats.filter(warning("Unable connect", name="aiokafka.conn"))


def test_our_own_warnings_are_never_held_back() -> None:
    repeats = logs.RepeatFilter(30.0, lambda: 0.0)
    assert all(
        repeats.filter(warning("fence_lost", name="touchstream.agents.touchpoints"))
        for _ in range(3)
    )


def test_the_storm_of_a_refused_broker_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "info")
    for _ in range(100):
        logging.getLogger("aiokafka").error('Unable connect to "%s:%s"', "broker", 9092)
    assert len(lines(capsys)) == 1
