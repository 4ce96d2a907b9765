"""Laws that hold for every registered projection, on half a year of a small noisy world.

A new projection is under them as soon as it stands in the registry.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import cycle, islice, pairwise
from typing import Any, ClassVar, NamedTuple

import msgspec
import pytest
from msgspec import Raw

from tests.golden.worlds import NOISE
from tests.make import (
    OWN_REQUIRED,
    QUICK,
    REQUIRED,
    arrival,
    days,
    event,
    joint_indexes,
    live,
    models,
    record,
    recounted_indexes,
    state_of,
)
from touchstream.agents.history.lines import parse_line
from touchstream.schemas.emissions.alerts import AlertRaised
from touchstream.schemas.emissions.customer_risk import CustomerRisk
from touchstream.schemas.emissions.envelope import Emission, decode_emission
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.schemas.rules import (
    AlertRules,
    BandRules,
    LearningRules,
    RoutingRules,
    Rules,
    TargetRules,
)
from touchstream.schemas.topics import DEAD_LETTERS_TOPIC
from touchstream.schemas.units import DAY_MS, HOUR_MS, CustomerId, Millis
from touchstream.simulator import START_MS, World
from touchstream.streams.customer import advance
from touchstream.streams.decide.arbitration import Decision
from touchstream.streams.decide.policy import Choice, Situation
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.local import LocalStream
from touchstream.streams.projections.decisions import Decisions
from touchstream.streams.projections.indexes import RISK_INDEXES
from touchstream.streams.projections.projection import Context
from touchstream.streams.projections.registered import Registered
from touchstream.streams.projections.registry import (
    OWN_LISTENERS,
    REGISTERED,
    RegistryError,
    checked,
    slots_of,
)
from touchstream.streams.records import Record
from touchstream.streams.state import Slot, State, StateError, content_bytes, decode, encode

CUSTOMERS, WORLD_DAYS = 16, 182
RULES = Rules(
    learning=LearningRules(minimum_examples=20, minimum_of_each=2, widest=1.0),
    bands=BandRules(medium_enter=0.1, medium_leave=0.08, high_enter=0.3, high_leave=0.2),
    targets=(TargetRules(name="orders", after=("web.visit",), events=("order.placed",)),),
    alerts=AlertRules(
        kinds=("churn", "return", "engagement"),
        bands=("medium", "high"),
        expires_days=20,
        rest_days=5,
        worse_by=0.05,
    ),
    routing=(RoutingRules(queue="plus", plan=("plus",)),),
)
"""A target, alerts of all kinds; so few customers are evidence enough, and their risks are high
enough for bands."""
NOW_MS = days(0)
PAIRS = 400
ERASED_DAY, ERASED = 178, ("c000001", "c000005", "c000009")
ANSWERS: Sequence[dict[str, Any]] = (
    {"verdict": "snoozed", "next_touchpoint": True},
    {"verdict": "acknowledged", "rep": "ada", "rating": "useful"},
    {"verdict": "snoozed", "worse_by": 0.02, "until": "2027-01-01T00:00:00Z"},
    {"verdict": "resolved", "rating": "useful"},
    {"verdict": "snoozed"},
    {"verdict": "false_alarm", "reason": "on holiday"},
)
"""Given in turn, a day after an alert was raised, in a hour's time."""
UNKNOWN_SLOT = 9_999
"""Of a projection that this build does not have."""

each = pytest.mark.parametrize("projection", REGISTERED, ids=lambda one: one.name)
each_listener = pytest.mark.parametrize(
    "projection",
    [one for one in REGISTERED if one.projection.listens_to],
    ids=lambda one: one.name,
)


class Cut(NamedTuple):
    """How the log is spread and cut."""

    partitions: int = 1
    batch: int = 1_000
    chunk: int = 1_000


WHOLE = Cut()
CUTS = (Cut(batch=1), Cut(chunk=1), Cut(partitions=3, batch=7, chunk=2))


