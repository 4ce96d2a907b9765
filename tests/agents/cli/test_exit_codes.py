"""Exit 2 for errors that the caller can fix at the command line, one line each; 1 for failures."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.agents.cli.command import ROOT, environ, order, touchstream

HEAVY = ("faust", "kafka", "aiokafka", "pydantic", "river", "redis", "rich", "structlog")


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys, typer.testing, touchstream.agents.cli.main as m\n"
        "typer.testing.CliRunner().invoke(m.app, ['--help'])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environ(), capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == "[]"


@pytest.mark.parametrize("command", ["doctor", "schemas"])
def test_a_command_needs_no_yaml_library_which_an_installed_package_does_not_bring(
    command: str,
) -> None:
    program = f"import sys; sys.modules['yaml'] = None; import touchstream.agents.cli.{command}"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environ(), check=True)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["frob"], "touchstream: No such command 'frob'."),
        (
            ["replay", "nowhere.jsonl", "--out", "o"],
            "touchstream: FILE: want JSONL of events, plain or gzip: nowhere.jsonl: no such file",
        ),
        (
            ["replay", "empty.jsonl", "--out", "o"],
            "touchstream: FILE: want at least one line: empty.jsonl",
        ),
        (
            ["replay", "one.jsonl", "--out", "empty.jsonl"],
            "touchstream: --out='empty.jsonl': want a folder to write to: File exists",
        ),
        (
            ["replay", "one.jsonl", "--out", "o", "--broker", "here"],
            "touchstream: --broker='here': want embedded, or HOST:PORT, several separated by ",
        ),
        (
            ["publish", "one.jsonl", "--broker", "embedded"],
            "touchstream: --broker='embedded': want HOST:PORT, several separated by commas",
        ),
        (
            ["dead-letters", "redrive", "--reason", "bad_luck", "--yes"],
            "touchstream: --reason='bad_luck': want one of too_large, not_json, ",
        ),
        (
            ["dead-letters", "redrive", "--reason", "bad_data", "--as-new-event", "--yes"],
            "touchstream: --as-new-event: want it with --reason conflicting_id, or with no",
        ),
        (
            ["dead-letters", "redrive"],
            "touchstream: --yes: want it (or --dry-run) without a terminal to ask at",
        ),
        (
            ["tail", "churn-risk", "--record"],
            "touchstream: --record: want the topic touchpoints: only touchpoints can be replayed",
        ),
        (["tail", "frob"], "touchstream: TOPIC='frob': want one of alerts, churn-risk, "),
        (
            ["worker", "--config", "nowhere.toml"],
            "touchstream: nowhere.toml: want a readable TOML file: No such file or directory",
        ),
        (
            ["topics", "--config", "unknown.toml"],
            "touchstream: kafka.bootsrap: no such setting (from unknown.toml); "
            "did you mean kafka.bootstrap?",
        ),
    ],
)
def test_what_the_caller_can_mend_ends_with_2_and_one_line(
    tmp_path: Path, arguments: list[str], line: str
) -> None:
    (tmp_path / "empty.jsonl").write_bytes(b"\n \n")
    (tmp_path / "one.jsonl").write_bytes(order("ada", 1, "2026-01-01T00:00:00Z"))
    (tmp_path / "unknown.toml").write_text("[kafka]\nbootsrap = 'a:1'\n")
    output = touchstream(*arguments, cwd=tmp_path)
    assert output.code == 2
    assert output.err.startswith(line)
    assert output.err.count("\n") == 1


def test_a_store_that_is_away_ends_with_1_and_one_line(tmp_path: Path) -> None:
    away = {"REDIS__URL": f"unix://{tmp_path}/nobody.sock"}
    output = touchstream("customer", "ada", cwd=tmp_path, settings=away)
    assert output.code == 1
    assert output.err.startswith("touchstream: read_checkpoints: Redis at")
    assert "is it running" in output.err
    assert output.err.count("\n") == 1


def test_a_bad_line_ends_with_1_and_names_file_line_and_reason(tmp_path: Path) -> None:
    good = order("ada", 1, "2026-01-01T00:00:00Z")
    (tmp_path / "events.jsonl").write_bytes(good + b"\n\nnonsense\n")
    output = touchstream("publish", "events.jsonl", cwd=tmp_path)
    assert output.code == 1
    assert (
        "touchstream: events.jsonl:3: not_json: want one JSON value; this one breaks at "
        "character 0; nothing was sent (--skip-bad sends the others)\n"
    ) in output.err
