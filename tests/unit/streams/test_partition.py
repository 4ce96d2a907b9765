from collections.abc import Sequence

import msgspec
import orjson
import pytest

from tests.make import (
    OWN_TYPES,
    QUICK,
    SILENCE_KILLS,
    days,
    event,
    model,
    models,
    moment,
    record,
)
from touchstream.schemas.dead_letter import decode_letter
from touchstream.schemas.emissions.envelope import decode_emission
from touchstream.schemas.envelope import Event
from touchstream.schemas.examples import Example, TickCompleted, decode_example
from touchstream.schemas.rules import BandRules, Rules
from touchstream.schemas.tick import ActiveConfig, Phase, Tick, encode_tick
from touchstream.schemas.units import Millis
from touchstream.streams.checkpoint import ShardCheckpoint, decode_checkpoint, encode_checkpoint
from touchstream.streams.commit import CommitBatch
from touchstream.streams.context import ServingContext
from touchstream.streams.intake.decode import Arrival, Origin
from touchstream.streams.intake.log_phase import RECEIVED_HEADER
from touchstream.streams.intake.unknown_fields import NAMES_PER_TYPE
from touchstream.streams.local import NO_LIMIT, LocalShard, LocalStream
from touchstream.streams.outbox import Entry, decode_entry
from touchstream.streams.outcome import Drop, Reject
from touchstream.streams.partition import (
    EventBatch,
    LetterLimit,
    TickBatch,
    TooManyLetters,
    adopt,
    apply_event_batch,
    apply_tick,
    split_at_ticks,
)
from touchstream.streams.projections.indexes import queue_index
from touchstream.streams.projections.read import churn_of
from touchstream.streams.records import Record
from touchstream.streams.state import decode as decode_state

POSITION = Origin(0, 1, None)
IN_FORCE = ActiveConfig(model_version=0, rules="r", features="f")
RUBBISH = Record(7, days(1), b"ada", b"{")


PHASES: tuple[Phase, Phase] = ("live", "history")


def tick_record(number: int, at: str, offset: int = 0) -> Record:
    value = encode_tick(Tick(number=number, time_ms=moment(at), active_config=IN_FORCE), None)
    return Record(offset, moment(at), None, value)


def taken(
    *records: Record,
    before: ShardCheckpoint | None = None,
    states: dict[str, bytes | None] | None = None,
    active_config: ServingContext | None = None,
    limit: LetterLimit = NO_LIMIT,
) -> CommitBatch:
    """The work of one run in shard p0."""
    (run,) = split_at_ticks(records, POSITION)
    assert isinstance(run, EventBatch)
    loaded: dict[str, bytes | None] = {
        customer: (states or {}).get(customer) for customer in run.customers()
    }
    return apply_event_batch(
        before or ShardCheckpoint(), "p0", 0, run, loaded, active_config or models("d0"), limit
    )


def turned(
    shard: LocalShard,
    at: str,
    customers: Sequence[str],
    *,
    last: bool,
    number: int = 5,
    rules: Rules = QUICK,
) -> CommitBatch:
    tick = Tick(number=number, time_ms=moment(at), active_config=IN_FORCE)
    adopted = adopt(shard.checkpoint, tick)
    active_config = models(at, rules, SILENCE_KILLS)
    return apply_tick(
        adopted, "p0", tick, customers, shard.load(customers), active_config, last=last
    )


def entries(commit_batch: CommitBatch) -> list[Entry]:
    return [decode_entry(data) for _, data in commit_batch.outbox]


def visit(at: str = "d1", customer: str = "ada", **data: object) -> Event:
    return event("web.visit", at, customer, None, "shop", **data)


def test_a_batch_is_cut_at_its_ticks() -> None:
    batch = [record(visit("d1")), record(visit("d2")), tick_record(1, "d3", 2), record(visit("d4"))]
    before, turn, after = split_at_ticks(batch, POSITION)
    assert isinstance(before, EventBatch)
    assert isinstance(after, EventBatch)
    assert (len(before.records), len(after.records)) == (2, 1)
    assert turn == TickBatch(Tick(number=1, time_ms=moment("d3"), active_config=IN_FORCE), 2)


def test_two_ticks_in_a_row_have_no_empty_run_between_them() -> None:
    units = list(split_at_ticks([tick_record(1, "d1"), tick_record(2, "d2")], POSITION))
    assert [type(unit) for unit in units] == [TickBatch, TickBatch]