class Midnight(NamedTuple):
    """The tick's time, and every customer after it."""

    at_ms: Millis
    states: dict[str, bytes]
    indexes: dict[str, dict[str, float]]


class Replay(NamedTuple):
    """What the core makes of the world."""

    midnights: Sequence[Midnight]
    emissions: Sequence[Emission]
    """By time, customer and id."""


@cache
def world() -> Sequence[Sequence[Record]]:
    """The world's records, day by day, with answers to the alerts that it leads to."""
    silent = unanswered()
    raised = [one for one in _run(silent, WHOLE).emissions if isinstance(one.data, AlertRaised)]
    answers: dict[int, list[Record]] = {}
    for alert, answer in zip(raised, cycle(ANSWERS), strict=False):
        assert isinstance(alert.data, AlertRaised)
        day = (alert.time_ms - START_MS) // DAY_MS + 1
        at_ms = Millis(START_MS + day * DAY_MS + HOUR_MS)
        given = event("alert.feedback", at_ms, alert.subject, alert=alert.data.alert, **answer)
        answers.setdefault(day, []).append(record(given))
    return [[*answers.get(day, ()), *records] for day, records in enumerate(silent)]


@cache
def unanswered() -> Sequence[Sequence[Record]]:
    """The world's records, day by day."""
    found, offset = list[list[Record]](), 0
    for day in World(2, CUSTOMERS, WORLD_DAYS, noise=NOISE).days():
        lines = [(line, line.to_bytes()) for line in day.lines]
        found.append(
            [
                Record(offset + place, Millis(line.received_ms), parse_line(value).key, value)
                for place, (line, value) in enumerate(lines)
            ]
        )
        offset += len(lines)
    erased_ms = Millis(START_MS + ERASED_DAY * DAY_MS)
    found[ERASED_DAY] += [record(event("customer.erased", erased_ms, who)) for who in ERASED]
    return found


@cache
def replayed(cut: Cut = WHOLE) -> Replay:
    """Run the world through the core."""
    return _run(world(), cut)


def _run(log: Sequence[Sequence[Record]], cut: Cut) -> Replay:
    stream, midnights = LocalStream(RULES, cut.partitions, cut.chunk), list[Midnight]()
    stream.tick(START_MS)
    for number, records in enumerate(log, 1):
        for partition in range(cut.partitions):
            mine = iter([r for r in records if _partition(r, cut) == partition])
            while batch := list(islice(mine, cut.batch)):
                stream.feed(partition, batch)
        at_ms = Millis(START_MS + number * DAY_MS)
        stream.tick(at_ms)
        states = {name: data for shard in stream.shards for name, data in shard.states.items()}
        midnights.append(Midnight(at_ms, states, joint_indexes(stream)))
    return Replay(midnights, _emissions(stream))


def _emissions(stream: LocalStream) -> Sequence[Emission]:
    values = [entry.event for entry in stream.emitted if entry.topic != DEAD_LETTERS_TOPIC]
    emissions = [decode_emission(value)[0] for value in values]
    return sorted(emissions, key=lambda one: (one.time_ms, one.subject, one.id))


def _partition(record: Record, cut: Cut) -> int:
    return partition_of(record.key or b"", cut.partitions)


@cache
def decoded() -> Sequence[tuple[Millis, dict[str, State]]]:
    """The states after every tick."""
    return [
        (midnight.at_ms, {name: decode(data) for name, data in midnight.states.items()})
        for midnight in replayed().midnights
    ]


def contents(projection: Registered) -> Iterator[tuple[Millis, str, Slot]]:
    """Every slot of a projection after every tick, as bytes."""
    for at_ms, states in decoded():
        for name, state in states.items():
            for slot in state.slots:
                if slot.number == projection.slot:
                    yield at_ms, name, slot


def known(projection: Registered) -> list[Any]:
    """Different states of a projection, over the whole time."""
    found = list({bytes(slot.content): None for _, _, slot in contents(projection)})
    return [projection.decode(Raw(data)) for data in found]


