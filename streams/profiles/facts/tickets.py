"""Tickets, and the friction of reopening them."""

from touchstream.schemas.touchpoints.tickets import TicketOpened, TicketReopened, TicketResolved
from touchstream.schemas.units import Millis
from touchstream.streams.profiles.facts.facts import Changes, Facts
from touchstream.streams.profiles.facts.friction import rubbed
from touchstream.streams.profiles.profile import BOUNDS, Profile, Ticket
from touchstream.streams.profiles.recent import noted

TICKET_RANKS: dict[type, int] = {TicketOpened: 0, TicketReopened: 1, TicketResolved: 2}


def _ticket(
    profile: Profile, at_ms: Millis, data: TicketOpened | TicketReopened | TicketResolved
) -> Changes:
    rank = TICKET_RANKS[type(data)]
    held = profile.tickets.get(data.ticket)
    opened_ms = at_ms if held is None else min(held.opened_ms, at_ms)
    ticket = Ticket(at_ms, rank, opened_ms, not isinstance(data, TicketResolved))
    # A late event may move the opening, but not the status.
    if held is not None and (held.at_ms, held.rank) > (at_ms, rank):
        ticket = Ticket(held.at_ms, held.rank, opened_ms, held.open)
    after = {**profile.tickets, data.ticket: ticket}
    # Resolved tickets go first, because only open ones affect features.
    if len(after) > BOUNDS.tickets:
        del after[min(after, key=lambda name: (after[name].open, after[name].at_ms, name))]
    return {"tickets": after}


def _opened(profile: Profile, at_ms: Millis, data: TicketOpened) -> Changes:
    recent = noted(profile.recent, "ticket_opened", at_ms)
    return {**_ticket(profile, at_ms, data), "recent": recent}


def _reopened(profile: Profile, at_ms: Millis, data: TicketReopened) -> Changes:
    recent = noted(profile.recent, "ticket_reopened", at_ms)
    return {
        **_ticket(profile, at_ms, data),
        **rubbed(profile, at_ms, reopened=1.0),
        "recent": recent,
    }


FACTS: Facts = {
    TicketOpened: _opened,
    TicketReopened: _reopened,
    TicketResolved: _ticket,
}
