"""make help and .ci/run say and do what they promise."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TARGETS = ("help", "setup", "demo", "test", "check", "lint", "types", "bench", "kafka", "soak")


def planned(target: str) -> str:
    """The commands that make would run, without running them."""
    command = ["make", "--no-print-directory", "--dry-run", target]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def test_help_names_every_door() -> None:
    command = ["make", "--no-print-directory", "help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(TARGETS) <= set(re.findall(r"^  make (\w+)", done.stdout, re.MULTILINE))


@pytest.mark.parametrize("target", TARGETS)
def test_every_door_opens(target: str) -> None:
    assert planned(target)


def test_check_lints_types_imports_and_generated_files() -> None:
    plan = planned("check")
    for tool in (
        "ruff check",
        "ruff format --check",
        "mypy",
        "lint-imports",
        "touchstream.schemas.generate",
    ):
        assert tool in plan


def test_setup_installs_by_hash_and_nothing_unlocked() -> None:
    text = (ROOT / "Makefile").read_text()
    installs = [line for line in text.splitlines() if "pip install" in line]
    assert [re.findall(r"--(require-hashes|no-deps)", line) for line in installs] == [
        ["require-hashes"],
        ["no-deps"],
    ]


def test_ci_ends_with_the_tests_and_stops_at_the_first_failure() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert "set -euo pipefail" in lines
    assert "export CI=true" in lines
    assert [line for line in lines if line.startswith("make ")] == ["make check", "make test"]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs the git checkout")
def test_no_file_of_the_project_names_a_package_registry() -> None:
    host = re.compile(r"https?://[a-z0-9.-]*(pypi|pythonhosted|npmjs|maven|debian)\.[a-z.]+")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    files = [ROOT / name for name in listed]
    texts = {file: file.read_text(errors="replace") for file in files if file.is_file()}
    assert [str(file) for file, text in texts.items() if host.search(text)] == []
