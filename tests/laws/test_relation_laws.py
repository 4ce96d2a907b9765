"""Laws of the relation: nobody who has left is warned about, and nobody known is left unscored."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import NamedTuple

import pytest
from hypothesis import given, settings

from tests.golden.worlds import NOISE
from tests.make import Log, days, replay
from tests.strategies import logs
from touchstream.agents.history.lines import parse_line
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.envelope import Emission, decode_emission
from touchstream.schemas.emissions.relation import RelationChanged
from touchstream.schemas.emissions.returning import ReturnChanged
from touchstream.schemas.emissions.risk import RiskChanged
from touchstream.schemas.registry import TICK_TYPE
from touchstream.schemas.rules import BandRules, ChurnRules, LearningRules, Rules, WinBackRules
from touchstream.schemas.topics import DEAD_LETTERS_TOPIC
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.simulator import START_MS, World
from touchstream.streams.emit.identity import pseudonym
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.local import LocalStream
from touchstream.streams.projections.read import churn_of, relation_of, return_of
from touchstream.streams.records import Record
from touchstream.streams.snapshot_day import next_snapshot_day_ms
from touchstream.streams.state import decode as decode_state

CUSTOMERS, WORLD_DAYS = 60, 150
CHURN = ChurnRules(horizon_days=14)
EASY = BandRules(medium_enter=0.08, medium_leave=0.07, high_enter=0.15, high_leave=0.12)
RULES = Rules(
    churn=CHURN,
    learning=LearningRules(minimum_examples=20, minimum_of_each=2, widest=1.0),
    bands=EASY,
    win_back=WinBackRules(bands=EASY),
)
"""Bands that are entered at any chance, or nothing would be emitted that could break a law."""


class Cut(NamedTuple):
    """How the log is spread and cut."""

    partitions: int = 1
    batch: int = 1_000
    chunk: int = 1_000


CUTS = (Cut(), Cut(batch=1), Cut(partitions=3, batch=7, chunk=2))
each_cut = pytest.mark.parametrize("cut", CUTS, ids=str)


@cache
def world() -> Sequence[Sequence[Record]]:
    """The world's records, day by day; most of its customers have terms of 30 days."""
    found, offset = list[Sequence[Record]](), 0
    for day in World(7, CUSTOMERS, WORLD_DAYS, noise=NOISE).days():
        lines = [(line.received_ms, line.to_bytes()) for line in day.lines]
        found.append(
            [
                Record(offset + place, Millis(received_ms), parse_line(value).key, value)
                for place, (received_ms, value) in enumerate(lines)
            ]
        )
        offset += len(lines)
    return found


@cache
def lived(cut: Cut = CUTS[0]) -> LocalStream:
    """The core after the world."""
    stream = LocalStream(RULES, cut.partitions, cut.chunk)
    stream.tick(START_MS)
    for number, records in enumerate(world(), 1):
        for partition in range(cut.partitions):
            mine = (r for r in records if partition_of(r.key or b"", cut.partitions) == partition)
            while batch := list(islice(mine, cut.batch)):
                stream.feed(partition, batch)
        stream.tick(Millis(START_MS + number * DAY_MS))
    return stream


def by_customer(cut: Cut) -> Mapping[str, Sequence[Emission]]:
    """What is emitted of each customer, in order."""
    found = defaultdict[str, list[Emission]](list)
    for entry in lived(cut).emitted:
        if entry.topic != DEAD_LETTERS_TOPIC:
            emission, _ = decode_emission(entry.event)
            found[emission.subject].append(emission)
    return found


def over(emissions: Sequence[Emission]) -> Iterator[tuple[Emission, bool]]:
    """Every emission, and whether the customer had left by then."""
    gone = False
    for emission in emissions:
        if isinstance(emission.data, RelationChanged):
            gone = emission.data.relation in {"ended", "lapsed"}
        yield emission, gone


