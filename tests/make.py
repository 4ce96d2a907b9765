"""Builders for tests: literal times, whole events, models made by hand, and a log run through."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import cycle, islice
from typing import Any, NamedTuple

import msgspec
import numpy as np
import orjson

from bench.by_hand import by_hand
from touchstream.schemas.dead_letter import decode_letter
from touchstream.schemas.emissions.envelope import Emission, decode_emission
from touchstream.schemas.emissions.risk import Reason
from touchstream.schemas.envelope import Event, decode_data, format_time, parse_time
from touchstream.schemas.event_types import EventTypeRules, FieldRules, own_types
from touchstream.schemas.examples import Example
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.schemas.rules import BandRules, ChurnRules, IntakeRules, LearningRules, Rules
from touchstream.schemas.tick import Tick
from touchstream.schemas.topics import DEAD_LETTERS_TOPIC
from touchstream.schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, CustomerId, Millis
from touchstream.streams.checkpoint import decode_checkpoint, encode_checkpoint
from touchstream.streams.context import ServingContext
from touchstream.streams.customer import Step, advance
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.features.view import View
from touchstream.streams.intake.decode import Arrival
from touchstream.streams.intake.fingerprint import content_of, identity_of
from touchstream.streams.intake.memory import NOTHING_REMEMBERED, Memory
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.learn.arrays import pack_symmetric
from touchstream.streams.learn.basis import NAMES
from touchstream.streams.learn.ledger import SUBSCRIBED, Ledger, Snapshot, is_activity, millionths
from touchstream.streams.learn.models.bayes import BayesData
from touchstream.streams.learn.scorer import compile_version
from touchstream.streams.learn.snapshot import CHURN, ModelData, Version, empty
from touchstream.streams.local import LocalShard, LocalStream
from touchstream.streams.outbox import Entry
from touchstream.streams.partition import adopt, apply_tick
from touchstream.streams.profiles.fold import fold
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.churn import Churn, ChurnState
from touchstream.streams.projections.decisions import Decisions, DecisionsState
from touchstream.streams.projections.indexes import RISK_INDEXES, alert_indexes
from touchstream.streams.projections.projection import TimerFired
from touchstream.streams.projections.read import alerts_of, churn_of
from touchstream.streams.projections.relation import Relation, RelationState
from touchstream.streams.projections.targets import Targets, TargetsState
from touchstream.streams.records import Record
from touchstream.streams.state import Slot, State, decode

DAY_ZERO_MS = parse_time("1997-01-01T00:00:00Z")
WIDTH = len(FEATURES.names)

REQUIRED: dict[str, dict[str, object]] = {
    "web.visit": {"page": "/"},
    "web.form_submitted": {"form": "contact"},
    "content.streamed": {"content": "film", "seconds": 60.0},
    "order.placed": {"order": "o1", "amount_minor": 1_000, "currency": "EUR"},
    "order.returned": {"order": "o1", "amount_minor": 1_000, "currency": "EUR"},
    "subscription.started": {"plan": "basic", "amount_minor": 900, "currency": "EUR"},
    "subscription.renewed": {"plan": "basic", "amount_minor": 900, "currency": "EUR"},
    "subscription.changed": {"plan": "large", "amount_minor": 1_900, "currency": "EUR"},
    "ticket.opened": {"ticket": "t1"},
    "ticket.replied": {"ticket": "t1", "by": "agent"},
    "ticket.resolved": {"ticket": "t1"},
    "ticket.reopened": {"ticket": "t1"},
    "call.ended": {"call": "c1", "direction": "inbound", "duration_s": 60.0},
    "email.delivered": {"campaign": "spring"},
    "email.opened": {"campaign": "spring"},
    "email.unsubscribed": {"campaign": "spring"},
    "survey.answered": {"survey": "s1", "kind": "nps"},
    "customer.identified": {"alias": "cookie-1"},
    "customer.unlinked": {"alias": "cookie-1"},
    "consent.changed": {"purpose": "marketing", "granted": True},
    "action.outcome": {"decision": "d1", "action": "send_offer", "outcome": "sent"},
}
"""Required fields of a type, where a test does not care."""

OWN_REQUIRED: dict[str, dict[str, object]] = {"meter.read": {"kwh": 7}, "contract.ended": {}}
"""The same for ``OWN_TYPES``."""

QUICK_CONFIG = """
[churn]
activity = ["order.placed"]
horizon_days = 3
snapshot_every_days = 2
[learning]
minimum_examples = 20
[bands]
medium_enter = 0.3
medium_leave = 0.2
high_enter = 0.5
high_leave = 0.4
"""
"""A configuration under which labels mature in days, for short histories of orders."""

QUICK = Rules(
    churn=ChurnRules(horizon_days=4, snapshot_every_days=2, label_grace_days=1),
    intake=IntakeRules(allowed_lateness_days=2, ids_per_customer=64),
    learning=LearningRules(minimum_examples=3, minimum_of_each=1),
    bands=BandRules(
        medium_enter=0.45, medium_leave=0.4, high_enter=0.55, high_leave=0.5, cooldown_days=1
    ),
)
"""Rules under which three weeks are a whole life."""


OWN_TYPES = (
    EventTypeRules(
        name="meter.read",
        family="content",
        by_customer=True,
        description="The customer read their meter.",
        fields=(
            FieldRules(name="kwh", type="integer", required=True, minimum=0.0, unit="kWh"),
            FieldRules(name="estimated", type="boolean"),
        ),
    ),
    EventTypeRules(name="contract.ended", family="subscription", by_customer=False),
)
"""The types of a supplier of energy: one by the customer, one by the supplier."""

TYPES = {**TOUCHPOINTS, **own_types(OWN_TYPES)}
"""Every type of these tests by name."""


def moment(text: str) -> Millis:
    """``d3`` and ``d3 12:30`` count from 1997-01-01T00:00Z; anything else is ISO 8601."""
    if not text.startswith("d"):
        since = datetime.fromisoformat(text) - datetime.fromisoformat("1970-01-01T00:00Z")
        return Millis(since // timedelta(milliseconds=1))
    day, _, clock = text.removeprefix("d").partition(" ")
    hours, _, minutes = (clock or "0:0").partition(":")
    return days(int(day), int(hours), int(minutes))


def days(number: int, hours: int = 0, minutes: int = 0) -> Millis:
    return Millis(DAY_ZERO_MS + number * DAY_MS + hours * HOUR_MS + minutes * MINUTE_MS)


def event(
    kind: str,
    /,
    at: str | Millis = "d0",
    customer: str = "ada",
    id: str | None = None,
    source: str = "shop",
    **data: object,
) -> Event:
    """An event; said twice it is the same one, because its id is a hash of what it says."""
    whole = {**REQUIRED.get(kind, OWN_REQUIRED.get(kind, {})), **data}
    time_ms = moment(at) if isinstance(at, str) else at
    emitted = f"{kind} {time_ms} {customer} {sorted(whole.items())}"
    decoded, entry = decode_data(kind, whole, TYPES), TYPES[kind]
    return Event(
        id=id or blake2b(emitted.encode(), digest_size=8).hexdigest(),
        source=source,
        type=kind,
        subject=CustomerId(customer),
        time_ms=time_ms,
        data=decoded,
        family=entry.family,
        by_customer=entry.by_customer(decoded),
    )


def arrive(happened: Event) -> Arrival:
    """An event as decoded by intake."""
    content = content_of(happened.type, happened.subject, happened.time_ms, happened.data)
    return Arrival(
        happened, content, identity_of(happened.source, happened.id), False, unknown_fields=()
    )


def arrival(
    kind: str,
    /,
    at: str | Millis = "d0",
    customer: str = "ada",
    id: str | None = None,
    source: str = "shop",
    **data: object,
) -> Arrival:
    return arrive(event(kind, at, customer, id, source, **data))


def record(happened: Event, received: str | Millis | None = None, offset: int = 0) -> Record:
    """The record that a producer writes; received when it happened, unless said otherwise."""
    received_ms = moment(received) if isinstance(received, str) else received
    data = msgspec.to_builtins(happened.data)
    value = {
        "specversion": "1.0",
        "id": happened.id,
        "source": happened.source,
        "type": happened.type,
        "subject": happened.subject,
        "time": format_time(happened.time_ms),
        "data": {name: value for name, value in data.items() if value is not None},
    }
    return Record(
        offset=offset,
        received_ms=happened.time_ms if received_ms is None else received_ms,
        key=happened.subject.encode(),
        value=orjson.dumps(value),
    )


def fired(at: str | Millis, customer: str = "ada") -> TimerFired:
    """The tick at ``at`` reaches the customer; numbers count the days."""
    time_ms = moment(at) if isinstance(at, str) else at
    return TimerFired(CustomerId(customer), (time_ms - DAY_ZERO_MS) // DAY_MS + 1, time_ms)


def daily(first: int, last: int, customer: str = "ada") -> list[Arrival | TimerFired]:
    """A tick at midnight of every day, both ends included."""
    return [fired(days(number), customer) for number in range(first, last + 1)]


def model(intercept: float = 0.0, examples: int = 1_000, **weights: float) -> ModelData:
    """A model that adds weight x value for every feature named, and ``intercept``."""
    return by_hand(weights, intercept, examples=examples)


def doubtful(known: ModelData, deviation: float) -> ModelData:
    """The model with this standard deviation of the log-odds."""
    assert isinstance(known.estimator, BayesData)
    covariance = np.zeros((len(NAMES), len(NAMES)))
    covariance[0, 0] = deviation**2
    estimator = BayesData(known.estimator.mean, pack_symmetric(covariance))
    return msgspec.structs.replace(known, estimator=estimator)


SILENCE_KILLS = model(intercept=-12.0, silence_days=4.0)
"""P(churn) is 0.02 after a week of silence, 0.24 after two, 0.59 after three, 0.81 after four."""


TYPED = Rules(bands=BandRules(high_enter=0.72))
"""The defaults, with typed thresholds: those of a capacity take days to be found."""


def knowing(model: ModelData) -> Version:
    """A version in which this model is churn's."""
    return Version(models={CHURN: model})


