"""Service load: tickets, calls, failed payments."""

from math import log1p

from touchstream.schemas.units import DAY_MS
from touchstream.streams.features.feature import LN_COUNT, LN_DAYS, Feature
from touchstream.streams.features.view import View


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


FEATURES = (
    Feature(open_ticket_count, "n", "open tickets", ("ticket",)),
    Feature(oldest_open_ticket_days, LN_DAYS, "a ticket open for long", ("ticket",)),
    Feature(ticket_month, LN_COUNT, "tickets in the last month", ("ticket",)),
    Feature(reopened_month, LN_COUNT, "tickets reopened in the last month", ("ticket",)),
    Feature(call_month, LN_COUNT, "calls in the last month", ("call",)),
    Feature(call_last_s, "ln(1+s)", "length of the last call", ("call",)),
    Feature(call_last_wait_s, "ln(1+s)", "waiting in the last call", ("call",)),
    Feature(transfers_month, LN_COUNT, "being handed on in calls", ("call",)),
    Feature(wait_month_s, "ln(1+s)", "waiting in calls", ("call",)),
    Feature(payment_failed_month, LN_COUNT, "failed payments in the last month", ("payment",)),
)
"""Function, unit, text, and the event families that it is derived from."""