def test_a_run_needs_the_state_of_every_customer_in_it_once() -> None:
    records = [record(visit("d1")), RUBBISH, record(visit("d2", "bob")), record(visit("d3"))]
    (run,) = split_at_ticks(records, POSITION)
    assert isinstance(run, EventBatch)
    assert run.customers() == ["ada", "bob"]


def test_a_run_needs_the_state_of_a_customer_whose_type_the_rules_may_know() -> None:
    (run,) = split_at_ticks([record(event("meter.read", "d1"))], POSITION)
    assert isinstance(run, EventBatch)
    assert run.customers() == ["ada"]


def test_the_rules_of_the_run_decide_about_types_that_are_not_built_in() -> None:
    records = [record(visit("d1")), record(event("meter.read", "d2"))]
    own = models("d0", Rules(event_types=OWN_TYPES))
    assert taken(*records).checkpoint.counters == {
        "applied": 1,
        "held.evidence": 1,
        "dropped": 1,
        "dropped.unknown_type": 1,
    }
    assert taken(*records, active_config=own).checkpoint.counters == {"applied": 2}


def test_a_misspelt_type_is_counted_by_name() -> None:
    misspelt = record(visit())
    misspelt = misspelt._replace(value=misspelt.value.replace(b"web.visit", b"web.vist"))
    assert taken(misspelt, misspelt).checkpoint.misspelt_types == {"web.visit": {"web.vist": 2}}


def test_a_commit_leaves_the_counts_of_the_checkpoint_before_it() -> None:
    misspelt = record(visit())
    misspelt = misspelt._replace(value=misspelt.value.replace(b"web.visit", b"web.vist"))
    before = ShardCheckpoint(misspelt_types={"web.visit": {"web.vist": 7}})
    assert taken(misspelt, before=before).checkpoint.misspelt_types["web.visit"] == {"web.vist": 8}
    assert before.misspelt_types == {"web.visit": {"web.vist": 7}}


def test_the_log_goes_on_after_the_last_record_of_a_run() -> None:
    (run,) = split_at_ticks([record(visit(), offset=4), record(visit("d2"), offset=9)], POSITION)
    assert isinstance(run, EventBatch)
    assert run.next_offset == 10


def test_what_a_record_became_stands_beside_it() -> None:
    records = [record(visit()), RUBBISH, record(visit("d2"))]
    unknown = orjson.loads(records[2].value) | {"type": "moon.seen"}
    records[2] = records[2]._replace(value=orjson.dumps(unknown))
    (run,) = split_at_ticks(records, POSITION)
    assert isinstance(run, EventBatch)
    assert [type(found) for _, found in run.records] == [Arrival, Reject, Drop]


def test_a_run_writes_the_states_it_changed_and_when_they_are_due() -> None:
    commit_batch = taken(record(visit()), record(visit("d2", "bob")))
    assert list(commit_batch.states) == ["ada", "bob"]
    assert commit_batch.timers == {"ada": moment("d4"), "bob": moment("d5")}


def test_a_duplicate_alone_writes_nothing_but_its_count() -> None:
    stored = taken(record(visit())).states
    commit_batch = taken(record(visit()), states=stored)
    assert (commit_batch.states, commit_batch.timers, commit_batch.outbox) == ({}, {}, [])
    assert commit_batch.checkpoint.counters == {"duplicate": 1}


def test_what_is_dropped_leaves_no_state_of_a_stranger() -> None:
    commit_batch = taken(record(visit("d1")), active_config=models("d20"))
    assert (commit_batch.states, commit_batch.timers) == ({}, {})
    assert commit_batch.checkpoint.counters == {"dropped": 1, "dropped.too_late": 1}


def test_the_unknown_fields_of_a_batch_have_few_counters_of_their_own() -> None:
    extra = [f"extra_{letter}" for letter in "abcdefghijkl"]
    sent = [orjson.loads(record(visit("d1", page=f"/{name}")).value) for name in extra]
    for name, value in zip(extra, sent, strict=True):
        value["data"][name] = 1
    batch = [Record(0, moment("d1"), b"ada", orjson.dumps(value)) for value in sent]
    once, before = taken(*batch).checkpoint.counters, ShardCheckpoint()
    for each in batch:
        before = taken(each, before=before).checkpoint
    names = [name for name in once if name.startswith("unknown_field.web.visit.")]
    assert len(names) == NAMES_PER_TYPE + 1
    assert sum(once[name] for name in names) == len(extra) == once["with_unknown_fields"]
    assert before.counters == once


