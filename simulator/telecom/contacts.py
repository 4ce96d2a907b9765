"""What customers do and what happens to them, day by day; each is known of the state's law."""

from collections.abc import Callable

import numpy as np
from msgspec import Struct

from touchstream.schemas.units import DAY_MS, HOUR_MS
from touchstream.simulator import words
from touchstream.simulator.customers import Flags, Floats, Ints
from touchstream.simulator.event_log import CURRENCY, Event, EventLog, hours, minutes
from touchstream.simulator.mail import (
    DAYS_PER_WEEK,
    DELIVERED_SHARE,
    WEEKDAY,
)
from touchstream.simulator.telecom.law import (
    ANSWERED_SHARE,
    CALL_RATE,
    GRIEVANCE,
    OPENED_SHARE,
    ORDER_RATE,
    SURVEY_RATE,
    TICKET_RATE,
    USAGE_RATE,
    VISIT_RATE,
)
from touchstream.simulator.telecom.operator import CAUSES, RHYTHMS, SEGMENTS
from touchstream.simulator.telecom.population import Cast

LEAVING_PAGES = ("/pricing", "/account/cancel")
PAGES = tuple(page for page in words.PAGES if page not in LEAVING_PAGES)
LEAVING_SHARE = np.array((0.02, 0.05, 0.09, 0.14, 0.20))
"""Share of the visits that go to prices or to how to cancel, by grievance."""
OUTBOUND_RATE = 0.004
MOOD = np.array((0.85, 0.72, 0.59, 0.46, 0.33))
"""Scores of a survey are 1 + Binomial(4, mood), by grievance."""
BEST_SCORE = 5
HOURS_AROUND_FAVOURITE = 2.0
FIRST_HOUR, LAST_HOUR = 7.0, 21.0
"""All that customers do falls between."""

USUAL_WAIT_S = 45.0
TRANSFERRED_SHARE = 0.1
LONG_WAIT_S = (400, 1_500)
LONG_HOLD_S = (60, 300)
MANY_TRANSFERS = (2, 5)
"""Of a call that is an incident; other calls have one transfer at most."""
RESOLVED_AFTER_DAYS = (1, 5)
REPLY_SHARE = 0.5
"""Of the tickets that the customer adds a message to."""


class Shift(Struct, frozen=True, eq=False):
    """One day of the telecom; arrays have one entry per customer."""

    day: int
    names: list[str]
    cast: Cast
    state: Ints
    """At the end of the day."""
    staying: Flags
    """There at the end of the day."""
    lately_left: Flags
    """Left at most ``TO_THE_LEFT_DAYS`` ago."""
    incidents: Flags
    """(causes, customers): what happens to whom today; of usage, nothing is to be seen."""
    rng: np.random.Generator
    log: EventLog

    @property
    def grievance(self) -> Ints:
        """Level of each customer, 0..4."""
        grievance: Ints = GRIEVANCE[self.state]
        return grievance

    @property
    def activity(self) -> Floats:
        """Factor of usage, visits, orders and newsletters, without the rhythm."""
        by_level = np.array([kind.activity for kind in SEGMENTS])
        activity: Floats = by_level[self.cast.segment, self.grievance]
        return activity

    @property
    def busy(self) -> Floats:
        """Factor of usage, visits and orders."""
        busy: Floats = self.activity * np.array(RHYTHMS)[self.cast.rhythm]
        return busy

    def some(self, rate: float | Floats) -> list[int]:
        """Customers, once per occurrence of a Poisson process of ``rate`` a day."""
        count = self.rng.poisson(np.broadcast_to(rate, self.staying.shape)) * self.staying
        chosen: list[int] = np.repeat(np.arange(len(count)), count).tolist()
        return chosen

    def moment(self, who: int) -> int:
        """A moment of today around the favourite hour, in ms since midnight."""
        hour = self.cast.hour[who] + self.rng.normal(0.0, HOURS_AROUND_FAVOURITE)
        return int(min(max(hour, FIRST_HOUR), LAST_HOUR) * HOUR_MS)

    def note(self, kind: str, who: int, offset_ms: int, data: Event) -> None:
        """Write an event down, or put it into the calendar of a later day."""
        self.log.note(kind, self.names[who], offset_ms, data)


