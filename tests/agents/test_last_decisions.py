"""A customer's last decisions from their records."""

from collections.abc import Sequence

import orjson

from tests.agents.decided import decided
from touchstream.agents.views.decisions import Arm, last_decisions
from touchstream.agents.views.event_log import Found, LogReading
from touchstream.agents.views.log_records import Outcome
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.units import Millis
from touchstream.streams.records import Record

NINE, TEN = "2026-11-28T09:00:00Z", "2026-11-28T10:00:00Z"


def event(kind: str, at: str, **data: object) -> bytes:
    named = {"specversion": "1.0", "id": f"{kind}{at}", "source": "/crm", "subject": "cy"}
    return orjson.dumps({**named, "type": kind, "time": at, "data": data})


def outcome(decision: str, step: str, at: str) -> bytes:
    return event("action.outcome", at, decision=decision, action="call_by_owner", outcome=step)


def reading(touchpoints: Sequence[bytes], actions: Sequence[bytes]) -> LogReading:
    def found(values: Sequence[bytes]) -> Found:
        return Found([Record(0, Millis(0), b"cy", value) for value in values])

    return LogReading(found(touchpoints), found(actions))


def test_arms_stand_in_the_order_of_their_probability_with_values() -> None:
    [one] = last_decisions(reading([], [decided("d1", "cy"), decided("d1", "cy"), b"{}"]), None)
    assert one.arms == [Arm("call_by_owner", 0.9, 1_250.0), Arm("do_nothing", 0.1, 0.0)]
    assert [(left.action, left.reason) for left in one.data.left_out] == [("send_offer", "resting")]
    assert (one.at_ms, one.outcomes, one.acts) == (parse_time(NINE), (), True)


def test_outcomes_are_those_of_the_decision_each_once() -> None:
    later = "2026-11-28T11:00:00Z"
    log = [
        outcome("d1", "accepted", later),
        *[outcome("d1", "sent", TEN)] * 2,
        outcome("d0", "failed", TEN),
        b"broken",
    ]
    [one] = last_decisions(reading(log, [decided("d1", "cy")]), None)
    assert one.outcomes == [
        Outcome(parse_time(TEN), "sent"),
        Outcome(parse_time(later), "accepted"),
    ]


def test_the_newest_come_first_and_no_more_than_asked_for() -> None:
    made = [decided(f"d{hour}", "cy", f"2026-11-28T{hour:02}:00:00Z") for hour in range(9)]
    found = last_decisions(reading([], made), None, most=2)
    assert [one.data.decision for one in found] == ["d8", "d7"]


def test_nothing_from_before_an_erasure_is_left() -> None:
    made = [decided("d1", "cy", NINE), decided("d2", "cy", "2026-11-28T12:00:00Z")]
    for log, erased_ms in (([event("customer.erased", TEN)], None), ([], parse_time(TEN))):
        found = last_decisions(reading(log, made), erased_ms)
        assert [one.data.decision for one in found] == ["d2"]
