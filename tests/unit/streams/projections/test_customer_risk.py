"""Who is at risk now: the indexes and the compacted topic, step by step."""

import msgspec
import pytest

from tests.make import (
    SILENCE_KILLS,
    arrival,
    daily,
    days,
    fired,
    last_state,
    live,
    model,
    models,
    moment,
    state_of,
)
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.customer_risk import CustomerRisk, LastAction
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.emissions.risk import RiskChanged
from touchstream.schemas.rules import (
    ActionRules,
    AlertRules,
    BandRules,
    ChurnRules,
    DecidingRules,
    LearningRules,
    Rules,
)
from touchstream.schemas.units import CustomerId
from touchstream.streams.customer import Step, advance
from touchstream.streams.emit import customer_risk as emit
from touchstream.streams.intake.decode import Arrival
from touchstream.streams.projections.customer_risk import CustomerRiskState
from touchstream.streams.projections.projection import TimerFired
from touchstream.streams.projections.read import churn_of
from touchstream.streams.projections.registry import BY_NAME, slots_of
from touchstream.streams.state import State

CALL = ActionRules(
    name="call", channel="phone", accept_probability=0.5, value_minor=1_000, cost_minor=1
)
RULES = Rules(
    churn=ChurnRules(horizon_days=91),  # nobody lapses within these stories
    bands=BandRules(medium_enter=0.3, medium_leave=0.2, high_enter=0.75, high_leave=0.7),
    learning=LearningRules(minimum_examples=100),
    deciding=DecidingRules(epsilon=0.0, holdout=0.0),
    actions=(CALL,),
    alerts=AlertRules(kinds=()),  # they have tests of their own
)
VISIT: Arrival | TimerFired = arrival("web.visit", "d1")
CUSTOMER_RISK = BY_NAME["customer_risk"]


def lived(last_day: int, *, rules: Rules = RULES) -> list[Step]:
    """One visit, then silence: medium on the snapshot day d18, high on d32."""
    return live([VISIT, *daily(2, last_day)], models("d1", rules, SILENCE_KILLS))


def came_back(until: int) -> list[Step]:
    """High from d32 on; a visit on d40."""
    back: list[Arrival | TimerFired] = [arrival("web.visit", "d40 12:00")]
    history = [VISIT, *daily(2, 40), *back, *daily(41, until)]
    return live(history, models("d1", RULES, SILENCE_KILLS))


def records(steps: list[Step]) -> list[Emission]:
    return [e for step in steps for e in step.emissions if e.type == "customer.risk"]


def record(emission: Emission) -> CustomerRisk:
    assert isinstance(emission.data, CustomerRisk)
    return emission.data


def published(state: State) -> CustomerRiskState | None:
    found: CustomerRiskState | None = slots_of(state).get(CUSTOMER_RISK)
    return found


def bands(steps: list[Step]) -> list[tuple[str, str]]:
    at = {days(day): f"d{day}" for day in range(100)}
    return [(at[e.time_ms], record(e).band) for e in records(steps)]


def test_a_customer_at_low_risk_is_told_of_nowhere() -> None:
    steps = lived(10)
    assert churn_of(last_state(steps)).band == "low"
    assert records(steps) == []
    assert all(step.indexes == {} for step in steps)


def test_a_crossing_is_followed_by_a_record_that_names_the_action() -> None:
    [step] = [step for step in lived(24) if step.emissions]
    crossing, decision, newest = (emission.data for emission in step.emissions)
    assert isinstance(crossing, RiskChanged)
    assert isinstance(decision, ActionRecommended)
    assert newest == CustomerRisk(
        horizon_days=91,
        risk=crossing.risk,
        low=crossing.low,
        high=crossing.high,
        band="medium",
        band_since=emit.moment(step.emissions[0].time_ms),
        reasons=crossing.reasons,
        action=LastAction(
            action="call",
            decision=decision.decision,
            recommended=emit.moment(step.emissions[1].time_ms),
        ),
        model_version=3,
        rules=RULES.digest(),
        cause=crossing.cause,
    )


def test_on_every_snapshot_day_it_is_told_of_a_risk_that_moved() -> None:
    steps = lived(59)
    told_of = zip(bands(steps), records(steps), strict=True)
    assert [(day, band, round(record(one).risk, 2)) for (day, band), one in told_of] == [
        ("d18", "medium", 0.39),
        ("d25", "medium", 0.71),
        ("d32", "high", 0.87),
        ("d39", "high", 0.93),
        ("d46", "high", 0.96),
        ("d53", "high", 0.98),
    ]


def test_what_is_told_again_keeps_the_action_and_the_moment_of_the_band() -> None:
    high = [record(emission) for emission in records(lived(45)) if record(emission).band == "high"]
    assert len(high) > 1
    assert {one.band_since for one in high} == {high[0].band_since}
    assert {one.action for one in high} == {high[0].action}


