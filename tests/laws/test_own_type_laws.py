"""Laws of own event types: a log has one outcome with them, too, also where a tick adds them."""

from collections.abc import Mapping, Sequence

import msgspec
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.make import (
    OWN_TYPES,
    QUICK,
    Log,
    arrive,
    days,
    event,
    fired,
    live,
    models,
    record,
    replay,
)
from tests.strategies import DATA, END_DAY, HISTORIES, HOURS, OWN_DATA, events, logs
from touchstream.schemas.envelope import Event
from touchstream.schemas.rules import ChurnRules, Rules, TargetRules
from touchstream.schemas.tick import encode_tick
from touchstream.schemas.units import Millis
from touchstream.streams.checkpoint import ShardCheckpoint
from touchstream.streams.context import ServingContext
from touchstream.streams.intake.misspelt import misspelt_in
from touchstream.streams.local import LocalStream
from touchstream.streams.profiles.fold import fold
from touchstream.streams.records import Record
from touchstream.streams.state import decode, encode

LAW = settings(max_examples=25)
ALL_DATA = {**DATA, **OWN_DATA}
RULES = msgspec.structs.replace(
    QUICK,
    event_types=OWN_TYPES,
    churn=msgspec.structs.replace(QUICK.churn, cancel=("subscription.cancelled", "contract.ended")),
    targets=(
        TargetRules(
            name="end", after=("meter.read",), events=("contract.ended",), horizon_hours=48
        ),
    ),
)
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=4)
FIRST_DAY_WITH_OWN_TYPES = 6


@st.composite
def misspelling_logs(draw: st.DrawFn) -> Log:
    """Logs with own types, and a producer who misspells two types."""
    log = draw(logs(data=ALL_DATA))
    wrong = draw(st.sets(st.sampled_from(["payment.failed", "meter.read"])))
    return log._replace(records=[_misspelt(one, wrong) for one in log.records])


def _misspelt(one: Record, types: set[str]) -> Record:
    try:
        value = orjson.loads(one.value)
    except orjson.JSONDecodeError:
        return one
    if not isinstance(value, dict) or value.get("type") not in types:
        return one
    return one._replace(value=orjson.dumps({**value, "type": value["type"][:-1]}))


@LAW
@given(misspelling_logs(), SIZES, st.integers(1, 3), st.integers(1, 4), st.booleans())
def test_batches_chunks_partitions_and_deaths_do_not_show(
    log: Log, batches: list[int], chunk: int, partitions: int, restarts: bool
) -> None:
    again = replay(
        log, RULES, partitions=partitions, batches=batches, chunk=chunk, restarts=restarts
    )
    assert again == replay(log, RULES)


@LAW
@given(misspelling_logs())
def test_every_record_ends_in_exactly_one_counter(log: Log) -> None:
    counters = replay(log, RULES).counters
    ends = ("applied", "duplicate", "dead", "dropped")
    assert sum(counters.get(name, 0) for name in ends) == len(log.records)


class ChangingStream(LocalStream):
    """A deployment whose rules have own types from one tick on."""

    def models(self, checkpoint: ShardCheckpoint) -> ServingContext:
        known = checkpoint.tick >= FIRST_DAY_WITH_OWN_TYPES
        return super().models(checkpoint)._replace(rules=RULES if known else QUICK)


def in_one_log(log: Log) -> list[Record]:
    """The records with a tick at the end of every day among them, as a worker reads them."""
    stream, found = LocalStream(RULES), list(log.records)
    for number in range(log.last_day + 1):
        tick = msgspec.structs.replace(stream.next_tick(days(number)), number=number + 1)
        found.append(Record(0, days(number), None, encode_tick(tick, None)))
    # An event of a tick's own moment precedes it.
    return sorted(found, key=lambda one: (one.received_ms, one.key is None))


def outcome(records: Sequence[Record], sizes: Sequence[int]) -> tuple[object, ...]:
    stream, left, turn = ChangingStream(RULES), list(records), 0
    while left:
        size = sizes[turn % len(sizes)]
        stream.feed(0, left[:size])
        left, turn = left[size:], turn + 1
    [shard] = stream.shards
    return shard.states, shard.checkpoint, shard.measures, shard.outbox


@LAW
@given(misspelling_logs(), SIZES)
def test_a_batch_over_the_tick_that_adds_types_knows_them_from_that_tick_on(
    log: Log, sizes: list[int]
) -> None:
    records = in_one_log(log)
    assert outcome(records, sizes) == outcome(records, [1]) == outcome(records, [len(records)])


def test_the_same_event_is_dropped_before_the_tick_and_applied_after_it() -> None:
    early, late = (event("meter.read", f"d{day}", kwh=day) for day in (2, 9))
    records = in_one_log(Log([record(early), record(late)], END_DAY))
    states, checkpoint, *_ = outcome(records, [len(records)])
    assert isinstance(checkpoint, ShardCheckpoint)
    assert isinstance(states, Mapping)
    assert (checkpoint.counters["applied"], checkpoint.counters["dropped.unknown_type"]) == (1, 1)
    profile = decode(states["ada"]).profile
    assert profile is not None
    assert profile.first_seen_ms == days(9)


@given(HISTORIES, HOURS, st.booleans())
def test_an_own_type_folds_as_a_built_in_type_of_its_family_that_has_no_facts(
    life: list[Event], at_ms: Millis, active: bool
) -> None:
    profile = None
    for happened in life:
        profile = fold(profile, happened, happened.by_customer)
    own, built_in = event("meter.read", at_ms), event("content.streamed", at_ms)
    assert fold(profile, own, active) == fold(profile, built_in, active)


LIFE = st.lists(events(data=ALL_DATA), min_size=1, max_size=20, unique_by=lambda one: one.id)


@given(LIFE)
def test_a_state_is_read_and_goes_on_after_its_types_are_removed(life: list[Event]) -> None:
    arrivals = sorted(map(arrive, life), key=lambda one: one.event.time_ms)
    before = live(arrivals, models("d0", RULES))[-1].state
    assert before is not None
    read = decode(encode(before))
    assert encode(read) == encode(before)
    visit = arrive(event("web.visit", "d18"))
    steps = live([visit, *(fired(f"d{day}") for day in range(19, 30))], models("d18", QUICK), read)
    after = steps[0].state
    assert after is not None
    assert after.profile is not None
    assert after.profile.families["web"].at_ms == days(18)


@LAW
@given(misspelling_logs(), st.integers(1, 4))
def test_the_number_of_partitions_does_not_show_in_misspelt_types(
    log: Log, partitions: int
) -> None:
    assert misspelt(log, partitions) == misspelt(log, 1)


def misspelt(log: Log, partitions: int) -> list[str]:
    stream = LocalStream(RULES, partitions)
    for partition in range(partitions):
        stream.feed(partition, [*log.records])
    return [str(one) for one in misspelt_in(s.checkpoint.misspelt_types for s in stream.shards)]


def test_rules_of_a_test_are_those_of_a_user() -> None:
    assert Rules.from_text(RULES.to_text()) == RULES
    assert "meter.read" in RULES.churn.activity
    assert ChurnRules().activity == RULES.churn.activity[:-1]
