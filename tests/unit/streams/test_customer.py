"""Days in the life of Ada, whose own day for snapshots is d4, d11, d18 ..."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from tests.make import (
    SILENCE_KILLS,
    TYPED,
    arrival,
    daily,
    emitted,
    fired,
    last_state,
    live,
    models,
    moment,
)
from touchstream.schemas.emissions.risk import RiskChanged
from touchstream.schemas.rules import IntakeRules, Rules
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.customer import Step, advance
from touchstream.streams.intake.decode import Arrival
from touchstream.streams.intake.memory import NOTHING_REMEMBERED
from touchstream.streams.outcome import Reject
from touchstream.streams.projections.projection import TimerFired
from touchstream.streams.projections.read import churn_of, relation_of
from touchstream.streams.state import IntakeCounts

RULES = Rules(intake=IntakeRules(allowed_lateness_days=7), bands=TYPED.bands)


def lived(*happenings: Arrival | TimerFired, clock: str | None = "d0") -> list[Step]:
    return live(happenings, models(clock, RULES, SILENCE_KILLS))


def labels(steps: Sequence[Step], target: str = "churn") -> list[tuple[str, int]]:
    """(day of the snapshot, label) of a target's examples, in the order in which they matured."""
    zero_ms = moment("d0")
    return [
        (f"d{(one.snapshot.at_ms - zero_ms) // DAY_MS}", one.label)
        for step in steps
        for one in step.examples
        if one.target == target
    ]


def test_an_event_is_applied_and_remembered() -> None:
    (step,) = lived(arrival("web.visit", "d0 1:00"))
    assert list(step.counters) == ["applied"]
    assert step.state is not None
    assert step.state.profile is not None
    assert step.state.profile.families["web"].count == 1
    assert step.state.memory != NOTHING_REMEMBERED


def test_the_same_event_again_changes_nothing() -> None:
    first, again = lived(arrival("web.visit", "d1"), arrival("web.visit", "d1"))
    assert again.counters == ("duplicate",)
    assert again.state is first.state
    assert again.next_timer == first.next_timer


def test_another_event_under_the_same_id_is_a_dead_letter() -> None:
    first, lie = lived(
        arrival("web.visit", "d1", id="e1"), arrival("web.visit", "d1", id="e1", page="/other")
    )
    assert isinstance(lie.refused, Reject)
    assert lie.refused.reason == "conflicting_id"
    assert (lie.state, lie.counters) == (first.state, ())


def test_the_same_id_of_another_source_is_another_event() -> None:
    steps = lived(
        arrival("web.visit", "d1", id="e1"), arrival("web.visit", "d1", id="e1", source="app")
    )
    assert [list(step.counters) for step in steps] == [["applied"], ["applied"]]


@pytest.mark.parametrize(
    ("at", "counters"),
    [("d13", ("applied", "late")), ("d12 23:59", ("dropped", "dropped.too_late"))],
)
def test_an_event_may_be_seven_days_older_than_the_tick(at: str, counters: tuple[str, ...]) -> None:
    (step,) = lived(arrival("web.visit", at), clock="d20")
    assert tuple(step.counters) == counters


def test_of_a_stranger_whose_event_is_dropped_nothing_is_kept() -> None:
    (step,) = lived(arrival("web.visit", "d1"), clock="d20")
    assert (step.state, step.next_timer) == (None, None)


def test_an_event_of_the_moment_of_the_tick_is_late() -> None:
    (step,) = lived(arrival("web.visit", "d20"), clock="d20")
    assert list(step.counters) == ["applied", "late"]


def test_before_the_first_tick_nothing_is_late_and_nothing_scored() -> None:
    (step,) = lived(arrival("web.visit", "d1"), clock=None)
    assert list(step.counters) == ["applied"]
    assert step.state is not None
    assert churn_of(step.state).risk is None


