"""What measures must know of a customer: active days, and tickets that wait."""

from msgspec import Struct

from touchstream.streams.measures.activity import MOST_DAYS, ActiveDays
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


def or_none(state: MeasuresState) -> MeasuresState | None:
    """None where nothing is kept: an empty slot costs nothing."""
    return None if state == NOTHING_MEASURED else state