def test_the_standing_before_stays_as_it_was() -> None:
    before = ShardCheckpoint(counters={"applied": 3}, sequences={"churn-risk": 2}, recent_dead=[1])
    doomed = models("d0", knows=model(intercept=5.0))
    commit_batch = taken(record(visit()), RUBBISH, before=before, active_config=doomed)
    assert commit_batch.checkpoint.sequences["churn-risk"] == 3
    assert before == ShardCheckpoint(
        counters={"applied": 3}, sequences={"churn-risk": 2}, recent_dead=[1]
    )


def test_a_broken_record_becomes_a_dead_letter_that_says_where_it_was() -> None:
    (entry,) = entries(taken(RUBBISH))
    letter = decode_letter(entry.key, entry.event, entry.headers).letter
    assert (entry.topic, entry.key, letter.original) == ("dead-letters", b"ada", b"{")
    assert (letter.topic, letter.partition, letter.offset) == ("touchpoints", 0, 7)
    assert (letter.step, letter.reason) == ("intake", "not_json")


def test_a_conflicting_id_becomes_a_dead_letter_of_the_profiles() -> None:
    commit_batch = taken(
        record(visit()), record(event("web.visit", "d1", id=visit().id, page="/lie"))
    )
    (entry,) = entries(commit_batch)
    letter = decode_letter(entry.key, entry.event, entry.headers).letter
    assert (letter.step, letter.reason) == ("profiles", "conflicting_id")
    assert commit_batch.checkpoint.counters == {
        "applied": 1,
        "held.evidence": 1,
        "dead": 1,
        "dead.conflicting_id": 1,
    }


def test_poison_in_bulk_stops_the_shard() -> None:
    limit = LetterLimit(letters=2, window=10)
    assert len(taken(RUBBISH, RUBBISH, limit=limit).outbox) == 2
    with pytest.raises(
        TooManyLetters, match="shard p0: more than 2 dead letters among the last 10"
    ):
        taken(RUBBISH, RUBBISH, RUBBISH, limit=limit)


def test_dead_letters_of_earlier_batches_count_within_the_window() -> None:
    limit = LetterLimit(letters=2, window=10)
    before = taken(RUBBISH, RUBBISH, limit=limit).checkpoint
    with pytest.raises(TooManyLetters):
        taken(RUBBISH, before=before, limit=limit)


def test_dead_letters_beyond_the_window_are_forgotten() -> None:
    limit = LetterLimit(letters=2, window=10)
    before = taken(RUBBISH, RUBBISH, limit=limit).checkpoint
    sound = [record(visit("d1", page=f"/{number}")) for number in range(9)]
    commit_batch = taken(*sound, RUBBISH, before=before, limit=limit)
    assert commit_batch.checkpoint.recent_dead == [12]


def test_a_limit_of_none_never_stops() -> None:
    commit_batch = taken(*([RUBBISH] * 50), limit=LetterLimit(letters=0, window=10))
    assert commit_batch.checkpoint.counters["dead"] == 50
    assert len(commit_batch.checkpoint.recent_dead) == 10


def test_emissions_are_numbered_by_the_shard_and_by_topic() -> None:
    doomed = models("d0", knows=model(intercept=5.0))
    commit_batch = taken(record(visit()), record(visit("d1", "bob")), active_config=doomed)
    emitted = [(entry.topic, decode_emission(entry.event)[1]) for entry in entries(commit_batch)]
    assert emitted == [
        ("churn-risk", "p0:0000000000000001"),
        ("next-best-action", "p0:0000000000000001"),
        ("customer-risk", "p0:0000000000000001"),
        ("alerts", "p0:0000000000000001"),
        ("churn-risk", "p0:0000000000000002"),
        ("next-best-action", "p0:0000000000000002"),
        ("customer-risk", "p0:0000000000000002"),
        ("alerts", "p0:0000000000000002"),
    ]
    assert [number for number, _ in commit_batch.outbox] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert commit_batch.checkpoint.sent == 8


def test_numbers_go_on_from_the_last_commit() -> None:
    doomed = models("d0", knows=model(intercept=5.0))
    before = ShardCheckpoint(sent=10, sequences={"churn-risk": 6})
    commit_batch = taken(record(visit()), before=before, active_config=doomed)
    assert [number for number, _ in commit_batch.outbox] == [11, 12, 13, 14]
    assert commit_batch.checkpoint.sequences == {
        "churn-risk": 7,
        "next-best-action": 1,
        "customer-risk": 1,
        "alerts": 1,
    }


def test_a_tombstone_has_no_value_and_counts_in_the_sequence() -> None:
    (entry,) = entries(taken(record(event("customer.erased", "d1", source="crm", id="e-1"))))
    assert (entry.topic, entry.key, entry.value) == ("customer-risk", b"ada", None)
    emission, sequence = decode_emission(entry.event)
    assert (emission.type, emission.subject, emission.data) == ("customer.risk", "ada", None)
    assert sequence == "p0:0000000000000001"