def test_what_is_odd_about_an_event_is_counted() -> None:
    odd = replace(arrival("web.visit", "d1"), clamped=True, unknown_fields=("colour", "refer"))
    (step,) = lived(odd)
    assert list(step.counters) == [
        "applied",
        "clamped",
        "with_unknown_fields",
        "unknown_field.web.visit.colour",
        "unknown_field.web.visit.refer",
    ]


def test_the_state_counts_what_was_odd_about_its_events() -> None:
    odd = replace(arrival("web.visit", "d21"), clamped=True, unknown_fields=("colour", "refer"))
    steps = lived(
        arrival("web.visit", "d20 1:00"), odd, odd, arrival("web.visit", "d19"), clock="d20"
    )
    assert [step.state and step.state.counts for step in steps] == [
        None,
        IntakeCounts(clamped=1, with_unknown_fields=1),
        IntakeCounts(clamped=1, with_unknown_fields=1),
        IntakeCounts(clamped=1, with_unknown_fields=1, late=1),
    ]


def test_a_tick_leaves_the_counts_and_an_erasure_takes_them() -> None:
    _, woken, erased = lived(
        arrival("web.visit", "d19"),
        fired("d25"),
        arrival("customer.erased", "d26"),
        clock="d20",
    )
    assert woken.state is not None
    assert woken.state.counts == IntakeCounts(late=1)
    assert erased.state is not None
    assert erased.state.counts is None


def test_reaching_the_cap_of_remembered_ids_is_counted() -> None:
    rules = Rules(intake=IntakeRules(ids_per_customer=1))
    steps = live([arrival("web.visit", "d1"), arrival("web.visit", "d2")], models("d0", rules))
    assert list(steps[-1].counters) == ["applied", "memory_full"]
    assert last_state(steps).counts == IntakeCounts(memory_full=1)


def test_by_default_a_week_of_an_active_customer_may_be_sent_again() -> None:
    week = [
        arrival("order.placed", Millis(moment(f"d{n % 7}") + n), id=f"o{n}") for n in range(4_000)
    ]
    steps = lived(*week, *reversed(week), clock=None)
    once, again = steps[:4_000], steps[4_000:]
    assert {step.counters for step in again} == {("duplicate",)}
    assert last_state(again) is last_state(once)
    profile = last_state(once).profile
    assert profile is not None
    assert profile.money["EUR"].ordered_minor == 4_000 * 1_000


@pytest.mark.parametrize("at", ["d1 0:01", "d3", "d0"])
def test_a_known_id_with_another_time_is_a_dead_letter_on_any_day(at: str) -> None:
    steps = lived(arrival("order.placed", "d1", id="o1"), arrival("order.placed", at, id="o1"))
    assert steps[-1].refused is not None
    assert steps[-1].refused.reason == "conflicting_id"


def test_a_new_customer_waits_for_their_snapshot_day() -> None:
    (step,) = lived(arrival("web.visit", "d0 1:00"))
    assert step.next_timer == moment("d4")


def test_a_customer_from_before_the_first_tick_counts_days_from_the_event() -> None:
    (step,) = lived(arrival("web.visit", "d5"), clock=None)
    assert step.next_timer == moment("d11")


def test_on_the_snapshot_day_the_prediction_goes_into_the_ledger() -> None:
    state = last_state(lived(arrival("web.visit", "d1"), *daily(1, 4)))
    (row,) = churn_of(state).ledger
    assert (row.at_ms, row.risk, row.model_version) == (
        moment("d4"),
        churn_of(state).risk,
        3,
    )
    assert state.next_timer_ms == moment("d11")


def test_events_alone_write_no_ledger() -> None:
    state = last_state(lived(*(arrival("web.visit", f"d{day}") for day in range(30))))
    assert churn_of(state).ledger == ()


def test_a_snapshot_that_was_missed_is_taken_once_by_the_next_tick() -> None:
    state = last_state(lived(arrival("web.visit", "d1"), fired("d26"), fired("d27")))
    assert [row.at_ms for row in churn_of(state).ledger] == [moment("d26")]
    relation = relation_of(state)
    assert relation is not None
    assert relation.snapshot_due_ms == moment("d32")


