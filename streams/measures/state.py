"""What measures must know of a customer: active days, and tickets that wait."""

from msgspec import Struct

from touchstream.streams.measures.activity import MOST_DAYS, ActiveDays, merged_days
from touchstream.streams.measures.tickets import MOST_TICKETS, OpenTickets

MAX_BYTES = MOST_DAYS // 8 + MOST_TICKETS * 20 + 32
"""Of an encoded state: the days as bits, 20 bytes a ticket, and the headers."""


class MeasuresState(Struct, frozen=True, array_like=True, tag=1):
    """One customer's own part; it goes when the customer is erased, the figures stay."""

    days: ActiveDays | None = None
    """None before the first activity."""
    tickets: OpenTickets = ()
    """Those that are timed."""


NOTHING_MEASURED = MeasuresState()


def merged(a: MeasuresState, b: MeasuresState) -> MeasuresState:
    """The state of two ids that turn out to be one person; what was counted stays counted."""
    tickets = sorted({*a.tickets, *b.tickets}, key=lambda each: (each.opened_ms, each.key))
    return MeasuresState(merged_days(a.days, b.days), tuple(tickets[-MOST_TICKETS:]))


def or_none(state: MeasuresState) -> MeasuresState | None:
    """None where nothing is kept: an empty slot costs nothing."""
    return None if state == NOTHING_MEASURED else state
