"""Service load: tickets, calls, failed payments."""

from math import expm1, inf, log1p

from touchstream.schemas.units import DAY_MS
from touchstream.streams.features.fact import (
    NEWS_DAYS,
    Fact,
    Statement,
    counted,
    days_since,
    exactly,
    none_or_unknown,
    of_window,
    same,
)
from touchstream.streams.features.feature import LN_COUNT, LN_DAYS, Feature
from touchstream.streams.features.view import View
from touchstream.streams.profiles.profile import BOUNDS, Call


def open_ticket_count(view: View) -> float:
    """Tickets open now.

    >>> view = seen(
    ...     "d9",
    ...     event("ticket.opened", "d1"),
    ...     event("ticket.opened", "d2", ticket="t2"),
    ... )
    >>> round(open_ticket_count(view), 9)
    2.0
    """
    return float(len(view.open_tickets))


def oldest_open_ticket_days(view: View) -> float | None:
    """ln(1 + days that the oldest open ticket has waited); missing if none is open.

    >>> view = seen(
    ...     "d9",
    ...     event("ticket.opened", "d1"),
    ...     event("ticket.opened", "d2", ticket="t2"),
    ... )
    >>> round(expm1(oldest_open_ticket_days(view)), 9)
    8.0
    """
    if not view.open_tickets:
        return None
    oldest_ms = min(ticket.opened_ms for ticket in view.open_tickets)
    return log1p(max(0, view.at_ms - oldest_ms) / DAY_MS)


def ticket_month(view: View) -> float:
    """ln(1 + ticket events with a half-life of 28 d).

    >>> view = seen("d28", event("ticket.opened", "d0"), event("ticket.resolved", "d28"))
    >>> round(expm1(ticket_month(view)), 9)
    1.5
    """
    return view.lately("ticket")


def call_month(view: View) -> float:
    """ln(1 + calls with a half-life of 28 d).

    >>> view = seen("d28", event("call.ended", "d0"), event("call.ended", "d28", call="c2"))
    >>> round(expm1(call_month(view)), 9)
    1.5
    """
    return view.lately("call")


def payment_failed_month(view: View) -> float:
    """ln(1 + failed payments with a half-life of 28 d).

    >>> view = seen("d28", event("payment.failed", "d0"))
    >>> round(expm1(payment_failed_month(view)), 9)
    0.5
    """
    return view.lately("payment")


def reopened_month(view: View) -> float:
    """ln(1 + tickets reopened, with a half-life of 28 d).

    >>> view = seen("d28", event("ticket.opened", "d0"), event("ticket.reopened", "d28"))
    >>> round(expm1(reopened_month(view)), 9)
    1.0
    """
    return view.friction("reopened")


def transfers_month(view: View) -> float:
    """ln(1 + transfers in calls, with a half-life of 28 d).

    >>> view = seen("d28", event("call.ended", "d0", transfers=3))
    >>> round(expm1(transfers_month(view)), 9)
    1.5
    """
    return view.friction("transfers")


def wait_month_s(view: View) -> float:
    """ln(1 + seconds waited in calls, with a half-life of 28 d).

    >>> view = seen("d28", event("call.ended", "d0", queue_s=60.0, hold_s=20.0))
    >>> round(expm1(wait_month_s(view)), 9)
    40.0
    """
    return view.friction("wait_s")


def call_last_s(view: View) -> float | None:
    """ln(1 + duration of the newest call in seconds); missing before the first call.

    >>> view = seen(
    ...     "d9",
    ...     event("call.ended", "d0", duration_s=90.0),
    ...     event("call.ended", "d1", call="c2", duration_s=60.0),
    ... )
    >>> round(expm1(call_last_s(view)), 9)
    60.0
    """
    call = view.profile.call
    return None if call is None else log1p(call.duration_s)


def call_last_wait_s(view: View) -> float | None:
    """ln(1 + seconds waited in the newest call); missing before the first call.

    >>> view = seen("d9", event("call.ended", "d0", queue_s=60.0, hold_s=20.0))
    >>> round(expm1(call_last_wait_s(view)), 9)
    80.0
    """
    call = view.profile.call
    return None if call is None else log1p(call.wait_s)


