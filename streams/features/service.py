"""How much trouble there is: tickets, calls, payments that failed."""

from math import log1p

from schemas.units import DAY_MS
from streams.features.view import View


def open_ticket_count(view: View) -> float:
    """Tickets open now."""
    return float(sum(ticket.open for ticket in view.profile.tickets.values()))


def oldest_open_ticket_days(view: View) -> float | None:
    """ln(1 + days that the oldest open ticket has waited); missing when none is open."""
    opened = [ticket.opened_ms for ticket in view.profile.tickets.values() if ticket.open]
    return log1p(max(0, view.at_ms - min(opened)) / DAY_MS) if opened else None


def ticket_month(view: View) -> float:
    """ln(1 + ticket events with a half-life of 28 d)."""
    return view.lately("ticket")


def call_month(view: View) -> float:
    """ln(1 + calls with a half-life of 28 d)."""
    return view.lately("call")


def payment_failed_month(view: View) -> float:
    """ln(1 + failed payments with a half-life of 28 d)."""
    return view.lately("payment")