def context(now_ms: Millis = NOW_MS) -> Context:
    profile = next(s.profile for s in decoded()[-1][1].values() if s.profile is not None)
    visit, slots, serving = event("web.visit", now_ms), slots_of(State()), models("d0", RULES)
    return Context(CustomerId("ada"), profile, None, serving, RULES, now_ms, visit, slots)


@each
def test_the_world_is_told_of_it(projection: Registered) -> None:
    """Without a state there would be nothing under these laws."""
    assert known(projection)


def test_the_world_has_drops_and_decisions() -> None:
    types = {emission.type for emission in replayed().emissions}
    assert {
        "action.recommended",
        "alert.cleared",
        "alert.raised",
        "alert.updated",
        "churn.risk_changed",
        "customer.relation_changed",
        "customer.risk",
        "engagement.dropping",
        "return.probability_changed",
    } <= types


def test_the_world_has_customers_at_risk_and_others_who_are_so_no_more() -> None:
    members = [
        {name for scores in one.indexes.values() for name in scores} for one in replayed().midnights
    ]
    assert max(map(len, members)) > 1
    assert any(before - after for before, after in pairwise(members))
    assert any(members[ERASED_DAY - 1] & {who} for who in ERASED)


@pytest.mark.parametrize("cut", [WHOLE, *CUTS], ids=str)
def test_after_every_tick_the_indexes_are_what_a_recount_over_all_states_gives(cut: Cut) -> None:
    for midnight in replayed(cut).midnights:
        assert midnight.indexes == recounted_indexes(midnight.states)


@pytest.mark.parametrize("cut", CUTS, ids=str)
def test_how_the_log_is_cut_does_not_show_in_the_indexes(cut: Cut) -> None:
    for once, again in zip(replayed().midnights, replayed(cut).midnights, strict=True):
        assert again.indexes == once.indexes


def test_the_newest_record_of_each_customer_names_exactly_those_at_risk() -> None:
    newest: dict[str, CustomerRisk | None] = {}
    for emission in replayed().emissions:
        if emission.type == "customer.risk":
            assert emission.data is None or isinstance(emission.data, CustomerRisk)
            newest[emission.subject] = emission.data
    bands = {name: risk.band for name, risk in newest.items() if risk is not None}
    indexes = replayed().midnights[-1].indexes
    for band, index in RISK_INDEXES.items():
        published = {name for name, known in bands.items() if known == band}
        assert published == indexes.get(index, {}).keys()


@each
@pytest.mark.parametrize("cut", CUTS, ids=str)
def test_how_the_log_is_cut_does_not_show(projection: Registered, cut: Cut) -> None:
    for once, again in zip(replayed().midnights, replayed(cut).midnights, strict=True):
        assert again.states.keys() == once.states.keys()
        for name, data in once.states.items():
            if again.states[name] != data:
                assert _slot(decode(again.states[name]), projection) == _slot(
                    decode(data), projection
                )


@pytest.mark.parametrize("cut", CUTS, ids=str)
def test_how_the_log_is_cut_does_not_show_in_what_is_emitted(cut: Cut) -> None:
    assert replayed(cut).emissions == replayed().emissions


def _slot(state: State, projection: Registered) -> tuple[Millis | None, bytes] | None:
    for slot in state.slots:
        if slot.number == projection.slot:
            return slot.next_timer_ms, content_bytes(slot)
    return None


@each
def test_its_bytes_are_read_and_written_again(projection: Registered) -> None:
    for _, _, slot in contents(projection):
        state = projection.decode(slot.content)
        assert content_bytes(Slot(slot.number, None, state)) == bytes(slot.content)


@each
def test_it_stays_below_its_bound(projection: Registered) -> None:
    sizes = [len(bytes(slot.content)) for _, _, slot in contents(projection)]
    assert max(sizes, default=0) <= projection.projection.max_bytes


