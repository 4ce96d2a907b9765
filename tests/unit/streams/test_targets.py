"""A further target: scored at the moments that it looks from, labelled by what follows."""

from collections.abc import Sequence

import msgspec
import pytest

from tests.make import (
    TYPED,
    arrival,
    daily,
    days,
    emitted,
    fired,
    last_state,
    live,
    model,
    models,
    moment,
)
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.signals import CustomerSignal
from touchstream.schemas.rules import LearningRules, Rules, TargetRules
from touchstream.schemas.units import Millis
from touchstream.streams.context import ServingContext
from touchstream.streams.customer import Step, advance
from touchstream.streams.decide.policy import DO_NOTHING
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.intake.decode import Arrival
from touchstream.streams.learn.ledger import HAPPENED, MOST_ROWS, RECOMMENDED, Snapshot
from touchstream.streams.learn.scorer import Scorer
from touchstream.streams.learn.snapshot import CHURN, ModelData, empty
from touchstream.streams.projections.projection import TimerFired
from touchstream.streams.projections.read import churn_of, targets_of
from touchstream.streams.state import State

REPEAT = TargetRules(
    name="repeat",
    after=("call.ended",),
    events=("call.ended",),
    horizon_hours=24,
    label_grace_hours=24,
    signal_at=0.5,
)
RULES = Rules(targets=(REPEAT,), learning=LearningRules(minimum_examples=200), bands=TYPED.bands)
CALLS_AGAIN = model(intercept=-3.0, call_month=4.0)
"""P(another call) is 0.44 after the first, 0.80 after the second."""


def active_config(clock: str | None = "d0", knows: ModelData = CALLS_AGAIN) -> ServingContext:
    found = models(clock, RULES)
    if found.scorers is None:
        return found
    return found._replace(scorers={**found.scorers, "repeat": Scorer(knows)})


def lived(*happenings: Arrival | TimerFired, clock: str | None = "d0") -> list[Step]:
    return live(happenings, active_config(clock))


def call(at: str, number: int = 1) -> Arrival:
    return arrival("call.ended", at, call=f"c{number}")


def rows(state: State) -> Sequence[Snapshot]:
    return targets_of(state).ledgers.get("repeat", ())


def labels(steps: Sequence[Step]) -> list[tuple[Millis, int]]:
    """(moment scored, label) of the target's examples."""
    return [
        (one.snapshot.at_ms, one.label)
        for step in steps
        for one in step.examples
        if one.target == "repeat"
    ]


def test_a_row_is_written_at_the_moment_of_the_event() -> None:
    (row,) = rows(last_state(lived(call("d1 10:00"))))
    assert (row.at_ms, row.model_version, row.features) == (moment("d1 10:00"), 3, FEATURES.digest)
    assert row.risk == pytest.approx(0.44, abs=0.01)


def test_the_event_itself_is_seen_in_the_row_and_makes_no_label() -> None:
    (row,) = rows(last_state(lived(call("d1 10:00"))))
    seen = dict(zip(FEATURES.names, FEATURES.unpack(row.vector), strict=True))
    assert seen["call_month"] == pytest.approx(0.693, abs=0.001)
    assert not row.outcome_flags & HAPPENED


def test_a_model_that_has_learnt_nothing_has_said_nothing() -> None:
    """Its 0.5 is no opinion, though what others learnt has made versions."""
    nothing = empty(FEATURES.digest, 1.0)
    (row,) = rows(last_state(live([call("d1 10:00")], active_config(knows=nothing))))
    assert (row.risk, row.model_version) == (0.5, 0)


def test_what_it_does_not_look_from_is_not_scored() -> None:
    assert targets_of(last_state(lived(arrival("web.visit", "d1 10:00")))).ledgers == {}


def test_before_the_first_tick_nothing_is_scored() -> None:
    assert targets_of(last_state(lived(call("d1 10:00"), clock=None))).ledgers == {}


