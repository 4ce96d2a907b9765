"""A file through ``touchstream replay``: what was written, and what of it the file proves wrong."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from bench.datasets.folder import DataMissing
from tests.integration.replays import replay
from tests.services import require
from touchstream.schemas.envelope import parse_time

Row = dict[str, Any]
Moments = Mapping[str, Sequence[int]]
"""Customer -> moments of their events, ascending."""


class Window(NamedTuple):
    """The label of a score, and the moment it is known."""

    horizon_ms: int
    grace_ms: int
    last_tick_ms: int
    label_of_event: int
    """The label where an event lies within the horizon; the other one where none does."""


def real(load: Callable[[], list[Row]]) -> list[Row]:
    """A data set to be replayed; a test without it is skipped."""
    require("redis")
    try:
        return load()
    except DataMissing as missing:
        pytest.skip(str(missing))


def replayed(lines: Iterable[bytes], config: str, folder: Path) -> Path:
    """The folder of what a replay of these lines wrote."""
    require("redis")
    file, settings = folder / "events.jsonl", folder / "touchstream.toml"
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    settings.write_text(config)
    return replay(file, folder / "out", settings)


def rows(file: Path) -> list[Row]:
    return [orjson.loads(line) for line in file.read_bytes().splitlines()]


def moments(events: Iterable[Row]) -> Moments:
    found: dict[str, list[int]] = defaultdict(list)
    for event in events:
        found[event["subject"]].append(parse_time(event["time"]))
    return {customer: sorted(times) for customer, times in found.items()}


def wrong_labels(scores: Iterable[Row], known: Moments, window: Window) -> list[Row]:
    """Scores whose label is not what the events say, or is there before it can be."""
    return [row for row in scores if row["label"] != _truth(row, known, window)]


def _truth(row: Row, known: Moments, window: Window) -> int | None:
    at_ms, times = parse_time(row["time"]), known[row["customer"]]
    if at_ms + window.horizon_ms + window.grace_ms > window.last_tick_ms:
        return None
    comes = bisect_right(times, at_ms + window.horizon_ms) > bisect_right(times, at_ms)
    return window.label_of_event if comes else 1 - window.label_of_event
