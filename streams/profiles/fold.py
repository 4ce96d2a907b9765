"""Fold one event into a profile: ``after = fold(before, event, active)``.

Every event counts for its family; a few types also change facts (``streams/profiles/facts/``).
Types that only count need no entry there.
"""

from msgspec.structs import replace

from touchstream.schemas.envelope import Event
from touchstream.schemas.units import Millis
from touchstream.streams.profiles.decay import Counter, add, add_lately
from touchstream.streams.profiles.facts import (
    calls,
    customers,
    money,
    subscriptions,
    surveys,
    tickets,
    web,
)
from touchstream.streams.profiles.facts.facts import Changes, Facts
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.profiles.recent import is_over
from touchstream.streams.profiles.rhythm import Rhythm, after_gap

FACTS: Facts = {
    **money.FACTS,
    **tickets.FACTS,
    **calls.FACTS,
    **web.FACTS,
    **subscriptions.FACTS,
    **surveys.FACTS,
    **customers.FACTS,
}
"""Changes by all types of data."""
_NO_CHANGES: Changes = {}


def fold(before: Profile | None, event: Event, active: bool) -> Profile:
    """The profile after ``event``; ``active``: the event is a sign of life."""
    at_ms, data, family = event.time_ms, event.data, event.family
    profile = before or Profile(at_ms, at_ms)
    first_ms, last_ms = profile.first_seen_ms, profile.last_seen_ms
    families = {**profile.families, family: add_lately(profile.families.get(family), at_ms)}
    activity, first_active_ms, rhythm = profile.activity, profile.first_active_ms, profile.rhythm
    if active:
        activity, first_active_ms, rhythm = _active(profile, at_ms)
    facts = FACTS.get(type(data))
    return replace(
        profile,
        first_seen_ms=at_ms if at_ms < first_ms else first_ms,
        last_seen_ms=at_ms if at_ms > last_ms else last_ms,
        families=families,
        activity=activity,
        first_active_ms=first_active_ms,
        rhythm=rhythm,
        **(_NO_CHANGES if facts is None else facts(profile, at_ms, data)),
    )


def _active(profile: Profile, at_ms: Millis) -> tuple[Counter, Millis, Rhythm | None]:
    """Count a sign of life; a late one leaves the rhythm unchanged."""
    held, earliest, rhythm = profile.activity, profile.first_active_ms, profile.rhythm
    if held is not None and at_ms > held.at_ms:
        rhythm = after_gap(rhythm, at_ms - held.at_ms)
    first_ms = at_ms if earliest is None or at_ms < earliest else earliest
    return add(held, at_ms), first_ms, rhythm


def forget_old(profile: Profile, before_ms: Millis) -> Profile:
    """Drop what no event from ``before_ms`` on can need: resolved tickets, and old counts."""
    if is_over(profile.recent, before_ms):
        profile = replace(profile, recent=None)
    return _without_resolved_tickets(profile, before_ms)


def _without_resolved_tickets(profile: Profile, before_ms: Millis) -> Profile:
    """Drop resolved tickets that no accepted event can reopen any more."""
    if all(ticket.open or ticket.at_ms >= before_ms for ticket in profile.tickets.values()):
        return profile
    kept = {name: t for name, t in profile.tickets.items() if t.open or t.at_ms >= before_ms}
    return replace(profile, tickets=kept)
