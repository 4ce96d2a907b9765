"""A noisy world (late, doubled and broken events): every emitted reason is true when emitted."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from bench.reasons import ORIGIN, of_world
from tests.recount import check_after_ticks
from touchstream.schemas.emissions.envelope import Emission, decode_emission
from touchstream.schemas.emissions.risk import RiskChanged
from touchstream.schemas.envelope import Event
from touchstream.schemas.registry import TICK_TYPE
from touchstream.schemas.rules import BandRules, LearningRules, Rules
from touchstream.schemas.topics import CHURN_RISK_TOPIC
from touchstream.schemas.touchpoints.customers import CustomerErased
from touchstream.schemas.units import Millis
from touchstream.streams.decide.bands import rises
from touchstream.streams.intake.clock import too_late
from touchstream.streams.intake.decode import Arrival, decode
from touchstream.streams.local import LocalStream
from touchstream.streams.records import Record

CUSTOMERS, DAYS = 240, 170
RULES = Rules(
    bands=BandRules(medium_enter=0.2, medium_leave=0.15, high_enter=0.4, high_leave=0.32),
    # Below 200 examples a risk is the rate of the segment, which has no reasons.
    learning=LearningRules(minimum_examples=200),
)


class Said(NamedTuple):
    """A crossing, the events that were known then, and the moment of its score."""

    change: RiskChanged
    events: Sequence[Event]
    at_ms: Millis


@cache
def crossings() -> Sequence[Said]:
    """All crossings of the world."""
    return tuple(_crossings())


def test_no_reason_contradicts_the_events_behind_it() -> None:
    count = 0
    for crossing in crossings():
        for reason in crossing.change.reasons:
            check_after_ticks(reason, crossing.events, crossing.at_ms)
            count += 1
    assert count > 50


def test_a_rise_is_explained_by_what_raises_the_risk_a_fall_by_what_lowers_it() -> None:
    for said in crossings():
        up = rises(said.change.band_before, said.change.band)
        wanted = {"raises"} if up else {"lowers"}
        assert {reason.direction for reason in said.change.reasons} <= wanted
        for reason in said.change.reasons:
            assert (
                reason.contribution > 0 if up else min(reason.contribution, reason.change or 0) < 0
            )


def test_nearly_every_rise_has_a_reason() -> None:
    up = [one.change for one in crossings() if rises(one.change.band_before, one.change.band)]
    assert sum(bool(change.reasons) for change in up) / len(up) > 0.9


def _crossings() -> Iterator[Said]:
    stream, batch = LocalStream(RULES), list[Record]()
    known: dict[str, list[Event]] = {}
    before: Millis | None = None
    for happening in of_world(CUSTOMERS, DAYS):
        if isinstance(happening, Record):
            batch.append(happening)
            _take(happening, known, before)
            continue
        stream.feed(0, batch)
        batch.clear()
        stream.tick(happening)
        for entry in stream.emitted:
            if entry.topic == CHURN_RISK_TOPIC:
                emission, _ = decode_emission(entry.event)
                yield _said(emission, known[emission.subject], before, happening)
        stream.emitted.clear()
        before = happening


def _take(record: Record, known: dict[str, list[Event]], watermark_ms: Millis | None) -> None:
    """Keep what counts: nothing too late, nothing twice, nothing of before an erasure."""
    arrival = decode(record, ORIGIN)
    if not isinstance(arrival, Arrival):
        return
    event = arrival.event
    mine = known.setdefault(event.subject, [])
    if too_late(event.time_ms, watermark_ms, RULES.intake.allowed_lateness_days):
        return
    if isinstance(event.data, CustomerErased):
        mine.clear()
    elif all((one.source, one.id) != (event.source, event.id) for one in mine):
        mine.append(event)


def _said(
    emission: Emission, mine: Sequence[Event], before_ms: Millis | None, tick_ms: Millis
) -> Said:
    change = emission.data
    assert isinstance(change, RiskChanged)
    cause = change.cause
    if cause.type == TICK_TYPE:
        return Said(change, tuple(mine), max(tick_ms, *(one.time_ms for one in mine)))
    names = [(one.source, one.id) for one in mine]
    events = tuple(mine[: names.index((cause.source, cause.id)) + 1])
    return Said(change, events, max(before_ms or Millis(0), *(one.time_ms for one in events)))