def test_whom_a_tick_passed_by_the_next_one_wakes() -> None:
    before = last_state(lived(arrival("web.visit", "d1")))
    assert before.next_timer_ms == moment("d4")
    step = advance(before, arrival("web.visit", "d50"), models("d50", RULES), moment("d50"))
    assert step.next_timer == moment("d50") + 1


def test_a_tick_for_somebody_unknown_leaves_nothing() -> None:
    step = advance(None, fired("d1"), models("d1"), moment("d1"))
    assert (step.state, step.next_timer, step.counters) == (None, None, ())


def test_nothing_is_learnt_before_horizon_and_grace() -> None:
    assert labels(lived(arrival("web.visit", "d1"), *daily(1, 32))) == []
    assert labels(lived(arrival("web.visit", "d1"), *daily(1, 33))) == [("d4", 1)]


def test_who_cancels_on_the_next_day_is_learnt_no_sooner() -> None:
    started, ended = arrival("subscription.started", "d1"), arrival("subscription.cancelled", "d5")
    assert labels(lived(started, *daily(1, 4), ended, *daily(5, 32))) == []
    assert labels(lived(started, *daily(1, 4), ended, *daily(5, 33))) == [("d4", 1)]


@pytest.mark.parametrize(
    ("at", "churned"), [("d4", 1), ("d4 0:01", 0), ("d32", 0), ("d32 0:01", 1)]
)
def test_a_sign_of_life_counts_after_the_snapshot_up_to_the_end_of_the_horizon(
    at: str, churned: int
) -> None:
    steps = lived(
        arrival("order.placed", "d1"),
        *daily(1, 4),
        arrival("web.visit", at),
        *daily(5, 33),
    )
    assert labels(steps) == [("d4", churned)]


def test_a_subscriber_who_is_silent_stays() -> None:
    steps = lived(arrival("subscription.started", "d1"), *daily(1, 33))
    assert labels(steps) == [("d4", 0)]


def test_a_term_that_ends_without_a_word_is_followed_by_snapshots_of_the_return() -> None:
    steps = lived(arrival("subscription.started", "d1", term_days=8), *daily(1, 47))
    assert labels(steps) == [("d4", 0)]
    assert labels(steps, "return") == [("d11", 0), ("d18", 0)]


def test_who_is_silent_after_the_term_has_churned() -> None:
    """The snapshot of the day of grace: nobody knows yet whether a renewal comes."""
    steps = lived(arrival("subscription.started", "d1", term_days=10), *daily(1, 40))
    assert labels(steps) == [("d4", 0), ("d11", 1)]


def test_an_event_that_comes_in_the_days_of_grace_still_counts() -> None:
    steps = lived(
        arrival("web.visit", "d1"), *daily(1, 32), arrival("web.visit", "d31"), fired("d33")
    )
    assert labels(steps) == [("d4", 0)]


def test_an_event_that_comes_after_the_label_changes_it_no_more_and_is_counted() -> None:
    steps = lived(arrival("web.visit", "d1"), *daily(1, 33), arrival("web.visit", "d31"))
    assert labels(steps) == [("d4", 1)]
    assert list(steps[-1].counters) == ["applied", "late", "late_for_label"]


def test_the_next_example_says_how_many_events_came_too_late() -> None:
    steps = lived(
        arrival("web.visit", "d1"),
        *daily(1, 33),
        arrival("web.visit", "d31"),
        arrival("web.visit", "d32"),
        *daily(34, 47),
    )
    examples = [one for step in steps for one in step.examples]
    assert [one.late for one in examples] == [0, 2, 0]


def test_of_several_labels_given_at_once_the_newest_is_the_one_to_be_late_for() -> None:
    steps = lived(
        arrival("web.visit", "d1"), *daily(1, 18), fired("d47"), arrival("web.visit", "d42")
    )
    assert labels(steps) == [("d4", 1), ("d11", 1), ("d18", 1)]
    assert list(steps[-1].counters) == ["applied", "late", "late_for_label"]


