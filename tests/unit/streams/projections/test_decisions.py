"""Which decisions a customer has, and the outcomes that name another one."""

from collections.abc import Sequence

import msgspec
import pytest
from msgspec import Raw

from tests.make import arrival, days, event, folded, models, moment
from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.rules import ActionRules, Rules
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.customer import advance
from touchstream.streams.decide.arbitration import Decision
from touchstream.streams.decide.policy import DO_NOTHING, Choice, Situation
from touchstream.streams.emit.identity import decision_id
from touchstream.streams.projections.decisions import (
    MOST_DECISIONS,
    UNKNOWN_DECISION,
    Decisions,
    DecisionsState,
)
from touchstream.streams.projections.projection import Context
from touchstream.streams.projections.registry import BY_NAME, slots_of
from touchstream.streams.state import Slot, State, StateError, decode, encode

RULES = Rules(actions=(ActionRules(name="call", channel="phone"),))  # a horizon of 28 days
DECISIONS = Decisions()
REGISTERED = BY_NAME[DECISIONS.name]


def context(at: str, customer: str = "ada") -> Context:
    """The step of a visit, which is the cause of the decision."""
    visit = event("web.visit", at, customer)
    profile, slots = folded(visit), slots_of(State())
    subject, now_ms = CustomerId(customer), visit.time_ms
    return Context(subject, profile, None, models("d0", RULES), RULES, now_ms, visit, slots)


def decided(
    *moments: str,
    action: str = "call",
    customer: str = "ada",
    state: DecisionsState | None = None,
) -> DecisionsState:
    """The state after a decision at each of these moments."""
    for at in moments:
        ctx = context(at, customer)
        situation = Situation(customer, ctx.profile, 0.8, "high", {}, ctx.now_ms, "cause")
        choice = Choice(action, None, {action: 1.0}, {}, {})
        state = DECISIONS.on_decision(state, Decision(situation, choice, ctx.now_ms), ctx)
    assert state is not None
    return state


def named(at: str, customer: str = "ada") -> str:
    """The id of the decision that was made at a moment."""
    visit = event("web.visit", at, customer)
    return decision_id(customer, Cause(type=visit.type, source=visit.source, id=visit.id))


def counted(state: DecisionsState | None, decision: str, at: str) -> Sequence[str]:
    """The counters of an outcome of that decision; the state stays as it is."""
    outcome = event("action.outcome", at, decision=decision)
    update = DECISIONS.on_event(state, outcome, context(at))
    assert update is None or update.state == state
    return () if update is None else update.counters


def test_an_outcome_of_the_customers_decision_is_not_counted() -> None:
    assert counted(decided("d1"), named("d1"), "d2") == ()


@pytest.mark.parametrize("decision", ["d-1", "", "0" * 32, "ü" * 200, named("d1", "bob")])
def test_an_outcome_of_any_other_decision_is_counted(decision: str) -> None:
    assert counted(decided("d1"), decision or "?", "d2") == (UNKNOWN_DECISION,)


def test_a_customer_without_decisions_has_none() -> None:
    assert counted(None, named("d1"), "d2") == (UNKNOWN_DECISION,)


def test_a_decision_to_do_nothing_is_one() -> None:
    state = decided("d1", action=DO_NOTHING)
    assert (state.recommended_ms, counted(state, named("d1"), "d2")) == ({}, ())


def test_a_decision_is_known_for_a_horizon_after_which_the_next_one_displaces_it() -> None:
    kept, gone = decided("d1", "d29"), decided("d1", "d30")
    assert counted(kept, named("d1"), "d29") == ()
    assert counted(gone, named("d1"), "d30") == (UNKNOWN_DECISION,)
    assert counted(gone, named("d30"), "d30") == ()


def test_the_number_of_remembered_decisions_is_bounded() -> None:
    moments = [f"d{number // 4} {number % 4 + 1}" for number in range(3 * MOST_DECISIONS)]
    state = decided(*[f"{at}:00" for at in moments])
    assert len(state.made) == 6 * MOST_DECISIONS
    assert counted(state, named(f"{moments[-1]}:00"), "d12") == ()
    assert counted(state, named(f"{moments[0]}:00"), "d12") == (UNKNOWN_DECISION,)


def test_the_outcome_is_applied_all_the_same() -> None:
    step = advance(None, arrival("action.outcome", "d1"), models("d0", RULES), days(1))
    assert list(step.counters) == ["applied", UNKNOWN_DECISION]
    assert step.state is not None
    assert step.state.profile is not None


def test_two_halves_of_a_history_merge_to_the_whole() -> None:
    moments = [f"d{number}" for number in range(60)]
    mine, theirs = decided(*moments[::3]), decided(*sorted({*moments} - {*moments[::3]}, key=_day))
    whole = decided(*moments)
    assert DECISIONS.merge(mine, theirs, context("d60")) == whole
    assert DECISIONS.merge(theirs, mine, context("d60")) == whole


def _day(at: str) -> int:
    return int(at.removeprefix("d"))


VERSION_1 = [1, {"call": moment("d1"), "gift": moment("d3")}]


def slot(content: object) -> State:
    """A state as it comes out of Redis."""
    held = Slot(DECISIONS.slot, None, Raw(msgspec.msgpack.encode(content)))
    return decode(encode(State(slots=(held,))))


def stored(state: State) -> DecisionsState:
    found = slots_of(state).get(REGISTERED)
    assert isinstance(found, DecisionsState)
    return found


def test_version_1_is_read() -> None:
    assert stored(slot(VERSION_1)) == DecisionsState(
        {"call": moment("d1"), "gift": moment("d3")}, b"", moment("d3")
    )


@pytest.mark.parametrize("fields", [[1], [1, 2], [1, {"call": "today"}], [1, {}, b""]], ids=str)
def test_bytes_that_version_1_never_wrote_are_refused_by_name(fields: list[object]) -> None:
    with pytest.raises(StateError, match="slot decisions, version 1"):
        stored(slot(fields))


def test_of_decisions_from_before_the_upgrade_outcomes_are_not_judged_for_a_horizon() -> None:
    upgraded = stored(slot(VERSION_1))
    later = decided("d9", state=upgraded)
    for state in (upgraded, later):
        assert counted(state, "made by the old build", "d31") == ()
        assert counted(state, "made by the old build", "d31 00:01") == (UNKNOWN_DECISION,)
    assert counted(later, named("d9"), "d33") == ()


def test_the_upgrade_of_either_id_holds_for_their_merger() -> None:
    upgraded = stored(slot(VERSION_1))
    earlier = DecisionsState({"call": Millis(5)}, b"", Millis(5))
    for other in (decided("d9"), earlier):
        merged = DECISIONS.merge(other, upgraded, context("d9"))
        assert merged.without_ids_until_ms == moment("d3")