@each
def test_after_a_tick_its_timer_lies_ahead(projection: Registered) -> None:
    for at_ms, name, slot in contents(projection):
        state = projection.decode(slot.content)
        assert slot.next_timer_ms == projection.projection.next_timer_ms(state, RULES), name
        assert slot.next_timer_ms is None or slot.next_timer_ms > at_ms, name


@each_listener
@pytest.mark.parametrize("late_hours", [1, 24, 48])
def test_an_event_that_is_late_but_in_time_lands(projection: Registered, late_hours: int) -> None:
    serving = models("d20", QUICK)  # two days late is in time
    first = live([arrival("web.visit", "d17 12:00")], models("d17", QUICK))[-1].state
    for kind in sorted(projection.projection.listens_to & REQUIRED.keys()):
        late = arrival(kind, Millis(days(20) - late_hours * HOUR_MS))
        step = advance(first, late, serving, days(20))
        assert step.refused is None
        assert {"applied", "late"} <= set(step.counters)
        assert step.state is not None
        assert slots_of(decode(encode(step.state))).get(projection) == slots_of(step.state).get(
            projection
        )


@each
def test_of_an_erased_customer_it_knows_nothing(projection: Registered) -> None:
    at_ms, states = decoded()[-1]
    serving = models(None, RULES)
    for name, state in states.items():
        erasure = arrival("customer.erased", Millis(at_ms + HOUR_MS), name)
        after = advance(state, erasure, serving, at_ms).state
        assert after is not None
        assert slots_of(after).get(projection) is None
        assert after.slots == ()


@pytest.mark.parametrize(
    "projection",
    # Those that look at the finished step follow what they read.
    [one for one in REGISTERED if one.concluding is None],
    ids=lambda one: one.name,
)
def test_what_it_does_not_listen_to_leaves_its_bytes_alone(projection: Registered) -> None:
    heard = projection.projection.listens_to | {"customer.erased"}
    own = [
        kind for kind in OWN_REQUIRED if projection not in OWN_LISTENERS[event(kind).by_customer]
    ]
    others = sorted(REQUIRED.keys() - heard) + own
    for content in list(map(_written, known(projection)))[:9]:
        before = Slot(projection.slot, None, content)
        for kind in others:
            assert _after(kind, before) == (Raw, bytes(content))


def test_a_slot_of_a_projection_that_this_build_does_not_have_is_kept() -> None:
    content = Raw(msgspec.msgpack.encode([7, "from a later build"]))
    for kind in sorted(REQUIRED):
        assert _after(kind, Slot(UNKNOWN_SLOT, None, content)) == (Raw, bytes(content))


def test_the_timer_of_a_projection_that_this_build_does_not_have_wakes_nobody() -> None:
    slot = Slot(UNKNOWN_SLOT, days(1, 12), Raw(msgspec.msgpack.encode([7])))
    state = msgspec.structs.replace(state_of(), slots=(slot,))
    step = advance(state, arrival("web.visit", "d2"), models("d2"), days(2))
    assert step.next_timer is not None
    assert step.next_timer > days(3)  # the snapshot day: not at every tick from now on


def _written(state: Any) -> Raw:  # noqa: ANN401 - of any projection
    return Raw(content_bytes(Slot(0, None, state)))


def _after(kind: str, slot: Slot) -> tuple[type[Any], bytes]:
    """The slot's content after an event, with the type that carries it."""
    state = msgspec.structs.replace(state_of(), slots=(slot,))
    step = advance(decode(encode(state)), arrival(kind, "d1"), models(None), days(1))
    assert step.state is not None
    [after] = [one for one in step.state.slots if one.number == slot.number]
    return type(after.content), bytes(after.content)