def test_the_last_score_of_a_batch_is_the_one_in_the_index() -> None:
    rising = models("d0", knows=model(intercept=0.3, web_month=1.0))
    batch = [visit(), visit("d1"), visit("d2")]
    commit_batch = taken(*map(record, batch), active_config=rising)
    [state] = [decode_state(data) for data in commit_batch.states.values() if data is not None]
    assert commit_batch.indexes["risk.high"] == {"ada": churn_of(state).risk}


def test_an_erasure_in_the_same_batch_wins() -> None:
    doomed = models("d0", knows=model(intercept=5.0))
    erasure = record(event("customer.erased", "d1"))
    names = ("risk.medium", "risk.high", "alerts", queue_index("support"))
    nowhere = {name: {"ada": None} for name in names}
    assert taken(record(visit()), erasure, active_config=doomed).indexes == nowhere


def test_who_is_forgotten_for_good_has_no_state_left() -> None:
    shard = living(event("customer.erased", "d1"))
    assert turned(shard, "d40", ["ada"], last=True).states == {"ada": None}


def test_a_customer_at_low_risk_writes_to_no_index() -> None:
    assert taken(record(visit()), active_config=models("d0")).indexes == {}


def test_an_emission_has_its_customer_for_a_key() -> None:
    commit_batch = taken(record(visit()), active_config=models("d0", knows=model(intercept=5.0)))
    assert {entry.key for entry in entries(commit_batch)} == {b"ada"}


def test_a_tick_puts_in_force_what_it_carries() -> None:
    tick = Tick(number=5, time_ms=moment("d9"), active_config=IN_FORCE)
    adopted = adopt(ShardCheckpoint(tick=4), tick)
    assert (adopted.active_config, adopted.watermark_ms, adopted.tick) == (
        IN_FORCE,
        moment("d9"),
        4,
    )


def test_the_clock_of_a_shard_does_not_go_back() -> None:
    tick = Tick(number=5, time_ms=moment("d9"), active_config=IN_FORCE)
    assert adopt(ShardCheckpoint(watermark_ms=moment("d10")), tick).watermark_ms == moment("d10")


def test_the_last_chunk_finishes_the_tick_and_says_so_to_the_learner() -> None:
    commit_batch = turned(LocalShard("p0", 0), "d9", [], last=True)
    (entry,) = entries(commit_batch)
    assert commit_batch.checkpoint.tick == 5
    assert (entry.topic, entry.key, entry.partition) == ("touchstream.examples", None, 0)
    assert decode_example(entry.event) == TickCompleted(
        shard="p0", sequence=1, tick=5, time_ms=moment("d9")
    )


def test_another_chunk_leaves_the_tick_open() -> None:
    commit_batch = turned(LocalShard("p0", 0), "d9", [], last=False)
    assert (commit_batch.checkpoint.tick, commit_batch.outbox) == (0, [])


def test_who_was_due_without_a_state_is_due_no_more() -> None:
    assert turned(LocalShard("p0", 0), "d9", ["ghost"], last=False).timers == {"ghost": None}


def test_whoever_was_woken_is_due_later() -> None:
    shard = living(visit("d1"))
    commit_batch = turned(shard, "d4", ["ada"], last=True)
    due_ms = commit_batch.timers["ada"]
    assert due_ms is not None
    assert due_ms > moment("d4")


def test_an_example_is_pseudonymous_and_comes_before_the_word_that_the_tick_is_passed() -> None:
    shard = living(visit("d1"))
    for day in range(2, 12):
        ready = [name for name, at in shard.timers.items() if at <= days(day)]
        commit_batch = turned(shard, f"d{day}", ready, last=True, number=day)
        shard.keep(commit_batch)
        sent = [
            decode_example(entry.value or b"")
            for entry in entries(commit_batch)
            if entry.topic == "touchstream.examples"
        ]
        if len(sent) > 1:
            break
    assert [type(one) for one in sent] == [Example, TickCompleted]
    (example, passed) = sent
    assert isinstance(example, Example)
    assert example.sequence == passed.sequence - 1
    assert "ada" not in example.customer


