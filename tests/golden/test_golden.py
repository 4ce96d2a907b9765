"""The outputs for a log full of trouble are, to the byte, those that were recorded.

``python -m tests.golden.record`` records them anew, in the commit that means to change them, and
says what has changed. Bytes of states of earlier formats are never recorded anew: those of version
3 were written by the build of commit 97de66c, those of version 4 by that of 020f10f, those of
version 5 by that of 3f5c3eb.
"""

import base64
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

import orjson
import pytest

from tests.golden import core
from tests.golden.record import kinds, recorded
from tests.golden.version3 import as_version_3
from tests.golden.version4 import as_version_4
from tests.golden.worlds import rules
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.context import ServingContext
from touchstream.streams.customer import advance
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.intake.memory import from_16_bytes
from touchstream.streams.learn.knowledge import Knowledge
from touchstream.streams.learn.learner import version_of
from touchstream.streams.learn.scorer import compile_version
from touchstream.streams.local import LocalStream
from touchstream.streams.projections.projection import TimerFired
from touchstream.streams.projections.read import churn_of, relation_of, return_of
from touchstream.streams.projections.relation import Relation, RelationState
from touchstream.streams.state import FORMAT, State, decode, encode

VERSION3 = [orjson.loads(line) for line in core.VERSION3.read_bytes().splitlines()]
VERSION4 = [orjson.loads(line) for line in core.VERSION4.read_bytes().splitlines()]
VERSION5 = [orjson.loads(line) for line in core.VERSION5.read_bytes().splitlines()]
SHOWN = 3

each_of_version_3 = pytest.mark.parametrize("line", VERSION3, ids=map(str, range(len(VERSION3))))
each_of_version_4 = pytest.mark.parametrize("line", VERSION4, ids=map(str, range(len(VERSION4))))
each_of_version_5 = pytest.mark.parametrize("line", VERSION5, ids=map(str, range(len(VERSION5))))
each_of_both = pytest.mark.parametrize(
    "line", [*VERSION3, *VERSION4], ids=map(str, range(len(VERSION3) + len(VERSION4)))
)


@pytest.fixture(scope="module")
def stream() -> LocalStream:
    return core.run()


def test_the_golden_log_is_emitted_as_it_was_recorded(stream: LocalStream) -> None:
    assert _unlike(core.read(core.OUTPUTS), list(core.outputs(stream))) == [], _hint()


def test_the_golden_log_leaves_the_states_that_were_recorded(stream: LocalStream) -> None:
    assert _unlike(core.read(core.STATES), list(core.states(stream))) == [], _hint()


def test_the_golden_log_has_outputs_of_every_kind() -> None:
    found = kinds(core.read(core.OUTPUTS))
    assert found == recorded().outputs
    assert found.keys() >= {
        "action.recommended",
        "churn.risk_changed",
        "customer.relation_changed",
        "customer.signal",
        "example of churn",
        "example of return",
        "return.probability_changed",
    }


@each_of_version_3
def test_bytes_of_version_3_mean_what_they_meant(line: dict[str, Any]) -> None:
    assert as_version_3(decode(base64.b64decode(line["bytes"]))) == _meant(line)


@each_of_version_3
def test_a_state_of_version_3_stays_itself_in_the_bytes_of_today(line: dict[str, Any]) -> None:
    state: State = decode(base64.b64decode(line["bytes"]))
    assert as_version_3(decode(encode(state))) == _meant(line)


@each_of_version_4
def test_bytes_of_version_4_mean_what_they_meant(line: dict[str, Any]) -> None:
    assert base64.b64decode(line["bytes"])[0] == 4
    assert as_version_4(decode(base64.b64decode(line["bytes"]))) == _meant(line)


@each_of_version_4
def test_a_state_of_version_4_stays_itself_in_the_bytes_of_today(line: dict[str, Any]) -> None:
    today = encode(decode(base64.b64decode(line["bytes"])))
    assert today[0] == FORMAT
    assert as_version_4(decode(today)) == _meant(line)


@each_of_version_5
def test_bytes_of_version_5_mean_what_they_meant(line: dict[str, Any]) -> None:
    data = base64.b64decode(line["bytes"])
    assert data[0] == 5
    assert core.named(decode(data)) == _meant(line)


@each_of_version_5
def test_a_state_of_version_5_stays_itself_in_the_bytes_of_today(line: dict[str, Any]) -> None:
    today = encode(decode(base64.b64decode(line["bytes"])))
    assert today[0] == FORMAT
    assert core.named(decode(today)) == _meant(line)


@each_of_both
def test_a_known_customer_begins_as_an_open_relation_with_the_snapshot_day_they_had(
    line: dict[str, Any],
) -> None:
    state, whole = decode(base64.b64decode(line["bytes"])), line["state"]
    if state.profile is None:
        return
    due_ms = Millis(whole.get("slots", {}).get("churn", whole)["snapshot_due_ms"])
    assert relation_of(state) == RelationState(due_ms)
    assert {slot.number: slot.next_timer_ms for slot in state.slots}[Relation.slot] == due_ms


@each_of_both
def test_an_upgraded_customer_is_scored_on_the_snapshot_day_they_had(line: dict[str, Any]) -> None:
    """For churn or for the return; the rows that were waiting go on waiting."""
    before = decode(base64.b64decode(line["bytes"]))
    relation = relation_of(before)
    if relation is None or before.profile is None:
        return
    due_ms = relation.snapshot_due_ms
    step = advance(before, TimerFired(_named(line), 1, due_ms), _untrained(due_ms), due_ms)
    assert step.state is not None
    churn, returning = churn_of(step.state).ledger, return_of(step.state).ledger
    waiting = len(churn_of(before).ledger) - len([e for e in step.examples if e.target == "churn"])
    assert [row.at_ms for row in (*churn, *returning)][waiting:] == [due_ms]
    after = relation_of(step.state)
    assert after is not None
    assert after.snapshot_due_ms == due_ms + rules().churn.snapshot_every_days * DAY_MS


def _meant(line: dict[str, Any]) -> dict[str, Any]:
    """The state of then, with its ids as they are remembered since version 6."""
    state: dict[str, Any] = line["state"]
    if "memory" not in state:
        return state
    packed = from_16_bytes(base64.b64decode(state["memory"]))
    return {**state, "memory": base64.b64encode(packed).decode()}


def _named(line: dict[str, Any]) -> Any:  # noqa: ANN401 - a CustomerId
    return line["customer"]


def _untrained(at_ms: Millis) -> ServingContext:
    """What serves at the first tick after the upgrade: the model has started anew."""
    ours = rules()
    version = version_of(Knowledge.new(FEATURES, ours))
    scorers = compile_version(version, ours, FEATURES.digest)
    return ServingContext(ours, ours.digest(), FEATURES, 1, scorers, at_ms)


def _unlike(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[int, Any, Any]]:
    """The first few lines that differ, with their numbers."""
    return list(_differences(before, after))[:SHOWN]


def _differences(before: Sequence[Any], after: Sequence[Any]) -> Iterator[tuple[int, Any, Any]]:
    for number, (old, new) in enumerate(zip_longest(before, after), 1):
        if old != new:
            yield number, old, new


def _hint() -> str:
    return (
        f"recorded from {recorded().commit}; if this change is meant: "
        "python -m tests.golden.record, and its summary into the commit message"
    )
