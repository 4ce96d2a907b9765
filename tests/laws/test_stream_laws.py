"""Laws of the whole core: a log has one outcome, however it is cut, spread and interrupted."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import Event
from schemas.examples import Example
from schemas.units import DAY_MS, Millis
from streams.emit.identity import pseudonym
from streams.intake.decode import Arrival, Origin, decode
from streams.shard import LetterLimit, Run, Standing, adopt, take_run, take_turn
from streams.state import State
from streams.state import decode as decode_state
from tests import oracles
from tests.make import DAY_ZERO_MS, QUICK, Log, Told, days, live, models, replay, tick, wake
from tests.strategies import LAST_DAY, LIVES, logs

RULES = QUICK.churn
FINAL_MS = (RULES.horizon_days + RULES.label_grace_days) * DAY_MS
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=4)


@given(logs(), SIZES)
def test_where_a_batch_ends_does_not_show(log: Log, batches: list[int]) -> None:
    assert replay(log, batches=batches) == replay(log)


@given(logs(), st.integers(1, 3))
def test_in_how_many_chunks_a_tick_is_committed_does_not_show(log: Log, chunk: int) -> None:
    assert replay(log, chunk=chunk) == replay(log)


@given(logs(), st.integers(2, 5))
def test_the_number_of_partitions_does_not_show(log: Log, partitions: int) -> None:
    assert replay(log, partitions=partitions) == replay(log)


@given(logs())
def test_a_restart_at_every_tick_does_not_show(log: Log) -> None:
    assert replay(log, restarts=True) == replay(log)


@given(logs())
def test_every_record_ends_in_exactly_one_counter(log: Log) -> None:
    told = replay(log)
    ends = ("applied", "duplicate", "dead", "dropped")
    assert sum(told.counters.get(name, 0) for name in ends) == len(log.records)
    assert told.counters.get("dead", 0) == len(told.letters)


@given(logs())
def test_every_part_of_a_counter_adds_up_to_it(log: Log) -> None:
    counters = replay(log).counters
    for whole in ("dead", "dropped"):
        parts = [count for name, count in counters.items() if name.startswith(f"{whole}.")]
        assert sum(parts) == counters.get(whole, 0)


@given(logs())
def test_nothing_is_learnt_before_horizon_and_grace(log: Log) -> None:
    for example in replay(log).examples:
        assert example.matured_ms == example.at_ms + FINAL_MS
        assert tick_ms(example) - DAY_MS < example.matured_ms <= tick_ms(example)


@given(logs(erasures=False))
def test_every_label_is_what_the_events_received_in_time_say(log: Log) -> None:
    for customer, example in examples_by_customer(replay(log)):
        known = accepted(log, customer)
        before = [e for received, e in known if received <= example.at_ms]
        after = [e for received, e in known if example.at_ms < received <= tick_ms(example)]
        assert example.label == oracles.churned(before, after, example.at_ms, RULES)
        assert example.treated == oracles.treated(after, example.at_ms, RULES)


@given(logs())
def test_a_ledger_holds_no_more_than_a_horizon_of_snapshots(log: Log) -> None:
    most = (RULES.horizon_days + RULES.label_grace_days) // RULES.snapshot_every_days + 1
    for data in replay(log).states.values():
        assert len(decode_state(data).ledger) <= most


@given(logs())
def test_whoever_is_known_waits_for_a_tick_to_come(log: Log) -> None:
    for data in replay(log).states.values():
        state = decode_state(data)
        assert state.wake_at_ms is not None
        assert state.wake_at_ms > days(LAST_DAY)


@given(logs())
def test_nothing_is_left_of_an_erased_customer_but_what_came_after(log: Log) -> None:
    erased = Log([one for one in log.records if one.key == b"ada"], LAST_DAY)
    end = Log([erasure_after(erased), *()], LAST_DAY)
    together = replay(Log([*erased.records, *end.records], LAST_DAY))
    assert {**together.states} == replay(end).states