@pytest.mark.parametrize("at", ["d1 21:37", "d1 23:59", "d2"])
def test_an_event_that_came_a_little_late_is_looked_from_as_of_the_tick(at: str) -> None:
    state = last_state(lived(call(at), clock="d2"))
    assert [row.at_ms for row in rows(state)] == [moment("d2")]
    assert not rows(state)[0].outcome_flags & HAPPENED


@pytest.mark.parametrize("at", ["d1 10:00", "d1 21:36"])
def test_a_tenth_of_the_horizon_late_is_no_moment_to_look_from(at: str) -> None:
    assert rows(last_state(lived(call(at), clock="d2"))) == ()


def test_an_event_older_than_one_that_is_known_is_no_moment_to_look_from() -> None:
    state = last_state(lived(call("d1 12:00"), call("d1 10:00", 2)))
    assert [row.at_ms for row in rows(state)] == [moment("d1 12:00")]


def test_a_late_event_still_makes_a_label() -> None:
    steps = lived(call("d1 10:00"), fired("d2"), call("d1 20:00", 2), *daily(3, 5))
    assert labels(steps) == [(moment("d1 10:00"), 1)]


@pytest.mark.parametrize(("again", "label"), [("d2 10:00", 1), ("d2 10:01", 0)])
def test_the_label_says_whether_it_happened_within_the_horizon(again: str, label: int) -> None:
    steps = lived(call("d1 10:00"), call(again, 2), *daily(3, 6))
    assert labels(steps)[0] == (moment("d1 10:00"), label)


def test_a_row_matures_at_the_first_tick_after_horizon_and_grace() -> None:
    steps = lived(call("d1 10:00"), *daily(2, 3))
    assert labels(steps) == []
    steps = lived(call("d1 10:00"), *daily(2, 4))
    assert labels(steps) == [(moment("d1 10:00"), 0)]
    assert targets_of(last_state(steps)).ledgers == {}


def test_the_customer_is_woken_when_a_row_is_final() -> None:
    (step,) = lived(call("d1 10:00"))
    assert step.next_timer == moment("d3 10:00")


def test_a_row_that_matures_leaves_the_others_waiting() -> None:
    steps = lived(call("d1 10:00"), call("d2 11:00", 2), *daily(3, 4))
    assert [row.at_ms for row in rows(last_state(steps))] == [moment("d2 11:00")]


def test_a_target_matures_beside_churn_and_neither_takes_the_others_rows() -> None:
    steps = lived(call("d1 10:00"), *daily(2, 33))
    found = [(one.target, one.label) for step in steps for one in step.examples]
    assert found == [("repeat", 0), ("churn", 1)]


def test_no_more_rows_wait_than_the_bound() -> None:
    calls = [
        arrival("call.ended", Millis(days(1) + number * 1_000), call=f"c{number}")
        for number in range(MOST_ROWS + 6)
    ]
    state = last_state(lived(*calls))
    assert len(rows(state)) == MOST_ROWS == 64
    assert rows(state)[-1].at_ms == days(1) + 63_000


def signals(steps: Sequence[Step]) -> list[tuple[Millis, object, object]]:
    return [
        (one.time_ms, one.data.before, one.data.value)
        for one in emitted(steps)
        if isinstance(one.data, CustomerSignal)
    ]


def test_a_probability_that_rises_to_the_line_is_told_once() -> None:
    steps = lived(call("d1 10:00"), call("d1 11:00", 2), call("d1 12:00", 3))
    assert signals(steps) == [(moment("d1 11:00"), False, True)]
    assert targets_of(last_state(steps)).raised == ("repeat",)


def test_a_signal_says_what_the_model_says_and_why() -> None:
    [emission] = emitted(lived(call("d1 10:00"), call("d1 11:00", 2)))
    data = emission.data
    assert isinstance(data, CustomerSignal)
    assert (data.signal, data.cause.type, data.rules) == ("repeat", "call.ended", RULES.digest())
    assert data.probability == pytest.approx(0.80, abs=0.01)
    assert (emission.topic, emission.subject) == ("customer-signals", "ada")