def test_a_tick_tells_the_learner_how_often_the_risk_rose_and_the_next_begins_at_nothing() -> None:
    rules = msgspec.structs.replace(QUICK, bands=BandRules())
    shard = living(visit("d1"), visit("d1", "bob"))
    shard.keep(turned(shard, "d5", ["ada"], last=False, number=1, rules=rules))
    first = turned(shard, "d5", ["bob"], last=True, number=1, rules=rules)
    shard.keep(first)
    second = turned(shard, "d6", [], last=True, number=2, rules=rules)
    tick, then = (decode_example(entries(one)[-1].event) for one in (first, second))
    assert isinstance(tick, TickCompleted)
    assert isinstance(then, TickCompleted)
    assert (tick.scored, sorted(tick.rises.values())) == (2, [-2, 2])
    assert (then.scored, then.rises) == (0, {})


def living(*happened: Event) -> LocalShard:
    """A shard that has taken some events before its first tick."""
    shard = LocalShard("p0", 0)
    shard.keep(taken(*map(record, happened), active_config=models(None, QUICK)))
    return shard


def test_a_tick_that_died_between_its_chunks_goes_on_where_it_stopped() -> None:
    whole, broken = stream_of_three(), stream_of_three()
    whole.tick(days(4))
    shard = broken.shards[0]
    tick = broken.next_tick(days(4))
    adopted = adopt(shard.checkpoint, tick)
    shard.keep(
        apply_tick(
            adopted, "p0", tick, ["ada"], shard.load(["ada"]), broken.models(adopted), last=False
        )
    )
    shard.checkpoint = decode_checkpoint(
        encode_checkpoint(shard.checkpoint)
    )  # all that a death leaves
    broken.tick(days(4))
    assert shard == whole.shards[0]


def test_a_tick_whose_number_is_not_above_the_last_is_skipped() -> None:
    stream = stream_of_three()
    stream.tick(days(4))
    before = msgspec.structs.replace(stream.shards[0].checkpoint)
    states = dict(stream.shards[0].states)
    stream.feed(0, [tick_record(2, "d30")])
    assert (stream.shards[0].checkpoint, stream.shards[0].states) == (before, states)


def stream_of_three() -> LocalStream:
    """Ada, Bob and Cy were seen before the first tick, and are due on d4 or before."""
    stream = LocalStream(QUICK)
    stream.feed(0, [record(visit("d0", name)) for name in ("ada", "bob", "cy")])
    stream.tick(days(1))
    return stream


def test_a_shard_that_never_committed_stands_at_the_beginning() -> None:
    assert decode_checkpoint(None) == ShardCheckpoint()


def test_a_standing_is_read_back_as_it_was() -> None:
    checkpoint = ShardCheckpoint(
        tick=3,
        watermark_ms=Millis(5),
        active_config=IN_FORCE,
        sent=9,
        sequences={"churn-risk": 4},
        counters={"applied": 7},
        taken=8,
        recent_dead=[2, 5],
    )
    assert decode_checkpoint(encode_checkpoint(checkpoint)) == checkpoint


def test_in_a_history_emissions_are_withheld_and_remembered_as_emitted() -> None:
    doomed = models("d0", knows=model(intercept=5.0))
    live, past = (
        taken(record(visit()), before=ShardCheckpoint(phase=phase), active_config=doomed)
        for phase in PHASES
    )
    assert len(live.outbox) == past.checkpoint.counters["withheld"] == 4
    assert past.outbox == []
    assert past.checkpoint.sequences == {}
    assert (past.states, past.timers, past.indexes) == (live.states, live.timers, live.indexes)


def test_the_tick_that_ends_a_history_belongs_to_it() -> None:
    shard = living(visit("d1"), visit("d1", "bob"))
    shard.checkpoint.phase = "history"
    phases = []
    for customer, last in (("ada", False), ("bob", True)):
        shard.keep(turned(shard, "d5", [customer], last=last))
        phases.append(shard.checkpoint.phase)
    assert phases == ["history", "live"]
    completed = decode_example(shard.outbox[-1].event)
    assert isinstance(completed, TickCompleted)
    assert completed.history


def test_records_behind_a_tick_of_a_history_have_its_time_of_receipt() -> None:
    begun = encode_tick(
        Tick(number=1, time_ms=moment("d1"), active_config=IN_FORCE, phase="history"), None
    )
    header = ((RECEIVED_HEADER, str(moment("d2")).encode()),)
    claimed = record(visit("d2"))._replace(received_ms=moment("d9"), headers=header)
    before, _, after = split_at_ticks(
        [claimed, Record(1, moment("d9"), None, begun), claimed], POSITION
    )
    assert isinstance(before, EventBatch)
    assert isinstance(after, EventBatch)
    assert [one.records[0][0].received_ms for one in (before, after)] == [
        moment("d9"),
        moment("d2"),
    ]