def models(
    clock: str | None = "d0", rules: Rules | None = None, knows: ModelData | None = None
) -> ServingContext:
    """The serving context; without a ``clock`` no tick has come yet, and nothing is scored."""
    rules = rules or TYPED
    knows = knows or empty(FEATURES.digest, rules.churn.horizon_days)
    return ServingContext(
        rules=rules,
        rules_digest=rules.digest(),
        features=FEATURES,
        version=3,
        scorers=None if clock is None else compile_version(knowing(knows), rules, FEATURES.digest),
        watermark_ms=None if clock is None else moment(clock),
    )


def live(
    happenings: Iterable[Arrival | TimerFired],
    active_config: ServingContext,
    state: State | None = None,
) -> list[Step]:
    """Take one customer through a history; ticks without a due timer are skipped."""
    steps = []
    for happening in happenings:
        if isinstance(happening, TimerFired):
            active_config = active_config._replace(watermark_ms=happening.time_ms)
            due_ms = None if state is None else state.next_timer_ms
            if due_ms is None or due_ms > happening.time_ms:
                continue
            step = advance(state, happening, active_config, happening.time_ms)
        else:
            step = advance(state, happening, active_config, happening.event.time_ms)
        state = step.state
        steps.append(step)
    return steps


def state_of(
    *,
    profile: Profile | None = None,
    memory: Memory = NOTHING_REMEMBERED,
    next_timer_ms: Millis | None = None,
    erased_ms: Millis | None = None,
    targets: dict[str, Ledger] | None = None,
    raised: tuple[str, ...] = (),
    recommended_ms: dict[str, Millis] | None = None,
    snapshot_due_ms: Millis | None = None,
    **churn: Any,  # noqa: ANN401 - the fields of a ChurnState
) -> State:
    """A state with what churn, further targets and decisions know of a customer."""
    slots = [Slot(Churn.slot, None, ChurnState(**churn))] if churn else []
    if targets or raised:
        slots.append(Slot(Targets.slot, None, TargetsState(targets or {}, raised)))
    if recommended_ms:
        slots.append(Slot(Decisions.slot, None, DecisionsState(recommended_ms)))
    if snapshot_due_ms is not None:
        slots.append(Slot(Relation.slot, snapshot_due_ms, RelationState(snapshot_due_ms)))
    return State(profile, memory, next_timer_ms, erased_ms, tuple(slots))


