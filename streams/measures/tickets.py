"""Support tickets: counts, and customers' waiting time for a reply and a resolution.

Times run from the opening to the first reply by an agent and to the first resolution, in order of
arrival: a reply or resolution that arrives before the opening of its ticket is not timed, and a
reopened ticket is not timed again.
"""

from hashlib import blake2b

from msgspec import Struct

from touchstream.schemas.touchpoints.tickets import (
    TicketOpened,
    TicketReopened,
    TicketReplied,
    TicketResolved,
)
from touchstream.schemas.units import Millis
from touchstream.streams.measures.activity import CHANNELS, ticket_channel
from touchstream.streams.measures.metric import HISTOGRAM_RETENTION_DAYS, Dimension, Measure, Metric

METRICS = (
    Metric(
        "tickets_opened",
        "counter",
        "tickets",
        "Tickets opened, by the channel they came in.",
        (Dimension("channel", CHANNELS),),
    ),
    Metric("tickets_resolved", "counter", "tickets", "Tickets resolved, every time."),
    Metric("tickets_reopened", "counter", "tickets", "Tickets reopened after a resolution."),
    Metric(
        "first_response_time",
        "quantile",
        "milliseconds",
        "From a ticket's opening to the first reply by an agent, on the day of the reply.",
        retention_days=HISTOGRAM_RETENTION_DAYS,
    ),
    Metric(
        "resolution_time",
        "quantile",
        "milliseconds",
        "From a ticket's opening to its first resolution, on the day of the resolution.",
        retention_days=HISTOGRAM_RETENTION_DAYS,
    ),
)

MOST_TICKETS = 32
"""Unresolved tickets per customer that are timed; the oldest is dropped first."""


class OpenTicket(Struct, frozen=True, array_like=True, gc=False):
    """An unresolved ticket."""

    opened_ms: Millis
    key: int
    """:func:`ticket_key` of the ticket's number."""
    answered: bool = False
    """An agent has replied."""


OpenTickets = tuple[OpenTicket, ...]
"""Sorted by (``opened_ms``, ``key``), so that equal sets have equal bytes."""

TicketEvent = TicketOpened | TicketReplied | TicketResolved | TicketReopened


def on_ticket(
    tickets: OpenTickets, at_ms: Millis, data: TicketEvent, known: bool
) -> tuple[OpenTickets, tuple[Measure, ...]]:
    """The tickets after an event, and its measures; ``known``: the ticket had an event before."""
    match data:
        case TicketOpened():
            counted = (Measure("tickets_opened", (ticket_channel(data),), 1, at_ms),)
            return (tickets if known else _opened(tickets, at_ms, data.ticket)), counted
        case TicketReplied(by="agent"):
            return _answered(tickets, at_ms, data.ticket)
        case TicketReplied():
            return tickets, ()
        case TicketReopened():
            return tickets, (Measure("tickets_reopened", (), 1, at_ms),)
        case TicketResolved():
            return _resolved(tickets, at_ms, data.ticket)


def ticket_key(ticket: str) -> int:
    """64-bit hash of a ticket's number, which may be long."""
    return int.from_bytes(blake2b(ticket.encode(), digest_size=8).digest(), "big")


def _opened(tickets: OpenTickets, at_ms: Millis, ticket: str) -> OpenTickets:
    key = ticket_key(ticket)
    return _put(_without(tickets, key), OpenTicket(at_ms, key))


def _answered(
    tickets: OpenTickets, at_ms: Millis, ticket: str
) -> tuple[OpenTickets, tuple[Measure, ...]]:
    held = _find(tickets, ticket_key(ticket))
    # Producers' clocks differ: a negative duration is not a measurement.
    if held is None or held.answered or at_ms < held.opened_ms:
        return tickets, ()
    answered = OpenTicket(held.opened_ms, held.key, answered=True)
    measure = Measure("first_response_time", (), at_ms - held.opened_ms, at_ms)
    return _put(_without(tickets, held.key), answered), (measure,)


def _resolved(
    tickets: OpenTickets, at_ms: Millis, ticket: str
) -> tuple[OpenTickets, tuple[Measure, ...]]:
    counted = (Measure("tickets_resolved", (), 1, at_ms),)
    held = _find(tickets, ticket_key(ticket))
    if held is None or at_ms < held.opened_ms:
        return tickets, counted
    timed = Measure("resolution_time", (), at_ms - held.opened_ms, at_ms)
    return _without(tickets, held.key), (*counted, timed)


def _find(tickets: OpenTickets, key: int) -> OpenTicket | None:
    return next((ticket for ticket in tickets if ticket.key == key), None)


def _put(tickets: OpenTickets, ticket: OpenTicket) -> OpenTickets:
    after = sorted((*tickets, ticket), key=lambda each: (each.opened_ms, each.key))
    return tuple(after[-MOST_TICKETS:])


def _without(tickets: OpenTickets, key: int) -> OpenTickets:
    return tuple(ticket for ticket in tickets if ticket.key != key)
