"""The letters that a redrive sends, keeps and passes."""

from pathlib import Path

import orjson
import pytest
from kafka import TopicPartition

from tests.agents.cli.command import order, touchstream
from tests.agents.cli.test_format_record import Found
from touchstream.agents.cli.dead_letters import Plan, choose
from touchstream.schemas.dead_letter import DeadLetter, RejectReason, encode_letter
from touchstream.schemas.event_types import NO_OWN_TYPES

AT = "2026-01-01T00:00:00Z"
PLACE = TopicPartition("t", 3)


def letter(offset: int, reason: RejectReason, value: bytes) -> Found:
    written = encode_letter(
        DeadLetter(
            original=value,
            key=b"ada",
            topic="touchpoints",
            partition=3,
            offset=7,
            step="intake",
            reason=reason,
            detail="d",
        )
    )
    return Found(written.value, written.key, tuple(written.headers), offset=offset)


MISPLACED = letter(0, "key_not_subject", order("ada", 1, AT))
CONFLICT = letter(1, "conflicting_id", order("ada", 2, AT))
FOREIGN = Found(b"[1]", offset=2)
NONSENSE = letter(3, "not_json", b"nonsense")
ALL = [MISPLACED, CONFLICT, FOREIGN, NONSENSE]


def test_conflicts_and_records_that_are_no_letters_stay_and_are_passed() -> None:
    chosen = choose(ALL, Plan(9, None, from_beginning=False), {PLACE: 0}, NO_OWN_TYPES)
    assert [each.value for each in chosen.again] == [order("ada", 1, AT)]
    assert chosen.stays == {"conflicting_id": 1, "unreadable": 1, "not_json": 1}
    assert chosen.upto == {PLACE: 4}


def test_as_new_events_conflicts_are_sent_and_nothing_else() -> None:
    plan = Plan(9, None, from_beginning=False, as_new_event=True)
    chosen = choose(ALL, plan, {PLACE: 0}, NO_OWN_TYPES)
    [again] = chosen.again
    assert orjson.loads(again.value)["id"].startswith("ada-2~")
    assert chosen.stays == {}


@pytest.mark.parametrize("reason", [None, "conflicting_id"])
def test_the_progress_of_new_events_is_their_own(reason: str | None) -> None:
    # A conflict that an ordinary call passed can still be sent.
    plan = Plan(9, reason, from_beginning=False)
    assert plan.progress != plan._replace(as_new_event=True).progress


def test_the_help_says_what_a_new_event_means(tmp_path: Path) -> None:
    output = touchstream("dead-letters", "redrive", "--help", cwd=tmp_path)
    shown = " ".join(output.out.split())
    assert "counted as another event" in shown
    assert "counted twice" in shown