def last_state(steps: Sequence[Step]) -> State:
    """The state after the last step; there has to be one."""
    state = steps[-1].state
    assert state is not None
    return state


def emitted(steps: Sequence[Step]) -> list[Emission]:
    return [emission for step in steps for emission in step.emissions]


def silent(days: float = 19.0, usual: float | None = 4.0) -> Reason:
    """A reason: silent for so many days, usually one every ``usual``."""
    often = "" if usual is None else f", usually comes every {int(usual)}"
    return Reason(
        feature="silence_days",
        text=f"silent for {int(days)} days{often}",
        contribution=1.2,
        change=None,
        kind="silence",
        value=days,
        bound="exactly",
        unit="days",
        usual=usual,
        compared_with=None if usual is None else "own",
        direction="raises",
    )


def folded(*happened: Event, before: Profile | None = None) -> Profile:
    """The profile after some events, by the default rules."""
    profile = before
    for one in happened:
        profile = fold(profile, one, is_activity(one, one.by_customer, ChurnRules()))
    assert profile is not None
    return profile


def seen(at: str, *happened: Event) -> View:
    """A customer to whom this happened, as of a moment."""
    return View(folded(*happened), moment(at))


def snapshot(
    at: str, *, subscribed: bool = False, risk: float = 0.5, vector: bytes = b""
) -> Snapshot:
    outcome_flags = SUBSCRIBED if subscribed else 0
    return Snapshot(moment(at), millionths(risk), 3, FEATURES.digest, vector, outcome_flags)


