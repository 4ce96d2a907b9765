"""Calls to the call centre of a bank, January and February 1999: 64,943, of them 27,210 with an id.

Brown et al., "Statistical analysis of a telephone call center", JASA 100 (2005). A call passes the
voice unit, then perhaps a queue, then perhaps an agent; whichever it left last is the moment it
ended. Local time is read as UTC.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from bench.datasets.folder import read_lines

Month = Literal["january", "february"]

MONTHS: tuple[Month, ...] = ("january", "february")
UNKNOWN_CUSTOMER = "0"
NOT_REACHED = "0:00:00"
HALF_A_DAY = timedelta(hours=12)


class Call(NamedTuple):
    """One row of the file, its columns as they stand there."""

    line: str
    call_id: str
    customer_id: str
    priority: str
    type: str
    date: str
    vru_entry: str
    vru_exit: str
    vru_time: str
    q_start: str
    q_exit: str
    q_time: str
    outcome: str
    ser_start: str
    ser_exit: str
    ser_time: str
    server: str


def call_events(months: Iterable[Month]) -> tuple[list[dict[str, Any]], Counter[str]]:
    """One ``call.ended`` a call of a known customer, by the moment it ended; and what was counted.

    Counted: ``rows``, ``events``; left out: ``unknown_customer`` (id 0) and ``rounded_customer`` (a
    spreadsheet turned the id into ``3.27E+11``, so several customers share it); kept:
    ``past_midnight``, ``clock_set_back`` (left the voice unit before entering it),
    ``agent_without_service`` and ``service_without_agent`` (the outcome and the service times
    contradict each other).
    """
    seen: Counter[str] = Counter()
    timed = [
        (ended, event)
        for month in months
        for row in _rows(month)
        for ended, event in _event_of(month, *row, seen)
    ]
    timed.sort(key=lambda pair: pair[0])
    return [event for _, event in timed], seen


def _rows(month: Month) -> Iterable[tuple[int, Call]]:
    lines = read_lines("bank_calls", f"{month}.txt.gz")
    next(lines)
    return enumerate((Call(*line.split("\t")) for line in lines), start=1)


def _event_of(
    month: Month, number: int, call: Call, seen: Counter[str]
) -> list[tuple[datetime, dict[str, Any]]]:
    seen["rows"] += 1
    if call.customer_id == UNKNOWN_CUSTOMER:
        seen["unknown_customer"] += 1
        return []
    if not call.customer_id.isdigit():
        seen["rounded_customer"] += 1
        return []
    seen["events"] += 1
    seen.update(_oddities(call))
    ended = _ended(call)
    return [(ended, _call_ended(f"{month}-{number}", call, ended))]


def _oddities(call: Call) -> list[str]:
    by_agent = call.outcome == "AGENT"
    served = call.ser_exit != NOT_REACHED
    checks = {
        "past_midnight": _ended(call).date() > _day(call).date(),
        "clock_set_back": int(call.vru_time) < 0,
        "agent_without_service": by_agent and not served,
        "service_without_agent": served and not by_agent,
    }
    return [name for name, odd in checks.items() if odd]


def _ended(call: Call) -> datetime:
    """The exit from the last station reached; a clock far behind the entry has passed midnight."""
    last = next(
        exit_time
        for exit_time in (call.ser_exit, call.q_exit, call.vru_exit)
        if exit_time != NOT_REACHED or exit_time == call.vru_exit
    )
    entered, ended = _day(call) + _clock(call.vru_entry), _day(call) + _clock(last)
    return ended + timedelta(days=1) if entered - ended > HALF_A_DAY else ended


def _day(call: Call) -> datetime:
    year, month, day = int(call.date[:2]), int(call.date[2:4]), int(call.date[4:])
    return datetime(1900 + year, month, day, tzinfo=UTC)


def _clock(text: str) -> timedelta:
    hours, minutes, seconds = map(int, text.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _call_ended(identifier: str, call: Call, ended: datetime) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": identifier,
        "source": "bank-calls",
        "type": "call.ended",
        "subject": call.customer_id,
        "time": f"{ended:%Y-%m-%dT%H:%M:%SZ}",
        "data": {
            "call": f"{call.line}-{call.call_id}",
            "direction": "inbound",
            "duration_s": int(call.ser_time),
            "queue_s": int(call.q_time),
            "topic": call.type,
            "outcome": call.outcome.lower(),
        },
    }