def test_a_probability_that_falls_below_the_line_takes_it_back() -> None:
    steps = lived(call("d1 10:00"), call("d1 11:00", 2), call("d300", 3))
    assert signals(steps)[1:] == [(moment("d300"), True, False)]
    assert targets_of(last_state(steps)).raised == ()


def test_on_too_few_examples_nothing_is_told() -> None:
    few = msgspec.structs.replace(CALLS_AGAIN, examples=200, churned=19)
    steps = live([call("d1 10:00"), call("d1 11:00", 2)], active_config(knows=few))
    assert signals(steps) == []


def test_without_a_line_nothing_is_told() -> None:
    quiet = Rules(targets=(msgspec.structs.replace(REPEAT, signal_at=None),))
    steps = live(
        [call("d1 10:00"), call("d1 11:00", 2)],
        active_config()._replace(rules=quiet, rules_digest=quiet.digest()),
    )
    assert signals(steps) == []
    assert len(rows(last_state(steps))) == 2


def test_an_erasure_takes_the_rows_along_and_no_example_comes_of_them() -> None:
    steps = lived(call("d1 10:00"), arrival("customer.erased", "d1 20:00"), *daily(2, 40))
    assert labels(steps) == []
    assert steps[1].state is not None
    assert (targets_of(steps[1].state).ledgers, targets_of(steps[1].state).raised) == ({}, ())


def test_a_tick_at_which_nothing_is_final_changes_no_row() -> None:
    before = last_state(lived(call("d1 10:00")))
    after = advance(before, fired("d2"), active_config("d2"), days(2)).state
    assert after is not None
    assert targets_of(after).ledgers == targets_of(before).ledgers


def test_who_left_and_comes_back_is_scored_again_and_may_stay() -> None:
    rules = TYPED
    steps = live(
        [
            arrival("order.placed", "d1"),
            *daily(1, 40),
            arrival("order.placed", "d41"),
            *daily(41, 44),
            arrival("order.placed", "d50"),
            *daily(50, 59),
            arrival("order.placed", "d60"),
            *daily(60, 82),
        ],
        models("d0", rules, model(intercept=-12.0, silence_days=4.0)),
    )
    examples = [one for step in steps for one in step.examples]
    labels = {(one.target, one.snapshot.at_ms): one.label for one in examples}
    assert labels["churn", moment("d4")] == 1
    assert labels["return", moment("d39")] == 1
    assert labels["churn", moment("d50")] == 0
    state = last_state(steps)
    assert churn_of(state).risk is not None
    risks = {
        row.at_ms: row.risk for step in steps if step.state for row in churn_of(step.state).ledger
    }
    assert risks[moment("d25")] > 0.5 > risks[moment("d53")]


def test_a_decision_at_the_tick_of_a_snapshot_falls_in_that_snapshots_window() -> None:
    steps = live(
        [arrival("order.placed", "d0"), *daily(1, 25)],
        models("d0", TYPED, model(intercept=-12.0, silence_days=4.0)),
    )
    (*_, newest) = churn_of(last_state(steps)).ledger
    assert [one.time_ms for one in emitted(steps)] == [moment("d25")] * 4
    assert newest.at_ms == moment("d25")
    assert newest.offer_probability > 0.9


def test_a_decision_falls_in_the_windows_of_further_targets_too() -> None:
    acting = active_config()
    assert acting.scorers is not None
    acting = acting._replace(scorers={**acting.scorers, CHURN: Scorer(CALLS_AGAIN)})
    steps = live([call("d1 10:00", 1), call("d1 20:00", 2), call("d3 10:00", 3)], acting)
    decisions = [
        (one.time_ms, one.data.action != DO_NOTHING)
        for one in emitted(steps)
        if isinstance(one.data, ActionRecommended)
    ]
    state = last_state(steps)
    noted = [
        (bool(row.outcome_flags & RECOMMENDED), row.offer_probability > 0) for row in rows(state)
    ]
    assert decisions == [(moment("d1 20:00"), True)]
    assert noted == [(True, True), (True, True), (False, False)]
