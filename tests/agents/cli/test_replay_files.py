"""``touchstream replay`` and ``publish`` over files as people have them."""

import gzip
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from bench.equal import differences
from tests.agents.cli.command import COMMAND, Output, environ, order, touchstream
from tests.services import require
from touchstream.schemas.envelope import format_time, parse_time
from touchstream.schemas.units import DAY_MS, Millis

BEGIN_MS = parse_time("2024-01-01T12:00:00Z")


def at(days: float) -> str:
    return format_time(Millis(int(BEGIN_MS + days * DAY_MS)))


def event(number: int, kind: str, time: str, customer: str, **data: object) -> bytes:
    return order(customer, number, time, type=kind, data=data)


def shop() -> list[bytes]:
    """Seven customers, an order a day for forty days."""
    return [order(f"k{n % 7}", n, at(n)) for n in range(40)]


def contracts() -> list[bytes]:
    """Two contracts of years, sorted by customer, as an export has them."""
    terms = {"plan": "basic", "amount_minor": 9_900, "currency": "EUR", "period_days": 365}
    years = [
        ("2021-03-01T08:05:00Z", "subscription.started", terms),
        ("2022-03-01T08:05:00Z", "subscription.renewed", terms),
        ("2023-03-01T08:05:00Z", "subscription.renewed", terms),
        ("2024-02-20T08:05:00Z", "subscription.cancelled", {}),
    ]
    return [
        event(number, kind, time, customer, **data)
        for customer in ("ada", "bob")
        for number, (time, kind, data) in enumerate(years)
    ]


def replayed(folder: Path, *arguments: object) -> tuple[Output, dict[str, Any]]:
    require("redis")
    output = touchstream("replay", *arguments, "--out", "out", cwd=folder)
    return output, orjson.loads(output.out) if output.out else {}


def held(folder: Path, name: str, lines: list[bytes]) -> Path:
    file = folder / name
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    return file


