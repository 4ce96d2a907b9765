"""Silence explained: each gate holds back what the engine holds back, and says what opens it."""

import msgspec
import pytest

from tests.make import arrival, daily, doubtful, last_state, live, model, models, moment
from touchstream.schemas.rules import (
    BandRules,
    ChurnRules,
    DecidingRules,
    LearningRules,
    Rules,
)
from touchstream.streams.context import ServingContext
from touchstream.streams.decide.policy import held_out
from touchstream.streams.gates import Silence, silences
from touchstream.streams.learn.snapshot import CHURN, ModelData
from touchstream.streams.projections.churn import Churn
from touchstream.streams.projections.read import churn_of
from touchstream.streams.projections.registry import BY_NAME, slots_of
from touchstream.streams.state import State

RULES = Rules(
    bands=BandRules(high_enter=0.72),
    learning=LearningRules(minimum_examples=200, minimum_of_each=20),
    deciding=DecidingRules(holdout=0.0),
)
CERTAIN = model(intercept=9.0, silence_days=0.1)
"""Everybody leaves."""
NOBODY = model(intercept=-9.0, silence_days=0.1)
VISITED = (arrival("web.visit", "d1"), *daily(2, 3))


def serving(at: str = "d4", rules: Rules = RULES, knows: ModelData = CERTAIN) -> ServingContext:
    return models(at, rules, knows)


def unscored() -> State:
    """A customer whom no model has seen yet."""
    return last_state(live(VISITED, models(None)))


def one(state: State, context: ServingContext, subject: str = "ada") -> Silence:
    [found] = silences(subject, state, context)
    return found


def test_where_nothing_is_held_back_nothing_is_said() -> None:
    assert silences("ada", unscored(), serving()) == []
    assert silences("ada", unscored(), serving(knows=NOBODY)) == []


@pytest.mark.parametrize(
    ("kind", "status", "opens"),
    [("subscription.cancelled", "ended", "a new contract or an order")],
)
def test_relation(kind: str, status: str, opens: str) -> None:
    steps = live([arrival("subscription.started", "d0"), arrival(kind, "d1")], models(None))
    found = one(last_state(steps), serving())
    assert (found.gate, found.opens) == ("relation", opens)
    assert f"{status} since 1997-01-02" in found.text


def test_a_lapse_ends_with_any_sign_of_life() -> None:
    steps = live([arrival("web.visit", "d1"), *daily(2, 400)], models("d1", RULES, NOBODY))
    found = one(last_state(steps), serving("d400"))
    assert (found.gate, found.opens) == ("relation", "any sign of life")


@pytest.mark.parametrize(("examples", "churned"), [(199, 50), (500, 19), (500, 490)])
def test_evidence(examples: int, churned: int) -> None:
    young = msgspec.structs.replace(CERTAIN, examples=examples, churned=churned)
    found = one(unscored(), serving(knows=young))
    assert found.gate == "evidence"
    assert f"{examples} of 200" in found.text


def test_capacity() -> None:
    rules = msgspec.structs.replace(RULES, bands=BandRules())
    assert one(unscored(), serving(rules=rules)).gate == "capacity"


def test_interval() -> None:
    rules = msgspec.structs.replace(RULES, learning=LearningRules(widest=0.3))
    unsure = doubtful(model(intercept=2.0, silence_days=0.1), 1.5)
    found = one(unscored(), serving(rules=rules, knows=unsure))
    assert found.gate == "interval"
    assert "learning.widest allows 0.30" in found.text
    assert churn_of(last_state(live(VISITED, serving("d1", rules, unsure)))).band is None


def test_term() -> None:
    """The term ended yesterday, and the grace lasts three days."""
    rules = msgspec.structs.replace(RULES, churn=ChurnRules(label_grace_days=3))
    started = arrival("subscription.started", "d0", term_days=3)
    state = last_state(live([started, *daily(1, 2)], models(None)))
    found = one(state, serving("d4", rules))
    assert found.gate == "term"
    assert "1997-01-04" in found.text
    assert "3 d later" in found.opens


def test_cooldown() -> None:
    rules = msgspec.structs.replace(RULES, bands=BandRules(high_enter=0.72, cooldown_days=5))
    high = last_state(live(VISITED, serving("d1", rules)))
    fell = live([arrival("web.visit", "d9")], serving("d8", rules, NOBODY), high)
    state = last_state(fell)
    assert churn_of(state).band == "low"
    found = one(state, serving("d10", rules))
    assert found.gate == "cooldown"
    assert found.opens.endswith("from 1997-01-15 on")  # five days after the fall on d9


def test_own_band() -> None:
    state = last_state(live(VISITED, serving("d1")))
    assert churn_of(state).band == "high"
    found = one(state, serving())
    assert found.gate == "own_band"
    assert found.opens.startswith("a risk below 0.62")


def test_holdout() -> None:
    rules = msgspec.structs.replace(RULES, deciding=DecidingRules(holdout=0.5))
    subject = next(name for name in map(str, range(100)) if held_out(name, rules))
    state = last_state(live([arrival("web.visit", "d1", subject)], serving("d1", rules)))
    assert [found.gate for found in silences(subject, state, serving(rules=rules))] == [
        "own_band",
        "holdout",
    ]


def test_an_unscored_state_is_left_as_it_is() -> None:
    state = unscored()
    silences("ada", state, serving())
    assert slots_of(state).get(BY_NAME[Churn.name]) is None
    assert state.next_timer_ms is not None
    assert moment("d4") <= state.next_timer_ms
    assert serving().scorers is not None
    assert CHURN in (serving().scorers or {})