@each
def test_which_of_two_ids_is_named_first_does_not_show(projection: Registered) -> None:
    states, merge, ctx = known(projection), projection.projection.merge, context()
    step = max(1, len(states) ** 2 // PAIRS)
    for a, b in islice(((a, b) for a in states for b in states), 0, None, step):
        assert merge(a, b, ctx) == merge(b, a, ctx)


@each
def test_a_merged_state_keeps_the_bound_and_can_be_read(projection: Registered) -> None:
    states, merge, ctx = known(projection), projection.projection.merge, context()
    for a, b in pairwise(states):
        merged = merge(a, b, ctx)
        assert projection.decode(_written(merged)) == merged


@pytest.mark.parametrize(
    "projection",
    [one for one in REGISTERED if one.projection.merges_exactly],
    ids=lambda one: one.name,
)
def test_a_merged_state_is_that_of_both_histories(projection: Registered) -> None:
    happenings = [(days(number), _happening(number)) for number in range(12)]
    joint = _projected(projection, happenings)
    for split in range(2, 6):
        mine, theirs = happenings[::split], [h for h in happenings if h not in happenings[::split]]
        a, b = _projected(projection, mine), _projected(projection, theirs)
        both = a is not None and b is not None
        assert (projection.projection.merge(a, b, context()) if both else a or b) == joint


Happening = Callable[[Registered, Any, Context], Any]


def _happening(number: int) -> Happening:
    """By turns a visit, and a decision for one of the actions."""
    action = RULES.actions[number % len(RULES.actions)].name

    def taken(projection: Registered, state: Any, ctx: Context) -> Any:  # noqa: ANN401
        if number % 2 and projection.decided is not None:
            situation = Situation("ada", ctx.profile, 0.5, "high", {}, ctx.now_ms, "cause")
            choice = Choice(action, None, {action: 1.0}, {}, {})
            decision = Decision(situation, choice, ctx.now_ms)
            return projection.decided.on_decision(state, decision, ctx)
        visit = event("web.visit", ctx.now_ms)
        update = projection.projection.on_event(state, visit, ctx)
        return state if update is None else update.state

    return taken


def _projected(projection: Registered, happenings: Sequence[tuple[Millis, Happening]]) -> Any:  # noqa: ANN401
    state = None
    for at_ms, happening in happenings:
        state = happening(projection, state, context(at_ms))
    return state


@each
@pytest.mark.parametrize("content", [[99], [99, 1, 2], [0], [None], []], ids=str)
def test_a_version_that_it_never_had_is_refused_by_name(
    projection: Registered, content: list[object]
) -> None:
    with pytest.raises(StateError, match=f"slot {projection.name}"):
        projection.decode(Raw(msgspec.msgpack.encode(content)))


@each
def test_fields_of_another_shape_are_refused_by_name(projection: Registered) -> None:
    version = projection.projection.state_type.__struct_config__.tag
    with pytest.raises(StateError, match=f"slot {projection.name}"):
        projection.decode(Raw(msgspec.msgpack.encode([version, {"no": "field"}])))


class Twin(Decisions):
    """Has the name of another."""

    slot: ClassVar[int] = 101


class Tenant(Decisions):
    """Has the slot of another."""

    name: ClassVar[str] = "tenant"


class Early(Decisions):
    """Reads what comes after it."""

    name: ClassVar[str] = "early"
    slot: ClassVar[int] = 102
    reads: ClassVar[tuple[str, ...]] = ("decisions",)


@pytest.mark.parametrize(
    ("projections", "why"),
    [
        ((Decisions(), Twin()), "decisions: its name or slot 101 is taken"),
        ((Decisions(), Tenant()), "tenant: its name or slot 3 is taken"),
        ((Early(), Decisions()), "early reads decisions: list it after these"),
        ((Early(),), "early reads decisions: list it after these"),
    ],
)
def test_the_registry_refuses_what_would_collide(
    projections: Sequence[Decisions], why: str
) -> None:
    with pytest.raises(RegistryError, match=why):
        checked(projections)


def test_a_reader_stands_after_what_it_reads() -> None:
    assert [one.name for one in checked((Decisions(), Early()))] == ["decisions", "early"]


@each
def test_it_listens_only_to_types_that_there_are(projection: Registered) -> None:
    assert projection.projection.listens_to <= TOUCHPOINTS.keys()