class Log(NamedTuple):
    """Records in the order in which they came, and a tick every day."""

    records: Sequence[Record]
    last_day: int


class ReplayOutcome(NamedTuple):
    """All that a run leaves, without what may differ: sequences, partitions and offsets."""

    states: dict[str, bytes]
    examples: list[Example]
    emissions: list[Emission]
    letters: list[tuple[bytes | None, bytes, str]]
    """(key, value, reason)."""
    counters: dict[str, int]
    measures: dict[str, dict[str, int]]
    indexes: dict[str, dict[str, float]]
    knowledge: bytes
    """Everything learnt."""


def replay(
    log: Log,
    rules: Rules = QUICK,
    *,
    partitions: int = 1,
    batches: Sequence[int] = (1_000,),
    chunk: int = 1_000,
    restarts: bool = False,
    moves: Mapping[int, Callable[[LocalStream], LocalStream]] = {},
) -> ReplayOutcome:
    """Run a log through shards and learner; with ``restarts`` every tick dies once on its way.

    ``moves`` replace the stream before the records of a day.
    """
    stream = LocalStream(rules, partitions, chunk)
    sizes = cycle(batches)
    for number in range(log.last_day + 1):
        if number in moves:
            stream = moves[number](stream)
            partitions = stream.partitions
        tick_ms = days(number)
        since_ms = days(number - 1) if number else Millis(0)
        todays = [one for one in log.records if since_ms < one.received_ms <= tick_ms]
        for partition in range(partitions):
            mine = [one for one in todays if partition_of(one.key or b"", partitions) == partition]
            for batch in _cut(mine, sizes):
                stream.feed(partition, batch)
        if restarts:
            for shard in stream.shards:
                _die_after_one(stream, shard, stream.next_tick(tick_ms))
        stream.tick(tick_ms)
    return _outcome(stream)


