"""What commands that read a history share: its range of time, and what is said about it."""

import time
from collections.abc import Sequence
from pathlib import Path

from touchstream.agents.cli.failures import BadUsage, Failed
from touchstream.agents.history.reading import History, TimeRange
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.units import Millis


def now_ms() -> Millis:
    """The present by this machine's clock."""
    return Millis(time.time_ns() // 1_000_000)


def range_of_time(since: str | None, until: str | None) -> TimeRange:
    """The range that options ask for; until now, where nothing else is asked for."""
    return TimeRange(
        None if since is None else moment_of("--from", since),
        now_ms() if until is None else moment_of("--until", until),
    )


def require_lines(files: Sequence[Path], history: History, within: TimeRange) -> None:
    """Raise unless a line lies within the range."""
    if not any(history.counts.values()):
        raise BadUsage(f"FILE: want at least one line: {', '.join(map(str, files))}")
    if not history.count:
        raise Failed(f"every line lies outside of {within}: {places_outside(history)}")


def places_outside(history: History) -> str:
    """The first lines before the range and behind it, and how many more there are."""
    return ", ".join(found.places for found in (history.before, history.after) if found.count)


def moment_of(option: str, text: str) -> Millis:
    """A day or a time; raises :class:`BadUsage` that names the option."""
    try:
        return parse_time(text if "T" in text.upper() else f"{text}T00:00:00Z")
    except ValueError as exc:
        raise BadUsage(
            f"{option}={text!r}: want a day such as 1997-10-01, or a time with an offset"
        ) from exc
