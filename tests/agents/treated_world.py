"""A world in which recommendations are carried out, recorded as `tail --record` does."""

from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from touchstream.agents.history.lines import parse_line
from touchstream.agents.history.recording import record_line
from touchstream.agents.settings import Settings
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.envelope import decode_emission
from touchstream.schemas.tick import encode_tick
from touchstream.schemas.topics import NEXT_BEST_ACTION_TOPIC
from touchstream.schemas.units import Millis
from touchstream.simulator import START_MS, World
from touchstream.streams.intake.decode import Origin
from touchstream.streams.local import LocalStream
from touchstream.streams.records import Record

CONFIG = """
[churn]
horizon_days = 4
snapshot_every_days = 2
[intake]
allowed_lateness_days = 2
[learning]
minimum_examples = 3
minimum_of_each = 1
[bands]
medium_enter = 0.45
medium_leave = 0.4
high_enter = 0.55
high_leave = 0.5
cooldown_days = 1
[deciding]
epsilon = 0.8
holdout = 0.1
"""
ORIGIN = Origin(0, 1, None)
WORTH_MINOR = 6_000


class Recorded(NamedTuple):
    """A recorded log, and what was recommended when it was live."""

    config: Path
    log: Path
    plain: Path
    """The same events without records and ticks."""
    decisions: list[dict[str, Any]]
    """Of ``next-best-action``, in their order."""


def recorded(folder: Path, customers: int = 40, days: int = 60) -> Recorded:
    """Run a world whose reps act upon half of the recommendations."""
    config, log, plain = folder / "own.toml", folder / "log.jsonl", folder / "plain.jsonl"
    config.write_text(CONFIG)
    world, stream = World(3, customers, days), LocalStream(Settings.load(config, {}).rules)
    lines, arrived, decisions = [], [], []

    def tick(time_ms: int) -> None:
        value = encode_tick(stream.next_tick(time_ms), None)
        lines.append(record_line(Record(0, Millis(time_ms), None, value), ORIGIN))
        stream.tick(time_ms)

    tick(START_MS)
    for day in world.days():
        records = []
        for line in day.lines:
            value = _valued(line.to_bytes())
            record = Record(0, Millis(line.received_ms), parse_line(value).key, value)
            records.append(record)
            lines.append(record_line(record, ORIGIN))
            arrived.append(value + b"\n")
        stream.feed(0, records)
        emitted = len(stream.emitted)
        tick(world.now_ms)
        for entry in stream.emitted[emitted:]:
            if entry.topic == NEXT_BEST_ACTION_TOPIC:
                emission, _ = decode_emission(entry.value or b"")
                assert isinstance(emission.data, ActionRecommended)
                decisions.append(orjson.loads(entry.value or b""))
                choice = emission.data
                with suppress(KeyError):  # a lead, whom nobody in the world answers
                    world.treat(emission.subject, choice.action, world.now_ms, choice.decision)
    log.write_bytes(b"".join(lines))
    plain.write_bytes(b"".join(arrived))
    return Recorded(config, log, plain, decisions)


def _valued(value: bytes) -> bytes:
    """An acceptance with the money it brought, which the world does not say."""
    if b'"accepted"' not in value or b'"action.outcome"' not in value:
        return value
    event = orjson.loads(value)
    event["data"] |= {"value_minor": WORTH_MINOR, "currency": "EUR"}
    return orjson.dumps(event)