def test_an_event_after_the_window_is_not_late_for_its_label() -> None:
    steps = lived(arrival("web.visit", "d1"), *daily(1, 33), arrival("web.visit", "d32 0:01"))
    assert list(steps[-1].counters) == ["applied", "late"]


def test_an_inactive_customer_crosses_into_the_high_band_by_ticks_alone() -> None:
    steps = lived(arrival("order.placed", "d0"), *daily(1, 40))
    crossings = [
        (emission.time_ms, emission.data.band, emission.data.cause.type)
        for emission in emitted(steps)
        if isinstance(emission.data, RiskChanged)
    ]
    assert crossings == [(moment("d25"), "high", "touchstream.tick")]


def test_the_tick_is_named_as_the_cause() -> None:
    steps = lived(arrival("order.placed", "d0"), *daily(1, 25))
    data = emitted(steps)[0].data
    assert isinstance(data, RiskChanged)
    assert (data.cause.source, data.cause.id) == ("touchstream", "26")


def test_ids_are_forgotten_when_they_are_too_old_to_come_again() -> None:
    before = last_state(lived(arrival("web.visit", "d1"), arrival("web.visit", "d9")))
    after = last_state(lived(arrival("web.visit", "d1"), arrival("web.visit", "d9"), fired("d11")))
    assert len(before.memory) == 2 * len(after.memory)


def test_of_an_erased_customer_a_tombstone_is_left() -> None:
    state = last_state(
        lived(arrival("order.placed", "d1"), fired("d4"), arrival("customer.erased", "d5"))
    )
    assert (state.profile, churn_of(state).ledger, churn_of(state).risk, churn_of(state).band) == (
        None,
        (),
        None,
        None,
    )
    assert (state.erased_ms, relation_of(state)) == (moment("d5"), None)


def test_what_happened_before_the_erasure_does_not_come_back() -> None:
    steps = lived(arrival("customer.erased", "d5"), arrival("web.visit", "d5"))
    assert steps[-1].counters == ("dropped", "dropped.erased")


def test_what_was_forgotten_does_not_come_back_when_it_is_sent_again() -> None:
    visit = arrival("web.visit", "d6")
    steps = lived(visit, arrival("customer.erased", "d5"), visit)
    assert steps[-1].counters == ("dropped", "dropped.erased")


def test_asking_twice_is_asking_once() -> None:
    steps = lived(arrival("customer.erased", "d5"), arrival("customer.erased", "d5"))
    assert steps[-1].counters == ("duplicate",)


def test_the_tombstone_goes_when_nothing_older_can_come_any_more() -> None:
    assert live([arrival("customer.erased", "d5")], models("d4"))[-1].next_timer == Millis(
        moment("d12") + 1
    )
    last = lived(arrival("customer.erased", "d5"), *daily(6, 13))[-1]
    assert (last.state, last.next_timer) == (None, None)


def test_who_comes_back_after_an_erasure_is_new() -> None:
    steps = lived(
        arrival("order.placed", "d1"), arrival("customer.erased", "d5"), arrival("web.visit", "d6")
    )
    state = last_state(steps)
    assert state.profile is not None
    assert (state.profile.first_seen_ms, state.profile.money) == (moment("d6"), {})
    assert state.erased_ms == moment("d5")


def test_who_came_back_keeps_all_but_the_tombstone() -> None:
    state = last_state(
        lived(arrival("customer.erased", "d5"), arrival("web.visit", "d6"), *daily(7, 13))
    )
    assert state.profile is not None
    assert state.erased_ms is None


def test_who_came_back_can_be_erased_again() -> None:
    state = last_state(
        lived(
            arrival("customer.erased", "d5"),
            arrival("web.visit", "d6"),
            arrival("customer.erased", "d7"),
        )
    )
    assert (state.profile, state.erased_ms) == (None, moment("d7"))
