"""A customer's state for measures: active days and unresolved tickets."""

from msgspec import Struct

from touchstream.streams.measures.activity import MOST_DAYS, ActiveDays, merged_days
from touchstream.streams.measures.tickets import MOST_TICKETS, OpenTickets

MAX_BYTES = MOST_DAYS // 8 + MOST_TICKETS * 20 + 32
"""Bound of an encoded state: days as bits, 20 bytes per ticket, and headers."""


class MeasuresState(Struct, frozen=True, array_like=True, tag=1):
    """One customer's state; an erasure deletes it, but not the aggregates."""

    days: ActiveDays | None = None
    """None before the first activity."""
    tickets: OpenTickets = ()
    """Timed tickets."""


NOTHING_MEASURED = MeasuresState()


def merged(a: MeasuresState, b: MeasuresState) -> MeasuresState:
    """The merged state of two ids of one person; counts already made stay."""
    # A set, because both ids may hold the same ticket.
    tickets = sorted({*a.tickets, *b.tickets}, key=lambda each: (each.opened_ms, each.key))
    return MeasuresState(merged_days(a.days, b.days), tuple(tickets[-MOST_TICKETS:]))


def or_none(state: MeasuresState) -> MeasuresState | None:
    """None for an empty state, so that its slot takes no bytes."""
    return None if state == NOTHING_MEASURED else state
