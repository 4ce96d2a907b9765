"""The measures of one applied event: a hot path, in which a plain visit costs one tuple."""

from touchstream.schemas.envelope import Event
from touchstream.schemas.touchpoints.tickets import (
    TicketOpened,
    TicketReopened,
    TicketReplied,
    TicketResolved,
)
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.measures import calls, orders, surveys
from touchstream.streams.measures.activity import count_active, count_event, mark_active
from touchstream.streams.measures.metric import Measure
from touchstream.streams.measures.state import NOTHING_MEASURED, MeasuresState, or_none
from touchstream.streams.measures.tickets import TicketEvent, on_ticket
from touchstream.streams.profiles.profile import Profile

Updated = tuple[MeasuresState | None, tuple[Measure, ...]]

_BY_DATA = {**orders.BY_DATA, **calls.BY_DATA, **surveys.BY_DATA}
"""Types whose measures need no state."""
_OF_TICKETS = frozenset({TicketOpened, TicketReplied, TicketResolved, TicketReopened})


def on_event(
    state: MeasuresState | None,
    event: Event,
    before: Profile | None,
    *,
    active: bool,
    oldest_ms: Millis | None,
) -> Updated:
    """Compute the measures of one applied event (no duplicate, not too late).

    Parameters
    ----------
    state
        State after the previous event; None for a customer without any.
    event
        The event; its own time determines the day.
    before
        The profile before the event; None for an unknown customer.
    active
        Whether the event is the customer's own activity by the churn rules.
    oldest_ms
        Watermark minus the allowed lateness: no further event can be older.
        None before the first tick.
    """
    measures: tuple[Measure, ...] = (count_event(event),)
    data = event.data
    kind = type(data)
    if active:
        state, first = _active(state, event.time_ms, oldest_ms)
        if first:
            measures += (count_active(event.time_ms),)
    if kind in _BY_DATA:
        measures += _BY_DATA[kind](event.time_ms, data)
    elif kind in _OF_TICKETS:
        state, more = _ticket(state, event, before)
        measures += more
    return state, measures


def _active(
    state: MeasuresState | None, at_ms: Millis, oldest_ms: Millis | None
) -> tuple[MeasuresState, bool]:
    held, day = state or NOTHING_MEASURED, at_ms // DAY_MS
    # The common case, without decoding the days.
    if held.days is not None and held.days.newest == day:
        return held, False
    days, first = mark_active(held.days, day, oldest_ms)
    return (MeasuresState(days, held.tickets) if first else held), first


def _ticket(state: MeasuresState | None, event: Event, before: Profile | None) -> Updated:
    data: TicketEvent = event.data  # type: ignore[assignment]  # _OF_TICKETS holds no other
    held = state or NOTHING_MEASURED
    known = before is not None and data.ticket in before.tickets
    tickets, measures = on_ticket(held.tickets, event.time_ms, data, known)
    if tickets is held.tickets:
        return state, measures
    return or_none(MeasuresState(held.days, tickets)), measures
