"""The folder of a replay: one whole run, never a mixture, whatever happens to the next one."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from touchstream.agents.history.inputs import STDIN
from touchstream.agents.replay.outputs import fingerprints, input_inside, mixture, outputs


def run(folder: Path, files: dict[str, str], *, fails: bool = False) -> None:
    with outputs(folder) as work:
        for name, text in files.items():
            (work / name).write_text(text)
        if fails:
            raise OSError(28, "No space left on device")


def content(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


FIRST = {"summary.json": "1", "scores.jsonl": "1", "scores-return.jsonl": "1"}
SECOND = {"summary.json": "2", "scores.jsonl": "2", "churn-risk.jsonl": "2"}


def test_the_outputs_are_in_the_folder_at_the_end_only(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "out"
    with outputs(folder) as work:
        (work / "summary.json").write_text("1")
        assert not (folder / "summary.json").exists()
    assert content(folder) == {"summary.json": "1"}


def test_a_run_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as failed:
        run(tmp_path, FIRST, fails=True)
    assert failed.value.filename == str(tmp_path)
    assert content(tmp_path) == {}


def test_a_run_that_fails_leaves_the_earlier_one_whole(tmp_path: Path) -> None:
    run(tmp_path, FIRST)
    with pytest.raises(OSError, match="No space left"):
        run(tmp_path, SECOND, fails=True)
    assert content(tmp_path) == FIRST


def test_a_run_replaces_every_file_of_the_earlier_one_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "report.html").write_text("of the first run")
    run(tmp_path, FIRST)
    run(tmp_path, SECOND)
    assert content(tmp_path) == {**SECOND, "notes.txt": "mine"}


def test_what_a_killed_run_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from touchstream.agents.replay.outputs import outputs\n"
        "with outputs(Path(sys.argv[1])) as work:\n"
        "    (work / 'summary.json').write_text('half')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert [file.name.startswith(".unfinished-") for file in tmp_path.iterdir()] == [True]
    run(tmp_path, FIRST)
    assert content(tmp_path) == FIRST


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda folder: None, None),
        (lambda folder: (folder / "scores.jsonl").write_text("3"), "scores.jsonl"),
        (lambda folder: (folder / "scores-gone.jsonl").write_text("1"), "scores-gone.jsonl"),
        (lambda folder: (folder / "scores-return.jsonl").unlink(), "scores-return.jsonl"),
        (lambda folder: (folder / "notes.txt").write_text("mine"), None),
        (lambda folder: (folder / "report.html").write_text("a page"), None),
    ],
    ids=["same", "changed", "foreign", "missing", "notes", "report"],
)
def test_files_of_two_runs_are_told_apart(
    tmp_path: Path, change: Callable[[Path], object], found: str | None
) -> None:
    run(tmp_path, FIRST)
    expected = fingerprints(tmp_path)
    change(tmp_path)
    assert mixture(tmp_path, expected) == found


def test_an_input_in_the_folder_is_found_by_any_name(tmp_path: Path) -> None:
    inside, outside = tmp_path / "out" / "deep" / "a.jsonl", tmp_path / "a.jsonl"
    inside.parent.mkdir(parents=True)
    inside.touch()
    outside.touch()
    link = tmp_path / "link.jsonl"
    link.symlink_to(inside)
    assert input_inside(tmp_path / "out", [outside, STDIN]) is None
    assert input_inside(tmp_path / "out", [outside, inside]) == inside
    assert input_inside(tmp_path / "out" / ".." / "out", [link]) == link
