"""Laws of the whole core: a log has one outcome, however it is cut, spread and interrupted."""

from collections.abc import Iterator

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests import oracles
from tests.make import (
    DAY_ZERO_MS,
    QUICK,
    Log,
    ReplayOutcome,
    arrive,
    days,
    event,
    fired,
    live,
    models,
    recounted_indexes,
    replay,
)
from tests.strategies import END_DAY, LIVES, logs
from touchstream.schemas.envelope import Event
from touchstream.schemas.examples import Example
from touchstream.schemas.units import DAY_MS, CustomerId, Millis
from touchstream.streams.emit.identity import pseudonym
from touchstream.streams.intake.clock import too_late
from touchstream.streams.intake.decode import Arrival, Origin, decode
from touchstream.streams.intake.memory import NOTHING_REMEMBERED, remember
from touchstream.streams.projections.read import churn_of
from touchstream.streams.snapshot_day import next_snapshot_day_ms
from touchstream.streams.state import State
from touchstream.streams.state import decode as decode_state

CUSTOMERS = ("ada", "bob", "cy")
CHURN = QUICK.churn
FINAL_DAYS = CHURN.horizon_days + CHURN.label_grace_days
LAW = settings(max_examples=40)  # a log is 21 ticks: worth more than most examples
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=4)


@LAW
@given(logs(), SIZES)
def test_where_a_batch_ends_does_not_show(log: Log, batches: list[int]) -> None:
    assert replay(log, batches=batches) == replay(log)


@LAW
@given(logs(), st.integers(1, 3))
def test_in_how_many_chunks_a_tick_is_committed_does_not_show(log: Log, chunk: int) -> None:
    assert replay(log, chunk=chunk) == replay(log)


@LAW
@given(logs(), st.integers(2, 5))
def test_the_number_of_partitions_does_not_show(log: Log, partitions: int) -> None:
    assert replay(log, partitions=partitions) == replay(log)


@LAW
@given(logs())
def test_a_death_in_the_middle_of_every_tick_does_not_show(log: Log) -> None:
    assert replay(log, restarts=True) == replay(log)


@LAW
@given(logs(), SIZES, st.integers(1, 3))
def test_the_indexes_are_what_a_recount_over_all_states_gives(
    log: Log, batches: list[int], chunk: int
) -> None:
    outcome = replay(log, batches=batches, chunk=chunk, restarts=True)
    assert outcome.indexes == recounted_indexes(outcome.states)


@LAW
@given(logs())
def test_every_record_ends_in_exactly_one_counter(log: Log) -> None:
    emitted = replay(log)
    ends = ("applied", "duplicate", "dead", "dropped")
    assert sum(emitted.counters.get(name, 0) for name in ends) == len(log.records)
    assert emitted.counters.get("dead", 0) == len(emitted.letters)


@LAW
@given(logs())
def test_the_reasons_of_a_counter_add_up_to_it(log: Log) -> None:
    counters = replay(log).counters
    for whole in ("dead", "dropped"):
        parts = [count for name, count in counters.items() if name.startswith(f"{whole}.")]
        assert sum(parts) == counters.get(whole, 0)


@LAW
@given(logs())
def test_nothing_is_learnt_before_horizon_and_grace(log: Log) -> None:
    for example in replay(log).examples:
        assert example.matured_ms == example.at_ms + FINAL_DAYS * DAY_MS
        assert tick_ms(example) - DAY_MS < example.matured_ms <= tick_ms(example)


@LAW
@given(logs(erasures=False))
def test_every_label_is_what_the_events_received_in_time_say(log: Log) -> None:
    emitted = replay(log)
    for customer in CUSTOMERS:
        known = list(accepted(log, customer))
        assume(no_two_subscriptions_at_once(known))
        for example in examples_of(customer, emitted):
            before = [e for received, e in known if received <= example.at_ms]
            after = [e for received, e in known if example.at_ms < received <= tick_ms(example)]
            if example.target == "return":
                assert example.label == oracles.returned(after, example.at_ms, CHURN)
            else:
                assert example.label == oracles.churned(before, after, example.at_ms, CHURN)
            assert example.treated == oracles.treated(after, example.at_ms, CHURN)