@each_cut
def test_from_the_end_of_a_relation_to_its_return_there_is_no_alarm(cut: Cut) -> None:
    for emissions in by_customer(cut).values():
        for emission, gone in over(emissions):
            if gone:
                assert not isinstance(emission.data, RiskChanged)
            if isinstance(emission.data, ActionRecommended):
                assert emission.data.target == ("return" if gone else "churn")


@each_cut
def test_while_there_is_a_relation_no_return_is_emitted(cut: Cut) -> None:
    for emissions in by_customer(cut).values():
        for emission, gone in over(emissions):
            assert gone or not isinstance(emission.data, ReturnChanged)


@each_cut
def test_nor_is_there_an_alarm_between_a_term_and_the_tick_that_ends_the_relation(
    cut: Cut,
) -> None:
    for emissions in by_customer(cut).values():
        alarms = [one.time_ms for one in emissions if isinstance(one.data, RiskChanged)]
        for one in emissions:
            if isinstance(one.data, RelationChanged) and one.data.cause.type == TICK_TYPE:
                since_ms = one.data.since.timestamp() * 1_000
                assert not [at_ms for at_ms in alarms if since_ms <= at_ms <= one.time_ms]


def test_the_world_has_every_change_and_both_kinds_of_decisions() -> None:
    """Without them the laws above would hold of nothing."""
    emissions = [one for each in by_customer(CUTS[0]).values() for one in each]
    changed = {one.data.relation for one in emissions if isinstance(one.data, RelationChanged)}
    ticked = {
        one.data.relation
        for one in emissions
        if isinstance(one.data, RelationChanged) and one.data.cause.type == TICK_TYPE
    }
    targets = {one.data.target for one in emissions if isinstance(one.data, ActionRecommended)}
    assert (changed, ticked) == ({"ended", "lapsed", "back"}, {"ended", "lapsed"})
    assert targets == {"churn", "return"}


@each_cut
def test_a_change_names_the_relation_before_it(cut: Cut) -> None:
    for emissions in by_customer(cut).values():
        changes = [one.data for one in emissions if isinstance(one.data, RelationChanged)]
        befores = [one.before for one in changes[1:]]
        assert befores == [one.relation for one in changes[:-1]]
        assert all(one.before != one.relation for one in changes)


def test_every_known_customer_is_scored_once_a_snapshot_day_for_one_of_the_two() -> None:
    """Every snapshot day from the first to the last whose label is final by the end."""
    stream = lived()
    scored = defaultdict[str, list[int]](list)
    for example in stream.examples:
        scored[example.customer].append(example.at_ms)
    targets = Counter(example.target for example in stream.examples)
    assert min(targets["churn"], targets["return"]) > 100
    final_ms = START_MS + WORLD_DAYS * DAY_MS - CHURN.wait_ms
    for name in stream.shards[0].states:
        days_scored = sorted(scored.get(pseudonym(name, RULES.seed), []))
        if not days_scored:
            continue  # known for less than a horizon
        day_ms, expected = days_scored[0], list[int]()
        while day_ms <= final_ms:
            expected.append(day_ms)
            day_ms = next_snapshot_day_ms(name, Millis(day_ms), CHURN.snapshot_every_days)
        assert days_scored == expected


@settings(max_examples=40)
@given(logs())
def test_a_state_has_a_risk_or_the_probability_of_a_return_and_never_both(log: Log) -> None:
    for data in replay(log).states.values():
        state = decode_state(data)
        relation, churn, returning = relation_of(state), churn_of(state), return_of(state)
        gone = relation is not None and relation.is_over
        mine = (churn.risk, churn.band, churn.crossing, churn.last_emitted_risk)
        theirs = (
            returning.probability,
            returning.band,
            returning.crossing,
            returning.last_emitted_probability,
        )
        assert set(mine if gone else theirs) == {None}
        assert (relation is None) == (state.profile is None)


@settings(max_examples=40)
@given(logs())
def test_a_tick_leaves_no_timer_of_the_relation_behind(log: Log) -> None:
    """Otherwise a customer would be woken, and scored, at every tick."""
    for data in replay(log).states.values():
        for slot in decode_state(data).slots:
            assert slot.next_timer_ms is None or slot.next_timer_ms > days(log.last_day)
