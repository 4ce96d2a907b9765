"""Bands by capacity are under the law: thresholds, bands and alarms are a function of the log.

A small world with defaults but for a few labels; thresholds are found by the learner from what the
shards report, published with the model, and named by ticks.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import islice
from typing import NamedTuple

import pytest

from touchstream.agents.history.lines import parse_line
from touchstream.schemas.emissions.envelope import decode_emission
from touchstream.schemas.emissions.risk import RiskChanged
from touchstream.schemas.rules import BandRules, LearningRules, Rules, Thresholds
from touchstream.schemas.topics import CHURN_RISK_TOPIC
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.simulator import START_MS, World
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.local import LocalStream
from touchstream.streams.records import Record

CUSTOMERS, DAYS = 60, 130
SHARE = 0.02
RULES = Rules(
    bands=BandRules(high_share_per_day=SHARE),
    learning=LearningRules(minimum_examples=60, minimum_of_each=5),
)


class Cut(NamedTuple):
    """How the log is spread and cut."""

    partitions: int = 1
    batch: int = 1_000
    chunk: int = 1_000


class Lived(NamedTuple):
    """What became of the world."""

    thresholds: Sequence[Thresholds | None]
    """After every tick."""
    alarms: Sequence[tuple[str, Millis, str, float]]
    """Customer, moment, band and risk of every crossing, in order of time."""
    states: Mapping[str, bytes]


@cache
def records() -> Sequence[Sequence[Record]]:
    """The world's records, day by day."""
    found, offset = list[Sequence[Record]](), 0
    for day in World(6, CUSTOMERS, DAYS, growth_per_year=0.0).days():
        lines = [(line, line.to_bytes()) for line in day.lines]
        found.append(
            [
                Record(offset + place, Millis(line.received_ms), parse_line(value).key, value)
                for place, (line, value) in enumerate(lines)
            ]
        )
        offset += len(lines)
    return found


@cache
def lived(cut: Cut = Cut()) -> Lived:  # noqa: B008 - a NamedTuple cannot be changed
    stream, thresholds = LocalStream(RULES, cut.partitions, cut.chunk), list[Thresholds | None]()
    stream.tick(START_MS)
    for number, today in enumerate(records(), 1):
        for partition in range(cut.partitions):
            mine = iter(
                [r for r in today if partition_of(r.key or b"", cut.partitions) == partition]
            )
            while batch := list(islice(mine, cut.batch)):
                stream.feed(partition, batch)
        stream.tick(START_MS + number * DAY_MS)
        thresholds.append(stream.knowledge.churn.bands)
    states = {name: data for shard in stream.shards for name, data in shard.states.items()}
    return Lived(thresholds, _alarms(stream), states)


def _alarms(stream: LocalStream) -> Sequence[tuple[str, Millis, str, float]]:
    found = []
    for entry in stream.emitted:
        if entry.topic == CHURN_RISK_TOPIC:
            emission, _ = decode_emission(entry.event)
            assert isinstance(emission.data, RiskChanged)
            data = emission.data
            found.append((emission.subject, emission.time_ms, str(data.band), data.risk))
    return sorted(found, key=lambda one: (one[1], one[0]))


@pytest.mark.parametrize("cut", [Cut(batch=7), Cut(chunk=1), Cut(partitions=3, batch=50, chunk=2)])
def test_thresholds_bands_and_alarms_do_not_depend_on_how_the_log_is_cut(cut: Cut) -> None:
    whole, pieces = lived(), lived(cut)
    assert pieces.thresholds == whole.thresholds
    assert pieces.alarms == whole.alarms
    assert pieces.states == whole.states


def test_thresholds_are_found_and_move() -> None:
    found = [one for one in lived().thresholds if one is not None]
    assert len(found) > 30
    assert len({one.high_enter for one in found}) > 1


def test_alarms_are_raised_and_stay_within_the_capacity() -> None:
    high = [one for one in lived().alarms if one[2] == "high"]
    first = next(day for day, one in enumerate(lived().thresholds) if one is not None)
    assert 0 < len(high) <= 1.5 * SHARE * CUSTOMERS * (DAYS - first)


def test_every_alarm_was_at_the_threshold_that_its_tick_had_named() -> None:
    """An alarm of day d is scored with a version of the tick that began the day, or before."""
    thresholds = lived().thresholds
    for _, at_ms, band, risk in lived().alarms:
        if band == "high":
            day = (at_ms - START_MS) // DAY_MS
            named = [one for one in thresholds[max(0, day - 3) : day] if one is not None]
            assert risk >= min(one.high_enter for one in named)