@pytest.mark.slow
def test_any_order_any_files_and_a_pipe_are_the_same_history(tmp_path: Path) -> None:
    lines = shop()
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    output, summary = replayed(one, held(one, "events.jsonl", lines))
    assert output.code == 0, output.err
    assert summary["records"]["applied"] == 40
    random.Random(1).shuffle(lines)
    held(two, "a.jsonl", lines[:13])
    (two / "b.jsonl").write_bytes(gzip.compress(b"\xef\xbb\xbf" + b"\r\n".join(lines[13:30])))
    held(two, "c", lines[30:])
    arguments = ["replay", "a.jsonl", "/dev/stdin", "b.jsonl", "--out", "out"]
    piped = subprocess.run(
        ["/bin/sh", "-c", 'cat c | "$@"', "sh", *COMMAND, *arguments],
        cwd=two,
        env=environ(),
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert piped.returncode == 0, piped.stderr
    assert differences(one / "out", two / "out") == []


@pytest.mark.slow
def test_contracts_of_years_sorted_by_customer_end_when_they_were_cancelled(
    tmp_path: Path,
) -> None:
    wrong = [
        order("ada", 8, "2199-01-01T00:00:00Z"),
        order("ada", 9, "2019-12-31T00:00:00Z"),
    ]
    file = held(tmp_path, "contracts.jsonl", [*contracts(), *wrong])
    output, summary = replayed(tmp_path, file, "--from", "2020-01-01")
    assert output.code == 0, output.err
    assert summary["records"]["applied"] == 8
    outside = summary["out_of_range"]
    assert (outside["from"], outside["before"], outside["after"]) == (
        "2020-01-01T00:00:00.000Z",
        1,
        1,
    )
    assert outside["lines"] == [f"{file}:10", f"{file}:9"]
    assert (tmp_path / "out/out-of-range.jsonl").read_bytes().splitlines() == wrong
    profiles = (tmp_path / "out/profiles.jsonl").read_bytes().splitlines()
    for profile in map(orjson.loads, profiles):
        assert profile["profile"]["subscription"]["cancelled"]
        assert profile["profile"]["subscription"]["at"] == "2024-02-20T08:05:00.000Z"


@pytest.mark.slow
def test_a_run_that_applied_less_than_half_says_why_and_where(tmp_path: Path) -> None:
    lines = [
        *(event(n, "subscription.canceled", at(n), "ada") for n in range(3)),
        order("ada", 7, "yesterday"),
        order("ada", 8, at(1)),
        order("ada", 9, at(2)),
    ]
    file = held(tmp_path, "events.jsonl", lines)
    output, summary = replayed(tmp_path, file)
    assert output.code == 1
    assert summary["records"]["applied"] == 2
    [complaint, *reasons] = output.err.split("touchstream: ")[-1].splitlines()
    assert complaint == "4 of 6 lines were not applied, more than half:"
    assert "unknown_type subscription.canceled" in reasons[0]
    assert "did you mean `subscription.cancelled`" in reasons[0]
    assert f"{file}:1, {file}:2, {file}:3" in reasons[0]
    assert "bad_time order.placed time: want RFC 3339" in reasons[1]
    assert f"({file}:4)" in reasons[1]


def test_strict_replays_nothing_and_names_the_first_line(tmp_path: Path) -> None:
    file = held(tmp_path, "events.jsonl", [*shop()[:3], order("ada", 7, at(5), type="web.vist")])
    output, _ = replayed(tmp_path, file, "--strict")
    assert output.code == 1
    assert "--strict: 1  unknown_type web.vist type: " in output.err
    assert f"({file}:4); nothing was replayed" in output.err
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (gzip.compress(b"\n".join(shop()))[:-40], 1, "gzip: damaged or cut off after line "),
        (b"[" + b",".join(shop()) + b"]", 1, "`jq -c '.[]' FILE` converts it"),
        (b"\n \n", 2, "want at least one line"),
        (order("ada", 1, "2199-01-01T00:00:00Z"), 1, "every line lies outside of the beginning to"),
    ],
    ids=["gzip", "array", "empty", "outside"],
)
def test_a_file_that_cannot_be_replayed_ends_in_one_line_and_leaves_nothing(
    tmp_path: Path, content: bytes, code: int, line: str
) -> None:
    (tmp_path / "events").write_bytes(content)
    output = touchstream("replay", "events", "--out", "out", cwd=tmp_path)
    assert output.code == code
    assert output.err.splitlines()[-1].startswith("touchstream: ")
    assert line in output.err.splitlines()[-1]
    assert list((tmp_path / "out").iterdir()) == []


def test_an_input_in_the_folder_of_the_outputs_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    file = held(tmp_path, "out/scores.jsonl", shop())
    before = file.read_bytes()
    output = touchstream("replay", file, "--out", "out", cwd=tmp_path)
    assert (output.code, file.read_bytes()) == (2, before)
    assert f"{file} lies in it" in output.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("target", ["/dev/full", "pipe"])
def test_an_output_that_takes_nothing_more_ends_in_one_line(tmp_path: Path, target: str) -> None:
    if target == "pipe":
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open(target, os.O_WRONLY)
    held(tmp_path, "events.jsonl", shop())
    done = subprocess.run(
        [*COMMAND, "check", "events.jsonl", "--json"],
        cwd=tmp_path,
        env=environ(),
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writer)
    assert done.returncode == 1
    reason = b"standard output was closed" if target == "pipe" else b"No space left on device"
    *progress, last = done.stderr.splitlines()
    assert progress == [b'{"phase":"reading","records":1}', b'{"phase":"checking","records":1}']
    assert last == b"touchstream: " + reason


def test_publish_says_how_many_events_are_too_old_before_it_sends_any(tmp_path: Path) -> None:
    held(tmp_path, "events.jsonl", shop())
    output = touchstream("publish", "events.jsonl", cwd=tmp_path)
    assert output.code == 1
    assert (
        "touchstream: 40 of 40 events are older than intake.allowed_lateness_days = " in output.err
    )
    assert "`touchstream backfill`" in output.err
    assert output.err.rstrip().endswith("--allow-late; nothing was sent")