def _die_after_one(stream: LocalStream, shard: LocalShard, tick: Tick) -> None:
    """Commit the tick for the first customer who waits for it, and lose all that is not stored."""
    adopted = adopt(shard.checkpoint, tick)
    ready = sorted((at, name) for name, at in shard.timers.items() if at <= tick.time_ms)
    first = [name for _, name in ready[:1]]
    loaded, active_config = shard.load(first), stream.models(adopted)
    shard.keep(apply_tick(adopted, shard.name, tick, first, loaded, active_config, last=False))
    shard.checkpoint = decode_checkpoint(encode_checkpoint(shard.checkpoint))


def _cut(records: Sequence[Record], sizes: Iterator[int]) -> Iterator[list[Record]]:
    left = iter(records)
    while batch := list(islice(left, next(sizes))):
        yield batch


def _outcome(stream: LocalStream) -> ReplayOutcome:
    letters, emissions = [], []
    for entry in stream.emitted:
        if entry.topic == DEAD_LETTERS_TOPIC:
            letters.append((entry.key, entry.event, _reason(entry)))
        else:
            emissions.append(decode_emission(entry.event)[0])
    examples = [msgspec.structs.replace(e, shard="", sequence=1) for e in stream.examples]
    counters: dict[str, int] = {}
    for shard in stream.shards:
        for name, count in shard.checkpoint.counters.items():
            counters[name] = counters.get(name, 0) + count
    return ReplayOutcome(
        {customer: data for shard in stream.shards for customer, data in shard.states.items()},
        sorted(examples, key=lambda e: (e.tick, e.at_ms, e.customer)),
        sorted(emissions, key=lambda e: (e.time_ms, e.subject, e.id)),
        sorted(letters, key=str),
        counters,
        summed_measures(stream),
        joint_indexes(stream),
        msgspec.json.encode(stream.knowledge),
    )


def summed_measures(stream: LocalStream) -> dict[str, dict[str, int]]:
    """What all shards together have measured, by bucket and field."""
    summed: dict[str, dict[str, int]] = {}
    for shard in stream.shards:
        for bucket, fields in shard.measures.items():
            held = summed.setdefault(bucket, {})
            for name, amount in fields.items():
                held[name] = held.get(name, 0) + amount
    return summed


def joint_indexes(stream: LocalStream) -> dict[str, dict[str, float]]:
    """The indexes of all shards together, without empty ones."""
    joint: dict[str, dict[str, float]] = {}
    for shard in stream.shards:
        for index, scores in shard.indexes.items():
            if scores:
                joint.setdefault(index, {}).update(scores)
    return joint


def recounted_indexes(states: Mapping[str, bytes]) -> dict[str, dict[str, float]]:
    """The indexes as all states together say they should be."""
    joint: dict[str, dict[str, float]] = {}
    for customer, data in states.items():
        state = decode(data)
        churn, alerts = churn_of(state), alerts_of(state)
        if alerts is not None:
            for index, score in alert_indexes(alerts).items():
                joint.setdefault(index, {})[customer] = score
        if churn.band is not None and churn.band in RISK_INDEXES:
            assert churn.risk is not None
            joint.setdefault(RISK_INDEXES[churn.band], {})[customer] = churn.risk
    return joint


def _reason(entry: Entry) -> str:
    return decode_letter(entry.key, entry.event, entry.headers).letter.reason
