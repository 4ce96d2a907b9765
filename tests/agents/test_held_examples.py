"""What the learner and a rebuild make of records on the topic of examples that are none."""

import pytest

from tests.agents.cli.test_format_record import STRANGE
from touchstream.agents.fatal import Refusal
from touchstream.agents.held_examples import HeldExamples
from touchstream.schemas.examples import TickCompleted, encode_example


def passed(sequence: int, shard: str = "p0") -> bytes:
    return encode_example(TickCompleted(shard=shard, sequence=sequence, tick=sequence))


def test_a_record_that_is_no_example_is_passed_over() -> None:
    held = HeldExamples({}, ["p0"])
    for offset, value in enumerate([passed(1), *STRANGE, passed(2)]):
        held.add(offset, value, now_s=0.0)
    assert held.is_complete(2)
    assert held.pop(2, {}).sequences == {"p0": 2}


def test_a_damaged_example_of_a_shard_is_a_gap() -> None:
    held = HeldExamples({}, ["p0"])
    for offset, value in enumerate([passed(1), passed(2)[:-1], passed(3)]):
        held.add(offset, value, now_s=0.0)
    assert not held.is_complete(2)
    assert held.gap_since_s == 0.0


def test_an_example_of_a_shard_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Refusal, match="offset 7 of the examples is of no shard here: p9"):
        HeldExamples({}, ["p0"]).add(7, passed(1, "p9"), now_s=0.0)