@LAW
@given(logs(erasures=False))
def test_every_own_day_of_a_known_customer_becomes_an_example(log: Log) -> None:
    emitted = replay(log)
    for customer in CUSTOMERS:
        since = [clock_at(received) or received for received, _ in accepted(log, customer)]
        scored = [example.at_ms for example in examples_of(customer, emitted)]
        assert scored == own_days(customer, since[0]) if since else not scored


@LAW
@given(logs())
def test_a_ledger_holds_no_more_than_a_horizon_of_snapshots(log: Log) -> None:
    for data in replay(log).states.values():
        assert (
            len(churn_of(decode_state(data)).ledger) <= FINAL_DAYS // CHURN.snapshot_every_days + 1
        )


@LAW
@given(logs())
def test_whoever_is_known_waits_for_a_tick_to_come(log: Log) -> None:
    for data in replay(log).states.values():
        woken_ms = decode_state(data).next_timer_ms
        assert woken_ms is not None
        assert woken_ms > days(END_DAY)


@given(LIVES)
def test_of_an_erased_customer_the_tombstone_is_left_and_then_nothing(life: list[Event]) -> None:
    arrivals = sorted(map(arrive, life), key=lambda one: one.event.time_ms)
    erasure = arrive(event("customer.erased", "d21"))
    steps = live([*arrivals, erasure, fired("d24")], models("d0", QUICK))
    memory, _ = remember(NOTHING_REMEMBERED, erasure.identity, erasure.content, days(21), limit=1)
    assert steps[-2].state == State(
        memory=memory, erased_ms=days(21), next_timer_ms=Millis(days(23) + 1)
    )
    assert (steps[-1].state, steps[-1].next_timer) == (None, None)


def tick_ms(example: Example) -> Millis:
    """The moment of the label."""
    return days(example.tick - 1)


def examples_of(customer: str, emitted: ReplayOutcome) -> list[Example]:
    name = pseudonym(customer, QUICK.seed)
    return [example for example in emitted.examples if example.customer == name]


def clock_at(received_ms: Millis) -> Millis | None:
    """The last tick before a record; what is received with a tick comes before it."""
    passed = (received_ms - 1 - DAY_ZERO_MS) // DAY_MS
    return None if passed < 0 else days(passed)


def accepted(log: Log, customer: str) -> Iterator[tuple[Millis, Event]]:
    """The customer's events that count, each with the moment it was received."""
    seen: set[int] = set()
    for one in log.records:
        found = decode(one, Origin(0, 1, None))
        if not isinstance(found, Arrival) or found.event.subject != CustomerId(customer):
            continue
        watermark_ms = clock_at(one.received_ms)
        late = too_late(found.event.time_ms, watermark_ms, QUICK.intake.allowed_lateness_days)
        if not late and found.identity not in seen:
            seen.add(found.identity)
            yield one.received_ms, found.event


def no_two_subscriptions_at_once(known: list[tuple[Millis, Event]]) -> bool:
    """Which of two holds is a rule of its own, and not the label's."""
    times = [e.time_ms for _, e in known if e.type.startswith("subscription.")]
    return len(set(times)) == len(times)


def own_days(customer: str, since_ms: Millis) -> list[Millis]:
    """The customer's days after ``since_ms`` that are final by the end of a log."""
    found: list[Millis] = []
    day_ms = next_snapshot_day_ms(customer, since_ms, CHURN.snapshot_every_days)
    while day_ms <= days(END_DAY - FINAL_DAYS):
        found.append(day_ms)
        day_ms = next_snapshot_day_ms(customer, day_ms, CHURN.snapshot_every_days)
    return found
