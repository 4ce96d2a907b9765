"""The command as people run it: exit codes, words, JSON, standard input."""

import gzip
from pathlib import Path

import orjson

from tests.agents.cli.command import order, touchstream

AT = "2026-01-01T00:00:00Z"
BAD = {"order": "o", "amout_minor": 5, "currency": "EUR"}
MISSPELT = {"order": "o", "amount_minor": 5, "currency": "EUR", "chanel": "web"}


def test_a_valid_file_ends_with_0(tmp_path: Path) -> None:
    (tmp_path / "good.jsonl").write_bytes(order("ada", 1, AT) + b"\r\n\r\n" + order("bob", 1, AT))
    output = touchstream("check", "good.jsonl", cwd=tmp_path)
    assert output.code == 0
    assert output.out.splitlines() == [
        "good.jsonl: lines 2, customers 2, times 2026-01-01T00:00:00.000Z to "
        "2026-01-01T00:00:00.000Z",
        "valid:",
        "          2  order.placed",
        "all valid",
    ]


def test_faults_end_with_1_and_say_where_and_what_was_meant(tmp_path: Path) -> None:
    lines = [order("ada", 1, AT, data=MISSPELT), order("ada", 2, AT, data=BAD), b"nonsense"]
    (tmp_path / "bad.jsonl").write_bytes(b"\n".join(lines))
    output = touchstream("check", "bad.jsonl", cwd=tmp_path)
    assert output.code == 1
    assert output.out.splitlines()[3:] == [
        "not applied:",
        "          1  bad_data order.placed data.amount_minor: Object missing required field "
        "`amount_minor`; it is probably sent as `amout_minor`  (bad.jsonl:2)",
        "          1  not_json: want one JSON value; this one breaks at character 0  (bad.jsonl:3)",
        "applied all the same:",
        "          1  order.placed: `chanel`, did you mean `channel`?  (bad.jsonl:1)",
        "not all valid: 2 of 3 lines would not be applied",
    ]


def test_programs_read_one_line_of_json_about_standard_input(tmp_path: Path) -> None:
    stdin = gzip.compress(order("ada", 1, AT, type="order.place") + b"\n" + order("ada", 2, AT))
    output = touchstream("check", "-", "--json", cwd=tmp_path, stdin=stdin)
    assert output.code == 1
    found = orjson.loads(output.out)
    assert (found["ok"], found["lines"], found["valid_by_type"]) == (False, 2, {"order.placed": 1})
    assert found["not_applied"] == [
        {
            "outcome": "dropped",
            "reason": "unknown_type",
            "type": "order.place",
            "field": "type",
            "detail": "want a type of docs/events.md",
            "hint": found["not_applied"][0]["hint"],
            "count": 1,
            "lines": ["-:1"],
        }
    ]
    assert found["not_applied"][0]["hint"].startswith("did you mean `order.placed`")


def test_an_empty_file_fails_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_bytes(b"\n")
    output = touchstream("check", "empty.jsonl", cwd=tmp_path)
    assert output.code == 1
    assert "empty.jsonl is empty: want at least one line" in output.out


def test_bad_usage_ends_with_2_and_one_line(tmp_path: Path) -> None:
    for arguments, line in (
        (
            ["nowhere.jsonl"],
            "FILE: want JSONL of events, plain or gzip: nowhere.jsonl: no such file",
        ),
        (["."], "FILE: want JSONL of events, plain or gzip: .: cannot be read"),
        (["-", "-"], "FILE: want - (standard input) once at most"),
    ):
        output = touchstream("check", *arguments, cwd=tmp_path)
        assert (output.code, output.err) == (2, f"touchstream: {line}\n")
