"""Fold one event into a profile: ``after = fold(before, event, active)``.

Every event counts for its family; a few types also change facts (``FACTS``). A type that only
counts needs no line here.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from touchstream.schemas.envelope import Event
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.schemas.touchpoints.calls import CallEnded
from touchstream.schemas.touchpoints.customers import (
    ConsentChanged,
    CustomerIdentified,
    CustomerUnlinked,
    CustomerUpdated,
)
from touchstream.schemas.touchpoints.emails import EmailUnsubscribed
from touchstream.schemas.touchpoints.orders import OrderPlaced, OrderReturned
from touchstream.schemas.touchpoints.subscriptions import (
    SubscriptionCancelled,
    SubscriptionChanged,
    SubscriptionRenewed,
    SubscriptionStarted,
)
from touchstream.schemas.touchpoints.surveys import SurveyAnswered
from touchstream.schemas.touchpoints.tickets import TicketOpened, TicketReopened, TicketResolved
from touchstream.schemas.touchpoints.web import WebFormSubmitted, WebVisit
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.profiles.decay import QUARTER_DAYS, add, add_lately, remaining
from touchstream.streams.profiles.leaving import is_leaving
from touchstream.streams.profiles.profile import (
    BOUNDS,
    Answer,
    Call,
    Fact,
    Friction,
    Money,
    Profile,
    Scalar,
    Subscription,
    Ticket,
)
from touchstream.streams.profiles.rhythm import after_gap

Changes = dict[str, Any]
T = TypeVar("T", Answer, Fact)

MARKETING = "marketing"  # the purpose that whoever unsubscribes refuses
SCORE_MAX = {"nps": 10.0, "csat": 5.0, "ces": 7.0}  # used where the event names no maximum


def fold(before: Profile | None, event: Event, active: bool) -> Profile:
    """The profile after ``event``; ``active`` says whether it shows that the relation is alive."""
    at_ms = event.time_ms
    family = TOUCHPOINTS[event.type].family
    profile = before or Profile(first_seen_ms=at_ms, last_seen_ms=at_ms)
    changes: Changes = {
        "first_seen_ms": min(profile.first_seen_ms, at_ms),
        "last_seen_ms": max(profile.last_seen_ms, at_ms),
        "families": {**profile.families, family: add_lately(profile.families.get(family), at_ms)},
    }
    if active:
        _active(profile, at_ms, changes)
    facts = FACTS.get(type(event.data))
    if facts is not None:
        changes.update(facts(profile, at_ms, event.data))
    return msgspec.structs.replace(profile, **changes)


def _active(profile: Profile, at_ms: Millis, changes: Changes) -> None:
    """Take in a sign of life; one that came late leaves the rhythm as it was."""
    held, earliest = profile.activity, profile.first_active_ms
    changes["activity"] = add(held, at_ms)
    changes["first_active_ms"] = at_ms if earliest is None else min(earliest, at_ms)
    if held is not None and at_ms > held.at_ms:
        changes["rhythm"] = after_gap(profile.rhythm, at_ms - held.at_ms)


def forget_resolved_tickets(profile: Profile, before_ms: Millis) -> Profile:
    """Drop resolved tickets that nothing in time can reopen any more."""
    if all(ticket.open or ticket.at_ms >= before_ms for ticket in profile.tickets.values()):
        return profile
    kept = {name: t for name, t in profile.tickets.items() if t.open or t.at_ms >= before_ms}
    return msgspec.structs.replace(profile, tickets=kept)


def _newest(held: Mapping[str, T], name: str, fact: T, bound: int) -> dict[str, T]:
    """Keep the newer fact by event time; past the bound the one with the oldest time goes.

    Of two facts of one moment the smaller text holds, so that their order of arrival does not show,
    and a refusal beats a consent: many systems stamp both with the day alone.
    """
    old = held.get(name)
    if old is not None and _holds(old, fact):
        return dict(held)
    after = {**held, name: fact}
    if len(after) > bound:
        del after[min(after, key=lambda key: (after[key].at_ms, key))]
    return after


def _holds(old: T, fact: T) -> bool:
    if old.at_ms == fact.at_ms:
        return str(old) <= str(fact)
    return old.at_ms > fact.at_ms


def _ordered(profile: Profile, at_ms: Millis, data: OrderPlaced) -> Changes:
    held = profile.money.get(data.currency, Money())
    money = Money(
        min(BOUNDS.sum_minor, held.ordered_minor + data.amount_minor),
        held.order_count + 1,
        held.returned_minor,
        add_lately(held.lately, at_ms, float(data.amount_minor), QUARTER_DAYS),
    )
    return _with_money(profile, data.currency, money)


def _returned(profile: Profile, _: Millis, data: OrderReturned) -> Changes:
    held = profile.money.get(data.currency, Money())
    returned_minor = min(BOUNDS.sum_minor, held.returned_minor + data.amount_minor)
    money = msgspec.structs.replace(held, returned_minor=returned_minor)
    return _with_money(profile, data.currency, money)


def _with_money(profile: Profile, currency: str, money: Money) -> Changes:
    if currency not in profile.money and len(profile.money) >= BOUNDS.currencies:
        return {}
    return {"money": {**profile.money, currency: money}}


def _ticket(
    profile: Profile, at_ms: Millis, data: TicketOpened | TicketReopened | TicketResolved
) -> Changes:
    rank = TICKET_RANKS[type(data)]
    held = profile.tickets.get(data.ticket)
    opened_ms = at_ms if held is None else min(held.opened_ms, at_ms)
    checkpoint = Ticket(at_ms, rank, opened_ms, not isinstance(data, TicketResolved))
    if held is not None and (held.at_ms, held.rank) > (at_ms, rank):
        checkpoint = msgspec.structs.replace(held, opened_ms=opened_ms)
    after = {**profile.tickets, data.ticket: checkpoint}
    if len(after) > BOUNDS.tickets:
        del after[min(after, key=lambda name: (after[name].open, after[name].at_ms, name))]
    return {"tickets": after}


def _reopened(profile: Profile, at_ms: Millis, data: TicketReopened) -> Changes:
    return {**_ticket(profile, at_ms, data), **_rubbed(profile, at_ms, reopened=1.0)}


def _called(profile: Profile, at_ms: Millis, data: CallEnded) -> Changes:
    longest, transfers = BOUNDS.call_s, data.transfers or 0
    wait_s = min((data.queue_s or 0) + (data.hold_s or 0), longest)
    changes: Changes = {}
    call = Call(at_ms, int(min(data.duration_s, longest)), int(wait_s))
    if profile.call is None or _when(call) >= _when(profile.call):
        changes["call"] = call
    if wait_s or transfers:
        changes |= _rubbed(profile, at_ms, transfers=float(transfers), wait_s=float(wait_s))
    return changes


def _when(call: Call) -> tuple[Millis, int, int]:
    """Calls in order, those of one moment too."""
    return call.at_ms, call.duration_s, call.wait_s


def _rubbed(
    profile: Profile,
    at_ms: Millis,
    reopened: float = 0.0,
    transfers: float = 0.0,
    wait_s: float = 0.0,
) -> Changes:
    """Add to the friction, early or late."""
    held = profile.friction or Friction(at_ms)
    newest_ms = max(held.at_ms, at_ms)
    kept, new = remaining(newest_ms - held.at_ms), remaining(newest_ms - at_ms)
    return {
        "friction": Friction(
            newest_ms,
            held.reopened * kept + reopened * new,
            held.transfers * kept + transfers * new,
            held.wait_s * kept + wait_s * new,
        )
    }


def _subscribed(
    profile: Profile,
    at_ms: Millis,
    data: SubscriptionStarted | SubscriptionRenewed | SubscriptionChanged,
) -> Changes:
    ends_ms = None if data.term_days is None else Millis(at_ms + data.term_days * DAY_MS)
    return _newest_subscription(
        profile,
        Subscription(
            at_ms,
            SUBSCRIPTION_RANKS[type(data)],
            data.plan,
            data.amount_minor,
            data.currency,
            ends_ms,
            cancelled=False,
        ),
    )


def _cancelled(profile: Profile, at_ms: Millis, data: SubscriptionCancelled) -> Changes:
    rank = SUBSCRIPTION_RANKS[type(data)]
    return _newest_subscription(
        profile, Subscription(at_ms, rank, None, 0, None, at_ms, cancelled=True)
    )


def _newest_subscription(profile: Profile, fact: Subscription) -> Changes:
    held = profile.subscription
    if held is not None and _order(held) > _order(fact):
        return {}
    return {"subscription": fact}


def _order(fact: Subscription) -> tuple[Millis, int, str]:
    return fact.at_ms, fact.rank, str(fact)


def _answered(profile: Profile, at_ms: Millis, data: SurveyAnswered) -> Changes:
    best = data.score_max or SCORE_MAX.get(data.kind)
    if data.score is None or not best:
        return {}
    answer = Answer(at_ms, min(1.0, max(0.0, data.score / best)))
    return {"surveys": _newest(profile.surveys, data.kind, answer, len(SCORE_MAX) + 1)}


def _consented(profile: Profile, at_ms: Millis, data: ConsentChanged) -> Changes:
    fact = Fact(at_ms, data.granted)
    return {"consent": _newest(profile.consent, data.purpose, fact, BOUNDS.purposes)}


def _unsubscribed(profile: Profile, at_ms: Millis, _: EmailUnsubscribed) -> Changes:
    fact = Fact(at_ms, value=False)
    return {"consent": _newest(profile.consent, MARKETING, fact, BOUNDS.purposes)}


def _updated(profile: Profile, at_ms: Millis, data: CustomerUpdated) -> Changes:
    attributes: dict[str, Fact] = profile.attributes
    given: Mapping[str, Scalar] = data.attributes or {}
    for name, value in sorted(given.items()):
        attributes = _newest(attributes, name, Fact(at_ms, _short(value)), BOUNDS.attributes)
    return {"attributes": attributes}


def _short(value: Scalar) -> Scalar:
    return value[: BOUNDS.text_chars] if isinstance(value, str) else value


def _identified(profile: Profile, at_ms: Millis, data: CustomerIdentified) -> Changes:
    return _linked(profile, data.alias, Fact(at_ms, value=True))


def _unlinked(profile: Profile, at_ms: Millis, data: CustomerUnlinked) -> Changes:
    return _linked(profile, data.alias, Fact(at_ms, value=False))


def _linked(profile: Profile, alias: str, fact: Fact) -> Changes:
    return {"aliases": _newest(profile.aliases, alias, fact, BOUNDS.aliases)}


def _visited(profile: Profile, at_ms: Millis, data: WebVisit) -> Changes:
    return _leaving(profile, at_ms, data.page, data.search or "")


def _filled_in(profile: Profile, at_ms: Millis, data: WebFormSubmitted) -> Changes:
    return _leaving(profile, at_ms, data.form)


def _leaving(profile: Profile, at_ms: Millis, *texts: str) -> Changes:
    if any(map(is_leaving, texts)):
        return {"leaving": add_lately(profile.leaving, at_ms)}
    return {}


TICKET_RANKS: dict[type, int] = {TicketOpened: 0, TicketReopened: 1, TicketResolved: 2}
SUBSCRIPTION_RANKS: dict[type, int] = {
    SubscriptionStarted: 0,
    SubscriptionRenewed: 1,
    SubscriptionChanged: 2,
    SubscriptionCancelled: 3,
}
FACTS: dict[type, Callable[[Profile, Millis, Any], Changes]] = {
    OrderPlaced: _ordered,
    OrderReturned: _returned,
    TicketOpened: _ticket,
    TicketReopened: _reopened,
    TicketResolved: _ticket,
    CallEnded: _called,
    WebVisit: _visited,
    WebFormSubmitted: _filled_in,
    SubscriptionStarted: _subscribed,
    SubscriptionRenewed: _subscribed,
    SubscriptionChanged: _subscribed,
    SubscriptionCancelled: _cancelled,
    SurveyAnswered: _answered,
    EmailUnsubscribed: _unsubscribed,
    ConsentChanged: _consented,
    CustomerUpdated: _updated,
    CustomerIdentified: _identified,
    CustomerUnlinked: _unlinked,
}
