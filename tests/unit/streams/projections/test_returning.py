"""Return: former customers are scored for coming back. Ada's snapshot days are d4, d11, d18 ..."""

from collections.abc import Sequence

import msgspec
import pytest

from tests.make import (
    TYPED,
    arrival,
    daily,
    days,
    emitted,
    event,
    fired,
    folded,
    last_state,
    live,
    model,
    models,
    moment,
    snapshot,
)
from touchstream.schemas.emissions.actions import ActionRecommended, LeftOut
from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.emissions.returning import ReturnChanged
from touchstream.schemas.rules import DecidingRules, LearningRules, ReturnTarget, Rules
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.context import ServingContext
from touchstream.streams.customer import Step
from touchstream.streams.decide.bands import Crossing
from touchstream.streams.decide.policy import DO_NOTHING
from touchstream.streams.emit.identity import emission_id
from touchstream.streams.intake.decode import Arrival
from touchstream.streams.learn.ledger import RECOMMENDED, SUBSCRIBED, TREATED, Snapshot
from touchstream.streams.learn.scorer import Scorer
from touchstream.streams.learn.snapshot import CHURN, RETURN, OwnExamples
from touchstream.streams.projections.projection import Context, TimerFired
from touchstream.streams.projections.read import churn_of, return_of
from touchstream.streams.projections.registry import slots_of
from touchstream.streams.projections.returning import Returning, ReturnState
from touchstream.streams.state import State

VISITS_RETURN = model(intercept=-4.0, web_month=3.7)
"""P(return) is 0.02 without a visit of late, 0.19 after one and 0.51 after two."""
QUIET = Rules(deciding=DecidingRules(epsilon=0.0, holdout=0.0), bands=TYPED.bands)


def serving(rules: Rules = QUIET) -> ServingContext:
    found = models("d0", rules)
    assert found.scorers is not None
    return found._replace(scorers={**found.scorers, RETURN: Scorer(VISITS_RETURN)})


def lived(*happenings: Arrival | TimerFired, rules: Rules = QUIET) -> list[Step]:
    return live(happenings, serving(rules))


CANCELLED = [
    arrival("subscription.started", "d1"),
    *daily(1, 5),
    arrival("subscription.cancelled", "d5 12:00"),
]


def visit(at: str) -> Arrival:
    return arrival("web.visit", at)