def test_a_move_of_less_than_a_hundredth_is_not_told() -> None:
    steady = models("d1", RULES, model(intercept=0.0))
    steps = live([arrival("web.visit", "d1"), *daily(2, 40)], steady)
    assert len(churn_of(last_state(steps)).ledger) > 3
    assert [record(emission).band for emission in records(steps)] == ["medium"]


def test_between_snapshot_days_no_event_is_told_of() -> None:
    rising = models("d1", RULES, model(intercept=0.0, web_month=0.3))
    steps = live(
        [arrival("web.visit", f"d1 1{hour}:00", id=str(hour)) for hour in range(5)], rising
    )
    assert len(records(steps)) == 1
    assert len({step.indexes["risk.medium"] for step in steps}) == 5


def test_the_score_in_the_index_is_the_risk_last_scored() -> None:
    at_risk = [step for step in lived(45) if step.indexes]
    for step in at_risk:
        assert step.state is not None
        churn = churn_of(step.state)
        assert step.indexes[f"risk.{churn.band}"] == churn.risk
    assert at_risk


def test_a_crossing_moves_the_customer_from_one_index_to_the_other() -> None:
    [step] = [
        s
        for s in lived(45)
        if any(isinstance(e.data, RiskChanged) and e.data.band == "high" for e in s.emissions)
    ]
    assert step.indexes.keys() == {"risk.medium", "risk.high"}
    assert step.indexes["risk.medium"] is None


def test_a_fall_to_low_is_told_and_leaves_the_index() -> None:
    steps = came_back(until=40)
    back = steps[-1]
    assert record(records([back])[0]).band == "low"
    assert back.indexes == {"risk.high": None}
    assert published(last_state(steps)) is not None


def test_after_the_fall_nothing_is_told_until_the_next_rise() -> None:
    steps = came_back(until=52)
    assert record(records(steps)[-1]).band == "low"
    assert records(steps)[-1].time_ms == moment("d40 12:00")


def test_an_erasure_is_a_tombstone_and_leaves_every_index() -> None:
    step = live([arrival("customer.erased", "d31")], models("d31", RULES), last_state(lived(30)))[0]
    [gone] = step.emissions
    assert (gone.type, gone.topic, gone.data) == ("customer.risk", "customer-risk", None)
    assert step.indexes == {"risk.medium": None, "risk.high": None}


def test_the_erasure_of_a_stranger_is_a_tombstone_too() -> None:
    [step] = live([arrival("customer.erased", "d1")], models("d1", RULES))
    assert [emission.data for emission in step.emissions] == [None]


def test_a_customer_of_whom_no_band_is_known_any_more_is_withdrawn() -> None:
    state = last_state(lived(30))
    before = state_of(profile=state.profile, band=None, risk=None)
    slot = [one for one in state.slots if one.number == CUSTOMER_RISK.slot]
    before = msgspec.structs.replace(before, slots=(*before.slots, *slot))
    # Too few examples: churn scores them and enters no band.
    unsure = models("d31", RULES, model(intercept=0.0, examples=9))
    step = advance(before, arrival("web.visit", "d31"), unsure, moment("d31"))
    assert [(emission.type, emission.data) for emission in step.emissions] == [
        ("customer.risk", None)
    ]
    assert step.indexes == {"risk.medium": None, "risk.high": None}
    assert step.state is not None
    assert published(step.state) is None


def test_who_was_at_risk_before_an_upgrade_is_told_of_at_their_next_score() -> None:
    state = last_state(lived(38))
    earlier = tuple(one for one in state.slots if one.number != CUSTOMER_RISK.slot)
    upgraded = msgspec.structs.replace(state, slots=earlier)
    [step] = live([fired("d39")], models("d38", RULES, SILENCE_KILLS), upgraded)
    assert record(records([step])[0]).band == "high"
    assert step.indexes.keys() == {"risk.high"}


def test_the_state_keeps_what_was_told() -> None:
    steps = lived(24)
    newest = record(records(steps)[-1])
    state = published(last_state(steps))
    assert state is not None
    assert (state.band, state.millionths / 1_000_000) == (newest.band, newest.risk)
    assert state.reasons == tuple(reason.text for reason in newest.reasons)
    assert state.reasons


@pytest.mark.parametrize("data", [None, "a record"])
def test_a_cause_gives_one_id(data: str | None) -> None:
    cause = Cause(type="web.visit", source="shop", id="e1")
    who = CustomerId("ada")
    made = emit.withdrawn(who, cause, moment("d1"))
    if data is not None:
        made = emit.customer_risk(who, record(records(lived(24))[0]), cause, moment("d1"))
    assert made.id == emit.withdrawn(who, cause, moment("d2")).id