class Contacts:
    """Usage, visits, orders, calls, tickets, surveys and mail of all customers."""

    def __init__(self, count: int) -> None:
        self._ticket = [""] * count
        self._resolved_day = np.full(count, -1)

    def write(self, shift: Shift) -> None:
        """Write down one day."""
        for rate, tell in _HABITS:
            for who in shift.some(rate * shift.busy):
                tell(shift, who, shift.moment(who))
        self._write_steady(shift)
        for place, befall in enumerate((self._reopen, _bad_call, _refuse_payment)):
            for who in np.flatnonzero(shift.incidents[place]).tolist():
                befall(shift, who)
        if shift.day % DAYS_PER_WEEK == WEEKDAY:
            _mail(shift)

    def _write_steady(self, shift: Shift) -> None:
        """What happens to everybody alike, whatever their state."""
        for who in shift.some(CALL_RATE):
            _call(shift, who, inbound=True)
        for who in shift.some(OUTBOUND_RATE):
            _call(shift, who, inbound=False)
        for who in shift.some(TICKET_RATE):
            self._open_ticket(shift, who, shift.moment(who))
        for who in shift.some(SURVEY_RATE):
            _ask(shift, who)

    def _open_ticket(self, shift: Shift, who: int, offset_ms: int) -> None:
        topic = int(shift.rng.choice(len(words.TOPICS), p=words.TOPIC_WEIGHTS))
        language = words.LANGUAGES[who % len(words.LANGUAGES)]
        self._ticket[who] = f"t{shift.log.number()}"
        data = {
            "ticket": self._ticket[who],
            "topic": words.TOPICS[topic],
            "priority": words.PRIORITIES[int(shift.rng.integers(len(words.PRIORITIES)))],
            "channel": words.TICKET_CHANNELS[int(shift.rng.integers(len(words.TICKET_CHANNELS)))],
            "text": words.COMPLAINTS[language][words.TOPICS[topic]],
            "language": language,
        }
        shift.note("ticket.opened", who, offset_ms, data)
        self._work_on(shift, who, offset_ms)

    def _reopen(self, shift: Shift, who: int) -> None:
        """An incident: the ticket that was resolved is not. Without one, today's was."""
        if not 0 <= self._resolved_day[who] < shift.day:
            self._open_ticket(shift, who, hours(FIRST_HOUR))
            shift.note("ticket.resolved", who, hours(FIRST_HOUR + 1), self._solved(who))
        offset_ms = hours(shift.rng.uniform(FIRST_HOUR + 2, LAST_HOUR))
        shift.note("ticket.reopened", who, offset_ms, {"ticket": self._ticket[who]})
        self._work_on(shift, who, offset_ms)

    def _work_on(self, shift: Shift, who: int, offset_ms: int) -> None:
        after_days = int(shift.rng.integers(*RESOLVED_AFTER_DAYS))
        ticket = self._ticket[who]
        replied_ms = offset_ms + minutes(shift.rng.exponential(90.0))
        shift.note("ticket.replied", who, replied_ms, {"ticket": ticket, "by": "agent"})
        if shift.rng.random() < REPLY_SHARE:
            answered_ms = DAY_MS + hours(shift.rng.uniform(FIRST_HOUR, FIRST_HOUR + 2))
            shift.note("ticket.replied", who, answered_ms, {"ticket": ticket, "by": "customer"})
        self._resolved_day[who] = shift.day + after_days
        solved_ms = after_days * DAY_MS + hours(FIRST_HOUR - 1)
        shift.note("ticket.resolved", who, solved_ms, self._solved(who))

    def _solved(self, who: int) -> Event:
        return {"ticket": self._ticket[who], "cost_minor": 900, "currency": CURRENCY}


def _use(shift: Shift, who: int, offset_ms: int) -> None:
    title = words.CONTENTS[int(shift.rng.integers(len(words.CONTENTS)))]
    used = {"content": title, "seconds": int(shift.rng.exponential(1_500.0))}
    shift.note("content.streamed", who, offset_ms, used)


def _visit(shift: Shift, who: int, offset_ms: int) -> None:
    leaves = shift.rng.random() < LEAVING_SHARE[shift.grievance[who]]
    pages = LEAVING_PAGES if leaves else PAGES
    visit = {
        "page": pages[int(shift.rng.integers(len(pages)))],
        "duration_s": int(shift.rng.exponential(70.0)),
        "device": words.DEVICES[int(shift.rng.integers(len(words.DEVICES)))],
    }
    shift.note("web.visit", who, offset_ms, visit)


