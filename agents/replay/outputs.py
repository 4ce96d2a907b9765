"""The folder of a replay's outputs: written beside, put in place at the end, or not at all.

The outputs of an earlier run stay until those of this run are complete, and are removed as a whole
then; other files in the folder are left alone.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from touchstream.agents.history.inputs import STDIN

SUMMARY_FILE = "summary.json"
OUT_OF_RANGE_FILE = "out-of-range.jsonl"
REPORT_FILE = "report.html"

_UNFINISHED = ".unfinished-"
_OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})
_FIXED = frozenset(
    {
        SUMMARY_FILE,
        OUT_OF_RANGE_FILE,
        REPORT_FILE,
        "rules.json",
        "scores.jsonl",
        "profiles.jsonl",
        "alerts.jsonl",
        "churn-risk.jsonl",
        "customer-risk.jsonl",
        "customer-signals.jsonl",
        "next-best-action.jsonl",
        "dead-letters.jsonl",
    }
)


def is_output(name: str) -> bool:
    """Whether a replay, or the report of one, writes a file of that name."""
    return name in _FIXED or (name.startswith("scores-") and name.endswith(".jsonl"))


def input_inside(folder: Path, inputs: Sequence[Path]) -> Path | None:
    """The first input that lies in the folder, whose files a replay replaces; None: none does."""
    inside = folder.resolve()
    return next((f for f in inputs if f != STDIN and f.resolve().is_relative_to(inside)), None)


@contextmanager
def outputs(folder: Path) -> Iterator[Path]:
    """A folder to write to; its files are in ``folder`` after the block, unless it raises."""
    folder.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder)
    work = folder / f"{_UNFINISHED}{os.getpid()}"
    work.mkdir()
    try:
        yield work
        _put_in_place(work, folder)
    except OSError as exc:
        # A write does not say where the disk is full.
        if exc.filename is None and exc.errno in _OF_THE_DISK:
            raise OSError(exc.errno, exc.strerror, str(folder)) from exc
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def fingerprints(folder: Path) -> dict[str, str]:
    """File -> BLAKE2b of its content, of every output in the folder but summary and report."""
    names = sorted(file.name for file in folder.iterdir() if is_output(file.name))
    return {
        name: _digest(folder / name) for name in names if name not in (SUMMARY_FILE, REPORT_FILE)
    }


def mixture(folder: Path, expected: Mapping[str, str]) -> str | None:
    """The first file in the folder that is not of the run with these fingerprints; None: none."""
    found = fingerprints(folder)
    names = sorted({*found, *expected})
    return next((name for name in names if found.get(name) != expected.get(name)), None)


def _put_in_place(work: Path, folder: Path) -> None:
    # The summary goes first and comes last: a folder that has one is complete.
    (folder / SUMMARY_FILE).unlink(missing_ok=True)
    for old in folder.iterdir():
        if is_output(old.name):
            old.unlink()
    for new in sorted(work.iterdir(), key=lambda file: (file.name == SUMMARY_FILE, file.name)):
        new.replace(folder / new.name)


def _remove_abandoned(folder: Path) -> None:
    """Remove what killed runs left behind."""
    for left in folder.glob(f"{_UNFINISHED}*"):
        number = left.name.removeprefix(_UNFINISHED)
        if not number.isdigit() or not _is_alive(int(number)):
            shutil.rmtree(left, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "blake2b").hexdigest()[:32]
