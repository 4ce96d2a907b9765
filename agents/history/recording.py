"""Recorded live logs: writing them, and checking whether they can be replayed."""

import base64
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

import orjson

from touchstream.agents.history.lines import (
    RECORD,
    RECORD_FORMAT,
    Line,
    LinesError,
)
from touchstream.agents.history.reading import History
from touchstream.agents.spelling import spelled
from touchstream.schemas.rules import Rules
from touchstream.schemas.tick import Tick, decode_tick
from touchstream.streams.intake.decode import Origin, classify
from touchstream.streams.records import Record


class Recording(NamedTuple):
    """The conditions for a replay of a recorded log."""

    partitions: int
    """Partitions of the recorded topic; every one of them has ticks."""
    rules: frozenset[str]
    """Digests of the rules that its ticks name."""
    features: frozenset[str]
    rolled_back: frozenset[int] = frozenset()
    """Versions that a tick names after an earlier tick named a newer one."""


def record_line(record: Record, origin: Origin) -> bytes:
    """One record as ``agents/history/lines.py`` reads it back, with a line feed."""
    line: dict[str, object] = {
        RECORD: RECORD_FORMAT,
        "partition": origin.partition,
        "offset": record.offset,
        "received": record.received_ms,
        **spelled("key", record.key),
        "headers": [
            [name, None if value is None else base64.b64encode(value).decode()]
            for name, value in record.headers
        ],
        **spelled("value", record.value),
    }
    if isinstance(classify(record, origin), Tick):
        line["tick"] = True
    return orjson.dumps(line) + b"\n"


def in_order_received(
    partitions: Mapping[int, Iterator[Sequence[Record]]],
) -> Iterator[tuple[int, Record]]:
    """Interleave partitions by time of receipt, each in the order of its own offsets.

    A replay publishes in this order, so that no partition waits long for a version that results
    from another one's ticks. ``partitions`` are pages of records, requested when needed.
    """
    waiting = {number: deque[Record]() for number in partitions}
    clocks_ms = dict.fromkeys(partitions, 0)
    while True:
        # Every partition must show its next record before the earliest can be chosen.
        for number in [number for number, records in waiting.items() if not records]:
            page = next(filter(None, partitions[number]), None)
            if page is None:
                del waiting[number]
            else:
                waiting[number].extend(page)
        if not waiting:
            return
        at_ms, number = min(
            (max(clocks_ms[number], records[0].received_ms), number)
            for number, records in waiting.items()
        )
        # Stamps may go back within a partition; its records keep their order all the same.
        clocks_ms[number] = at_ms
        yield number, waiting[number].popleft()


def examine(history: History, secret: bytes | None) -> Recording | None:
    """Collect the conditions from a recorded log; None for a history without ticks.

    Raises ``LinesError`` for a tick that is not signed with this ``secret``.
    """
    if not history.has_ticks:
        return None
    ticks: dict[int, Tick] = {}
    rules, features = set(), set()
    versions: dict[int, int] = {}
    for line in history.lines():
        if line.tick and line.partition is not None:
            ticks[line.partition] = tick = _tick(line, secret)
            rules.add(tick.active_config.rules)
            features.add(tick.active_config.features)
            versions[tick.number] = tick.active_config.model_version
    # Every partition has ticks, so a gap in the numbers is a partition that was not recorded.
    if set(ticks) != set(range(len(ticks))):
        raise LinesError(
            f"ticks of partitions {sorted(ticks)} only: record every partition of the topic"
        )
    return Recording(len(ticks), frozenset(rules), frozenset(features), _rolled_back(versions))


def _rolled_back(versions: Mapping[int, int]) -> frozenset[int]:
    """The versions that operators rolled back to; ``versions`` by the tick that names them."""
    named = [version for _, version in sorted(versions.items())]
    return frozenset(
        version
        for version, newest in zip(named, accumulate(named, max), strict=True)
        if version < newest
    )


def check_fit(recording: Recording, rules: Rules, features: str, partitions: int | None) -> None:
    """Raise :class:`LinesError` if a replay would not reproduce the live results."""
    if partitions not in (None, recording.partitions):
        raise LinesError(
            f"--partitions={partitions}: the log was recorded from {recording.partitions}: "
            "omit --partitions"
        )
    if recording.rules != {rules.digest()}:
        named = ", ".join(sorted(recording.rules))
        raise LinesError(
            f"the log's ticks name rules {named}, this configuration is {rules.digest()}: replay "
            "with --config and the file that was active when the log was written (every key that "
            "shapes results must be the same; a log during which they changed cannot be replayed)"
        )
    if recording.features != {features}:
        named = ", ".join(sorted(recording.features))
        raise LinesError(
            f"the log's ticks name feature list {named}, this build has {features}: replay with "
            "the build that wrote the log"
        )


def _tick(line: Line, secret: bytes | None) -> Tick:
    try:
        return decode_tick(orjson.loads(line.value), secret)
    except ValueError as exc:
        raise LinesError(f"a recorded tick cannot be used: {exc} (ticks.secret)") from exc