LONG_DAYS = 1.0
"""A ticket that has waited for less has not waited long, whatever is usual."""


def _open_tickets(view: View) -> Fact:
    number = len(view.open_tickets)
    # At the bound of the profile there may be more.
    high = number if number < BOUNDS.tickets else inf
    return Fact("open_tickets", "count", number, high, "above", ordinary=0.0)


def _oldest_open_ticket(view: View) -> Fact | None:
    if not view.open_tickets:
        return None
    age_days = days_since(view, min(ticket.opened_ms for ticket in view.open_tickets))
    if age_days < LONG_DAYS:
        return None
    return exactly("open_ticket_age", "days", age_days, "above", ordinary=0.0)


def _tickets_opened(view: View) -> Fact:
    return counted(view, "tickets_opened_28_days", "ticket_opened")


def _tickets_reopened(view: View) -> Fact:
    return counted(view, "tickets_reopened_28_days", "ticket_reopened")


def _calls(view: View) -> Fact:
    return counted(view, "calls_28_days", "call", count=view.count("call"))


def _payments_failed(view: View) -> Fact:
    count = view.count("payment")
    return counted(view, "payments_failed_28_days", "payment_failed", count=count)


def _last_call(view: View) -> Call | None:
    """The newest call, if it is news."""
    call = view.profile.call
    return None if call is None or days_since(view, call.at_ms) >= NEWS_DAYS else call


def _call_duration(view: View) -> Fact | None:
    call = _last_call(view)
    if call is None:
        return None
    return exactly("call_duration", "seconds", call.duration_s, "either", at_ms=call.at_ms)


def _call_wait(view: View) -> Fact | None:
    call = _last_call(view)
    if call is None:
        return None
    return exactly("call_wait", "seconds", call.wait_s, "above", at_ms=call.at_ms, ordinary=0.0)


def _call_transfers(view: View) -> Fact | None:
    call = _last_call(view)
    if call is None:
        return None
    return exactly(
        "call_transfers", "count", call.transfers, "above", at_ms=call.at_ms, ordinary=0.0
    )


FEATURES = (
    Feature(
        open_ticket_count,
        "n",
        "open tickets",
        ("ticket",),
        says=(Statement(_open_tickets, same),),
    ),
    Feature(
        oldest_open_ticket_days,
        LN_DAYS,
        "age of the oldest open ticket",
        ("ticket",),
        says=(Statement(_oldest_open_ticket, expm1),),
    ),
    Feature(
        ticket_month,
        LN_COUNT,
        "ticket events, half-life 28 d",
        ("ticket",),
        # The feature also counts replies and ends.
        says=(Statement(_tickets_opened, none_or_unknown),),
    ),
    Feature(
        reopened_month,
        LN_COUNT,
        "tickets reopened, half-life 28 d",
        ("ticket",),
        says=(Statement(_tickets_reopened, of_window),),
    ),
    Feature(
        call_month,
        LN_COUNT,
        "calls, half-life 28 d",
        ("call",),
        says=(Statement(_calls, of_window),),
    ),
    Feature(
        call_last_s,
        "ln(1+s)",
        "length of the last call",
        ("call",),
        says=(Statement(_call_duration, expm1),),
    ),
    Feature(
        call_last_wait_s,
        "ln(1+s)",
        "waiting in the last call",
        ("call",),
        says=(Statement(_call_wait, expm1),),
    ),
    Feature(
        transfers_month,
        LN_COUNT,
        "transfers in calls, half-life 28 d",
        ("call",),
        # The feature sums over calls; the fact is that of the last one.
        says=(Statement(_call_transfers, none_or_unknown),),
    ),
    Feature(
        wait_month_s,
        "ln(1+s)",
        "waiting in calls, half-life 28 d",
        ("call",),
        says=(Statement(_call_wait, expm1, of="call_last_wait_s"),),
    ),
    Feature(
        payment_failed_month,
        LN_COUNT,
        "failed payments, half-life 28 d",
        ("payment",),
        says=(Statement(_payments_failed, of_window),),
    ),
)
"""Function, unit, text, event families that it is derived from, and how it is told."""