def _order(shift: Shift, who: int, offset_ms: int) -> None:
    order = {
        "order": f"o{shift.log.number()}",
        "amount_minor": int(shift.rng.integers(3, 30)) * 100,
        "currency": CURRENCY,
        "channel": "online",
    }
    shift.note("order.placed", who, offset_ms, order)


_HABITS: tuple[tuple[float, Callable[[Shift, int, int], None]], ...] = (
    (USAGE_RATE, _use),
    (VISIT_RATE, _visit),
    (ORDER_RATE, _order),
)


def _call(shift: Shift, who: int, *, inbound: bool) -> None:
    call = usual_call(shift.rng, shift.log.number(), inbound=inbound)
    shift.note("call.ended", who, shift.moment(who), call)


def usual_call(rng: np.random.Generator, number: int, *, inbound: bool) -> Event:
    """A call without an incident: a short wait, one transfer at most."""
    return _call_data(
        number,
        inbound=inbound,
        duration_s=int(rng.exponential(240.0)),
        queue_s=int(rng.exponential(USUAL_WAIT_S)) if inbound else 0,
        hold_s=0,
        transfers=int(rng.random() < TRANSFERRED_SHARE),
    )


def _bad_call(shift: Shift, who: int) -> None:
    rng = shift.rng
    call = _call_data(
        shift.log.number(),
        inbound=True,
        duration_s=int(rng.exponential(480.0)),
        queue_s=int(rng.integers(*LONG_WAIT_S)),
        hold_s=int(rng.integers(*LONG_HOLD_S)),
        transfers=int(rng.integers(*MANY_TRANSFERS)),
    )
    shift.note("call.ended", who, shift.moment(who), call)


def _call_data(
    number: int, *, inbound: bool, duration_s: int, queue_s: int, hold_s: int, transfers: int
) -> Event:
    return {
        "call": f"call-{number}",
        "direction": "inbound" if inbound else "outbound",
        "duration_s": duration_s,
        "queue_s": queue_s,
        "hold_s": hold_s,
        "transfers": transfers,
        "purpose": "support" if inbound else "sales",
        "cost_minor": 200 + duration_s,
        "currency": CURRENCY,
    }


def _refuse_payment(shift: Shift, who: int) -> None:
    refused = {
        "amount_minor": int(shift.rng.integers(9, 40)) * 100,
        "currency": CURRENCY,
        "reason": words.REFUSALS[int(shift.rng.integers(len(words.REFUSALS)))],
    }
    shift.note("payment.failed", who, hours(shift.rng.uniform(FIRST_HOUR, LAST_HOUR)), refused)


def _ask(shift: Shift, who: int) -> None:
    survey = {"survey": f"csat-{shift.day // 90}", "kind": "csat"}
    shift.note("survey.sent", who, hours(FIRST_HOUR), survey)
    if shift.rng.random() < ANSWERED_SHARE:
        score = 1 + int(shift.rng.binomial(BEST_SCORE - 1, MOOD[shift.grievance[who]]))
        answer = {**survey, "score": score, "score_max": BEST_SCORE}
        shift.note("survey.answered", who, shift.moment(who) + minutes(30), answer)


def _mail(shift: Shift) -> None:
    """The newsletter of the week; those who left lately still get it."""
    chance = shift.rng.random((2, len(shift.staying)))
    delivered = (shift.staying | shift.lately_left) & (chance[0] < DELIVERED_SHARE)
    opened = delivered & shift.staying & (chance[1] < OPENED_SHARE * shift.activity)
    campaign = {"campaign": f"week-{shift.day // DAYS_PER_WEEK}"}
    for who in np.flatnonzero(delivered).tolist():
        cost = {**campaign, "cost_minor": 1, "currency": CURRENCY}
        shift.note("email.delivered", who, hours(FIRST_HOUR), cost)
        if opened[who]:
            shift.note("email.opened", who, shift.moment(who) + minutes(1), campaign)


assert CAUSES[:3] == ("ticket", "call", "payment")  # the order in Contacts.write
