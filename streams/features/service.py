"""How much trouble there is: tickets, calls, payments that failed."""

from math import log1p

from schemas.units import DAY_MS
from streams.features.view import View


def open_ticket_count(view: View) -> float:
    """Tickets open now."""
    return float(len(view.open_tickets))


def oldest_open_ticket_days(view: View) -> float | None:
    """ln(1 + days that the oldest open ticket has waited); missing when none is open."""
    if not view.open_tickets:
        return None
    oldest_ms = min(ticket.opened_ms for ticket in view.open_tickets)
    return log1p(max(0, view.at_ms - oldest_ms) / DAY_MS)


def ticket_month(view: View) -> float:
    """ln(1 + ticket events with a half-life of 28 d)."""
    return view.lately("ticket")


def call_month(view: View) -> float:
    """ln(1 + calls with a half-life of 28 d)."""
    return view.lately("call")


def payment_failed_month(view: View) -> float:
    """ln(1 + failed payments with a half-life of 28 d)."""
    return view.lately("payment")
