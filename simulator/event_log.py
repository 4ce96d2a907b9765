"""The events of a day, the calendar of later ones, and the customers whose story has ended."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from touchstream.schemas.units import DAY_MS, HOUR_MS, MINUTE_MS

Event = dict[str, Any]
"""A CloudEvent in structured mode, as JSON knows it."""

CURRENCY = "EUR"

ERASED = "customer.erased"

BY_US = frozenset(
    {
        "order.returned",
        "ticket.resolved",
        "email.delivered",
        "survey.sent",
        "action.outcome",
        "alert.feedback",
        ERASED,
    }
)
"""Types that may still concern a customer who has left, because others cause them."""

SECOND_MS = 1000
SECONDS_PER_DAY = 86_400

_SOURCES = {
    "web": "web",
    "content": "player",
    "store": "stores",
    "cart": "shop",
    "order": "shop",
    "payment": "billing",
    "subscription": "billing",
    "ticket": "helpdesk",
    "survey": "helpdesk",
    "call": "telephony",
    "email": "mailer",
    "review": "social",
    "social": "social",
    "action": "outreach",
    "alert": "console",
}
_OTHER_SOURCE = "crm"


class EventLog:
    """The events of the open day; moments are offsets from its midnight and may lie days later."""

    def __init__(self, start_ms: int) -> None:
        self._start_ms = start_ms
        self._day = 0
        self._date = ""
        self._count = 0
        self._entries: list[tuple[int, Event]] = []
        self._calendar: dict[int, list[tuple[int, str, str, Event]]] = defaultdict(list)
        self._afterwords: dict[int, list[tuple[int, str, str, Event]]] = defaultdict(list)
        self._ends: dict[str, int] = {}
        self._leavers: list[str] = []
        self._unmentioned: set[str] = set()

    def open(self, day: int) -> None:
        """Begin an empty page for ``day``."""
        self._day, self._entries = day, []
        self._date = _date(self._start_ms + day * DAY_MS)

    def keep_calendar(self) -> None:
        """Write down the calendar of today; the stories that end today must be known."""
        for offset_ms, kind, subject, data in self._calendar.pop(self._day, ()):
            self.note(kind, subject, offset_ms, data)
        for offset_ms, kind, subject, data in self._afterwords.pop(self._day, ()):
            self._write(kind, subject, offset_ms, data)

    def note(self, kind: str, subject: str, offset_ms: int, data: Event) -> None:
        """Record an event, or put it into the calendar; nothing by a customer after their end."""
        if offset_ms > self._ends.get(subject, DAY_MS - 1) and not self._goes_on(
            kind, subject, offset_ms, data
        ):
            return
        self._write(kind, subject, offset_ms, data)

    def _write(self, kind: str, subject: str, offset_ms: int, data: Event) -> None:
        self._count += 1
        event = {
            "specversion": "1.0",
            "id": f"e{self._count}",
            "source": _source(kind),
            "type": kind,
            "subject": subject,
            "time": f"{self._date}{_clock()[offset_ms // SECOND_MS]}{offset_ms % SECOND_MS:03d}Z",
            "data": data,
        }
        self._entries.append((offset_ms, event))

    def _goes_on(self, kind: str, subject: str, offset_ms: int, data: Event) -> bool:
        if offset_ms >= DAY_MS:
            later, offset_ms = divmod(offset_ms, DAY_MS)
            self._calendar[self._day + later].append((offset_ms, kind, subject, data))
            return False
        if subject in self._unmentioned:
            return kind == ERASED
        return kind in BY_US

    def plan(self, day: int, kind: str, subject: str, offset_ms: int, data: Event) -> None:
        """Put an event of a day that is not open yet into the calendar."""
        self._calendar[day].append((offset_ms, kind, subject, data))

    def plan_afterword(
        self, day: int, kind: str, subject: str, offset_ms: int, data: Event
    ) -> None:
        """Put an event of a customer who has left by then into the calendar."""
        self._afterwords[day].append((offset_ms, kind, subject, data))

    def end(self, subject: str, offset_ms: int) -> None:
        """The customer does nothing after this moment of the open day."""
        self._ends[subject] = offset_ms
        self._leavers.append(subject)

    def unmention(self, subject: str) -> None:
        """After the customer's end, no event mentions them except the erasure."""
        self._unmentioned.add(subject)

    def number(self) -> int:
        """A number that no other event of the world has."""
        self._count += 1
        return self._count

    def close(self) -> Sequence[tuple[int, Event]]:
        """Return the day's events as (moment in ms since 1970, event), in no particular order."""
        midnight_ms = self._start_ms + self._day * DAY_MS
        for subject in self._leavers:
            self._ends[subject] = -1
        self._leavers.clear()
        return [(midnight_ms + offset_ms, event) for offset_ms, event in self._entries]


def time_text(at_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds.

    >>> time_text(86_400_001)
    '1970-01-02T00:00:00.001Z'
    """
    day_ms, offset_ms = at_ms // DAY_MS * DAY_MS, at_ms % DAY_MS
    return f"{_date(day_ms)}{_clock()[offset_ms // SECOND_MS]}{offset_ms % SECOND_MS:03d}Z"


def _date(at_ms: int) -> str:
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms):%Y-%m-%dT}"


@cache
def _clock() -> list[str]:
    return [
        f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}."
        for second in range(SECONDS_PER_DAY)
    ]


@cache
def _source(kind: str) -> str:
    return f"world/{_SOURCES.get(kind.partition('.')[0], _OTHER_SOURCE)}"


def hours(count: float) -> int:
    """Milliseconds of ``count`` hours, whole."""
    return int(count * HOUR_MS)


def minutes(count: float) -> int:
    """Milliseconds of ``count`` minutes, whole."""
    return int(count * MINUTE_MS)