def labels(steps: Sequence[Step]) -> list[tuple[int, int]]:
    """(Day of the snapshot, label) of the examples of the return."""
    return [
        ((one.snapshot.at_ms - days(0)) // (days(1) - days(0)), one.label)
        for step in steps
        for one in step.examples
        if one.target == RETURN
    ]


def rows(steps: Sequence[Step]) -> Sequence[Snapshot]:
    return return_of(last_state(steps)).ledger


def said(steps: Sequence[Step]) -> list[tuple[str, Millis]]:
    """Emissions after the end of the relation: (type, moment)."""
    found = [(one.type, one.time_ms) for one in emitted(steps)]
    assert found[0][0] == "customer.relation_changed"
    return found[1:]


def test_the_cancellation_itself_is_scored_for_the_return_and_no_more_for_churn() -> None:
    state = last_state(lived(*CANCELLED))
    assert return_of(state).probability == pytest.approx(0.018, abs=1e-3)
    assert churn_of(state).risk is None


def test_a_former_customer_is_scored_at_every_touchpoint() -> None:
    state = last_state(lived(*CANCELLED, visit("d7")))
    assert return_of(state).probability == pytest.approx(0.19, abs=0.01)


def test_a_customer_is_not_scored_for_a_return() -> None:
    steps = lived(visit("d1"), *daily(1, 25), visit("d25 12:00"))
    assert return_of(last_state(steps)) == ReturnState()


def test_the_snapshot_day_takes_a_row_for_the_return_and_none_for_churn() -> None:
    state = last_state(lived(*CANCELLED, *daily(6, 11)))
    [row] = return_of(state).ledger
    assert (row.at_ms, row.risk, row.model_version) == (
        moment("d11"),
        return_of(state).probability,
        3,
    )
    assert not row.outcome_flags & SUBSCRIBED
    assert [one.at_ms for one in churn_of(state).ledger] == [moment("d4")]


def test_rows_of_churn_go_on_waiting_for_their_labels() -> None:
    steps = lived(*CANCELLED, *daily(6, 33))
    assert [(e.target, e.label) for step in steps for e in step.examples] == [(CHURN, 1)]


@pytest.mark.parametrize(
    ("at", "label"), [("d11", 0), ("d11 0:01", 1), ("d39", 1), ("d39 0:01", 0)]
)
def test_a_sign_of_life_within_the_horizon_is_a_return(at: str, label: int) -> None:
    ticks = [fired(days(day)) for day in range(6, 41)]
    before = [one for one in ticks if one.time_ms < moment(at)]
    after = [one for one in ticks if one.time_ms >= moment(at)]
    steps = lived(*CANCELLED, *before, visit(at), *after)
    assert labels(steps)[:1] == [(11, label)]


def test_nothing_is_learnt_before_horizon_and_grace() -> None:
    assert labels(lived(*CANCELLED, *daily(6, 39))) == []
    assert labels(lived(*CANCELLED, *daily(6, 40))) == [(11, 0)]


def test_a_sign_of_life_that_arrives_in_the_grace_still_counts() -> None:
    steps = lived(*CANCELLED, *daily(6, 39), visit("d38 12:00"), fired("d40"))
    assert labels(steps) == [(11, 1)]


@pytest.mark.parametrize("kind", ["email.delivered", "payment.failed", "subscription.cancelled"])
def test_neither_our_own_mails_nor_another_cancellation_is_a_return(kind: str) -> None:
    steps = lived(*CANCELLED, *daily(6, 12), arrival(kind, "d12 12:00"), *daily(13, 40))
    assert labels(steps) == [(11, 0)]


def test_a_customer_who_is_back_needs_no_winning_back() -> None:
    order = arrival("order.placed", "d12 12:00")
    state = last_state(lived(*CANCELLED, *daily(6, 12), visit("d12 6:00"), order))
    assert return_of(state).band is None
    assert return_of(state) == ReturnState(return_of(state).ledger)
    assert [row.at_ms for row in return_of(state).ledger] == [moment("d11")]
    assert churn_of(state).risk is not None


def test_the_label_of_a_customer_who_is_back_is_learnt_and_then_nothing_is_left() -> None:
    order = arrival("order.placed", "d12 12:00")
    before = lived(*CANCELLED, *daily(6, 12), order, *daily(13, 39))
    assert RETURN in {one.name for one in _slots_held(last_state(before))}
    steps = lived(*CANCELLED, *daily(6, 12), order, *daily(13, 40))
    assert labels(steps) == [(11, 1)]
    assert RETURN not in {one.name for one in _slots_held(last_state(steps))}


def _slots_held(state: State) -> list[Returning]:
    return [Returning() for slot in state.slots if slot.number == Returning.slot]


def test_a_rise_is_emitted_with_its_reasons() -> None:
    steps = lived(*CANCELLED, arrival("web.visit", "d7", id="looks"))
    [change] = [one for one in emitted(steps) if isinstance(one.data, ReturnChanged)]
    data, cause = change.data, Cause(type="web.visit", source="shop", id="looks")
    assert isinstance(data, ReturnChanged)
    assert change == Emission(
        type="return.probability_changed",
        topic="customer-signals",
        id=emission_id("ada", cause, "return.probability_changed"),
        subject=CustomerId("ada"),
        time_ms=moment("d7"),
        data=ReturnChanged(
            horizon_days=28,
            probability_before=None,
            probability=0.192388,
            low=0.192388,
            high=0.192388,
            band_before="low",
            band="medium",
            n=1_000,
            model_version=3,
            rules=QUIET.digest(),
            reasons=data.reasons,
            cause=cause,
        ),
    )
    assert data.reasons[0].feature == "web_month"
    assert data.reasons[0].contribution > 0


def test_a_rise_is_a_decision_among_the_actions_that_win_back() -> None:
    steps = lived(*CANCELLED, visit("d7"))
    assert said(steps) == [
        ("return.probability_changed", moment("d7")),
        ("action.recommended", moment("d7")),
    ]
    action = emitted(steps)[-1].data
    assert isinstance(action, ActionRecommended)
    assert sorted(action.probabilities) == ["do_nothing", "send_win_back_offer"]
    assert action.left_out == tuple(
        LeftOut(action=name, reason="target")
        for name in ("call_by_owner", "resolve_open_ticket", "send_offer")
    )
    assert (action.target, action.band, action.action) == (
        "return",
        "medium",
        "send_win_back_offer",
    )


def test_the_offer_is_worth_what_it_brings_to_those_who_would_stay_away() -> None:
    """P(away) x P(accepts) x value - cost."""
    steps = lived(*CANCELLED, visit("d7"))
    action, probability = emitted(steps)[-1].data, return_of(last_state(steps)).probability
    assert isinstance(action, ActionRecommended)
    assert probability is not None
    assert action.risk == pytest.approx(1 - probability)
    assert action.values_minor["send_win_back_offer"] == pytest.approx(
        (1 - probability) * 0.05 * 12_000 - 200, abs=0.01
    )


def test_no_action_that_wins_back_is_for_a_customer_at_risk() -> None:
    at_risk = models("d0", QUIET, model(intercept=9.0, silence_days=0.1))
    [action] = [
        e.data
        for e in emitted(live([visit("d1")], at_risk))
        if isinstance(e.data, ActionRecommended)
    ]
    assert action.target == CHURN
    assert LeftOut(action="send_win_back_offer", reason="target") in action.left_out


def test_the_decision_falls_in_the_windows_of_the_rows_of_both_targets() -> None:
    state = last_state(lived(*CANCELLED, *daily(6, 11), visit("d12")))
    [returning], [churn] = return_of(state).ledger, churn_of(state).ledger
    assert returning.outcome_flags & RECOMMENDED
    assert churn.outcome_flags & RECOMMENDED
    assert returning.offer_probability == 1.0


def test_an_action_that_reached_the_customer_marks_the_row_as_treated() -> None:
    sent = arrival("action.outcome", "d12 12:00")
    [row] = rows(lived(*CANCELLED, *daily(6, 12), sent))
    assert row.outcome_flags & TREATED


def test_customers_of_the_holdout_are_not_won_back_and_their_decision_is_logged() -> None:
    rules = Rules(deciding=DecidingRules(epsilon=0.0, holdout=0.5))
    chosen = {}
    for customer in ("ada", "bob", "cy", "dan", "eve"):
        happenings = [
            arrival("subscription.started", "d1", customer),
            arrival("subscription.cancelled", "d5 12:00", customer),
            arrival("web.visit", "d7", customer),
        ]
        action = emitted(live(happenings, serving(rules)))[-1].data
        assert isinstance(action, ActionRecommended)
        chosen[customer] = action.action
    assert set(chosen.values()) == {DO_NOTHING, "send_win_back_offer"}


def test_a_fall_is_emitted_and_asks_for_no_action() -> None:
    steps = lived(*CANCELLED, visit("d7"), visit("d7 12:00"), *daily(8, 60))
    bands = [one.data.band for one in emitted(steps) if isinstance(one.data, ReturnChanged)]
    assert bands == ["medium", "high", "medium", "low"]
    assert [kind for kind, _ in said(steps)].count("action.recommended") == 2


def test_on_too_few_examples_no_band_is_entered() -> None:
    careful = Rules(learning=LearningRules(minimum_examples=1_001))
    steps = lived(*CANCELLED, visit("d7"), rules=careful)
    assert (return_of(last_state(steps)).band, said(steps)) == (None, [])


@pytest.mark.parametrize(
    ("own", "band"),
    [(OwnExamples(199, 60), None), (OwnExamples(200, 19), None), (OwnExamples(200, 20), "medium")],
)
def test_a_band_waits_for_labels_of_returns_and_borrowed_ones_are_none(
    own: OwnExamples, band: str | None
) -> None:
    few = LearningRules(minimum_examples=200, minimum_of_each=20)
    found = serving(msgspec.structs.replace(QUIET, learning=few))
    assert found.scorers is not None
    borrowing = Scorer(msgspec.structs.replace(VISITS_RETURN, own=own))
    steps = live(
        [*CANCELLED, visit("d7")], found._replace(scorers={**found.scorers, RETURN: borrowing})
    )
    assert return_of(last_state(steps)).band == band
    changes = [one.data for one in emitted(steps) if isinstance(one.data, ReturnChanged)]
    assert [one.n for one in changes] == [own.examples] * (band is not None)


def test_a_lapsed_customer_is_scored_from_the_tick_that_finds_it() -> None:
    """Ada lapses on d32: 31 days, and a customer with a gap of one day comes back within 28."""
    steps = lived(visit("d0"), visit("d1"), *daily(1, 39))
    assert {e.time_ms for e in emitted(steps)} == {moment("d32")}
    state = last_state(steps)
    assert [row.at_ms for row in churn_of(state).ledger] == [days(11), days(18), days(25)]
    assert [row.at_ms for row in return_of(state).ledger] == [days(32), days(39)]


def test_of_an_erased_customer_nothing_is_left() -> None:
    steps = lived(*CANCELLED, *daily(6, 12), visit("d12 12:00"), arrival("customer.erased", "d13"))
    assert return_of(last_state(steps)) == ReturnState()


def test_two_ids_of_one_person_keep_the_rows_of_both_and_the_newer_band() -> None:
    older = ReturnState((snapshot("d4"),), 0.1, "low", Crossing(moment("d9"), up=False), 0.1)
    newer = ReturnState((snapshot("d3"),), 0.3, "medium", Crossing(moment("d10"), up=True), 0.3)
    joint = msgspec.structs.replace(newer, ledger=(snapshot("d3"), snapshot("d4")))
    assert Returning().merge(older, newer, _context()) == joint
    assert Returning().merge(newer, older, _context()) == joint


def _context() -> Context:
    happened, found = event("web.visit", "d0"), serving()
    slots, profile = slots_of(State()), folded(happened)
    return Context(CustomerId("ada"), profile, None, found, found.rules, days(0), happened, slots)


def test_its_label_is_another_one_than_that_of_churn() -> None:
    churn = Rules().churn
    assert ReturnTarget(churn).label_definition != churn.label_definition
    assert ReturnTarget(churn).horizon_ms == churn.horizon_ms
