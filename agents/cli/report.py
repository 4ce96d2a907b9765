"""``touchstream report``: one HTML page from the outputs of a replay."""

from datetime import date
from pathlib import Path

from touchstream.agents.cli.failures import BadUsage
from touchstream.agents.report.scores import EVER, Foreign

EXTRA = "pip install 'touchstream[report]'"


def report(folder: Path, out: Path | None, since: str | None) -> Path:
    """Write the page and return its path.

    Raises
    ------
    agents.cli.failures.BadUsage
        If the folder is not a replay's, the day is invalid, the page cannot be written, or
        matplotlib is missing.
    """
    first = EVER if since is None else _day(since)
    target = folder / "report.html" if out is None else out
    try:
        from touchstream.agents.report.page import page
    except ModuleNotFoundError as exc:
        if exc.name is None or exc.name.partition(".")[0] != "matplotlib":
            raise
        raise BadUsage(f"report needs matplotlib, which is not installed: {EXTRA}") from exc
    try:
        text = page(folder, first)
    except Foreign as exc:
        raise BadUsage(f"DIR={str(folder)!r}: want the folder of a replay: {exc}") from exc
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise BadUsage(f"--out={str(target)!r}: want a file to write: {exc.strerror}") from exc
    return target


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise BadUsage(f"--from={text!r}: want a day such as 1997-10-01") from exc
