"""Ticks of a silence at which nobody is due do nothing: a replay may leave them out."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.agents.cli.command import order
from tests.make import QUICK
from touchstream.agents.history.lines import parse_line
from touchstream.agents.history.pacer import Publish, TickAt, paced
from touchstream.agents.state_view import as_json
from touchstream.schemas.emissions.envelope import decode_emission
from touchstream.schemas.envelope import format_time
from touchstream.schemas.rules import Rules
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.local import LocalStream
from touchstream.streams.records import Record
from touchstream.streams.state import decode

BEGIN_DAY = 20_000
RULES = msgspec.structs.replace(
    # Whether a decision explores follows from its id.
    QUICK,
    deciding=msgspec.structs.replace(QUICK.deciding, epsilon=0.0),
)
DAYS = st.lists(st.integers(0, 150), min_size=3, max_size=12, unique=True).map(sorted)


def steps(days: list[int], customers: int) -> Iterator[Publish | TickAt]:
    lines = [
        parse_line(
            order(f"c{n % customers}", n, format_time(Millis((BEGIN_DAY + day) * DAY_MS + 60_000)))
        )
        for n, day in enumerate(days)
    ]
    return paced(lines, lines[0].time_ms, 1)


def run(
    days: list[int], customers: int, rules: Rules = RULES, *, skips: bool
) -> tuple[LocalStream, int]:
    stream, skipped = LocalStream(rules), 0
    for step in steps(days, customers):
        if isinstance(step, Publish):
            stream.feed(0, [Record(0, step.received_ms, step.line.key, step.line.value)])
            continue
        [shard] = stream.shards
        is_due = any(moment_ms <= step.time_ms for moment_ms in shard.timers.values())
        if skips and step.skippable and not is_due:
            skipped += 1
        else:
            stream.tick(step.time_ms)
    return stream, skipped


def known(stream: LocalStream) -> dict[str, Any]:
    """Every state, but the ids of decisions and alerts: hashes of the number of a tick."""
    [shard] = stream.shards
    found = {name: as_json(name, decode(data)) for name, data in shard.states.items()}
    for state in found.values():
        state.get("decisions", {}).pop("newest_decision", None)
        for alert in state.get("alerts", {}).get("open", ()):
            alert.pop("alert")
    return found


def emissions_of(stream: LocalStream) -> list[Any]:
    """Everything emitted, but what names a tick."""
    found: list[Any] = []
    for entry in stream.emitted:
        if entry.value is None:
            found.append((entry.topic, entry.key))
            continue
        emission, _ = decode_emission(entry.event)
        data = msgspec.to_builtins(emission.data)
        data.pop("cause", None)
        data.pop("decision", None)
        data.pop("alert", None)
        if isinstance(data.get("action"), dict):
            data["action"].pop("decision")
        found.append((entry.topic, emission.subject, emission.time_ms, data))
    return found


@pytest.mark.timeout(400)
@settings(max_examples=12)  # an example is two lives of months: some seconds
@given(DAYS, st.integers(1, 3))
def test_a_silence_without_its_idle_ticks_comes_to_the_same(
    days: list[int], customers: int
) -> None:
    every, _ = run(days, customers, skips=False)
    some, _ = run(days, customers, skips=True)
    assert some.shards[0].timers == every.shards[0].timers
    assert known(some) == known(every)
    assert emissions_of(some) == emissions_of(every)
    labels = [[(e.at_ms, e.label, e.probability) for e in one.examples] for one in (some, every)]
    assert labels[0] == labels[1]
    assert some.knowledge.version == every.knowledge.version


def test_a_long_silence_is_mostly_skipped() -> None:
    _, skipped = run([0, 150], 1, Rules(), skips=True)
    assert skipped > 75
