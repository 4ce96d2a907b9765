"""Second opinions: what a number means, worked out again from all events, slowly and plainly."""

import struct
from collections.abc import Iterable, Sequence
from math import isnan, log, log1p, nan
from statistics import mean, stdev

from touchstream.schemas.envelope import Event
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.schemas.rules import ChurnRules
from touchstream.schemas.touchpoints.actions import ActionOutcome
from touchstream.schemas.touchpoints.calls import CallEnded
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
from touchstream.schemas.units import DAY_MS, HOUR_MS
from touchstream.streams.learn.ledger import is_activity

Events = Sequence[Event]
LEAVING = {"pricing", "cancel", "plan"}
"""The words of the way out that stand in :mod:`tests.strategies`."""


def decayed(amounts: Iterable[tuple[int, float]], now_ms: int, half_life_days: float) -> float:
    """Sum of amount x 2^-(age / half-life)."""
    return sum(
        amount * float(2.0 ** (-(now_ms - at_ms) / DAY_MS / half_life_days))
        for at_ms, amount in amounts
    )


def half(value: float) -> float:
    """A value rounded to a half float."""
    return float(struct.unpack("<e", struct.pack("<e", value))[0])


def features_of(events: Events, now_ms: int) -> dict[str, float]:
    """Every feature by its definition from all events so far; NaN is missing.

    There is at least one event, and no two are of one moment.
    """
    return {
        **_activity_features(events, now_ms),
        **_money_features(events, now_ms),
        **_service_features(events, now_ms),
        **_engagement_features(events, now_ms),
    }


def _active(events: Events) -> list[int]:
    """Times of the signs of life, in order."""
    return sorted(
        e.time_ms
        for e in events
        if is_activity(e, TOUCHPOINTS[e.type].by_customer(e.data), ChurnRules())
    )


def _activity_features(events: Events, now_ms: int) -> dict[str, float]:
    active = _active(events)
    known = (now_ms - min(e.time_ms for e in events)) / DAY_MS
    silence = (now_ms - active[-1]) / DAY_MS if active else nan
    week, month, quarter, year = (
        decayed([(at, 1.0) for at in active], now_ms, half_life) for half_life in (7, 28, 91, 364)
    )
    return {
        "silence_days": log1p(silence),
        "known_days": log1p(known),
        "activity_count": log1p(len(active)),
        "activity_week": log1p(week),
        "activity_month": log1p(month),
        "activity_quarter": log1p(quarter),
        "activity_year": log1p(year),
        **_rhythm_features(events),
    }


def _rhythm_features(events: Events) -> dict[str, float]:
    """Of ln(days) between visits, in the order in which they came; one comes after six hours."""
    gaps: list[float] = []
    newest: int | None = None
    for at_ms in (e.time_ms for e in events if _active([e])):
        if newest is not None and at_ms - newest >= 6 * HOUR_MS:
            gaps.append(log((at_ms - newest) / DAY_MS))
        newest = at_ms if newest is None else max(newest, at_ms)
    return {
        "gap_count": log1p(len(gaps)),
        "gap_usual": mean(gaps) if gaps else nan,
        "gap_spread": stdev(gaps) if len(gaps) > 1 else nan,
        "gap_last": gaps[-1] if gaps else nan,
    }


def _money_features(events: Events, now_ms: int) -> dict[str, float]:
    orders = [(e.time_ms, e.data) for e in events if isinstance(e.data, OrderPlaced)]
    returns = [e.data for e in events if isinstance(e.data, OrderReturned)]
    if not orders:
        names = ("spend_minor", "spend_quarter_minor", "order_value_minor", "returned_share")
        return dict.fromkeys(names, nan)
    currencies = [order.currency for _, order in orders]
    main = max(currencies, key=lambda name: (currencies.count(name), name))
    amounts = [(at, float(order.amount_minor)) for at, order in orders if order.currency == main]
    spent = sum(amount for _, amount in amounts)
    returned = sum(back.amount_minor for back in returns if back.currency == main)
    return {
        "spend_minor": log1p(spent),
        "spend_quarter_minor": log1p(decayed(amounts, now_ms, 91)),
        "order_value_minor": log1p(spent / len(amounts)),
        "returned_share": min(1.0, returned / spent) if spent else nan,
    }


def _service_features(events: Events, now_ms: int) -> dict[str, float]:
    waiting = [(now_ms - opened) / DAY_MS for opened in _open_tickets(events)]
    return {
        "open_ticket_count": float(len(waiting)),
        "oldest_open_ticket_days": log1p(max(waiting)) if waiting else nan,
        "ticket_month": _month_of("ticket", events, now_ms),
        "call_month": _month_of("call", events, now_ms),
        **_friction_features(events, now_ms),
        "payment_failed_month": _month_of("payment", events, now_ms),
    }


def _friction_features(events: Events, now_ms: int) -> dict[str, float]:
    calls = [(e.time_ms, e.data) for e in events if isinstance(e.data, CallEnded)]
    waits = [(at, (call.queue_s or 0.0) + (call.hold_s or 0.0)) for at, call in calls]
    handed = [(at, float(call.transfers or 0)) for at, call in calls]
    reopened = [(e.time_ms, 1.0) for e in events if isinstance(e.data, TicketReopened)]
    newest = max(calls, key=lambda emitted: emitted[0])[1] if calls else None
    return {
        "reopened_month": log1p(decayed(reopened, now_ms, 28)),
        "transfers_month": log1p(decayed(handed, now_ms, 28)),
        "wait_month_s": log1p(decayed(waits, now_ms, 28)),
        "call_last_s": log1p(newest.duration_s) if newest else nan,
        "call_last_wait_s": log1p(max(waits)[1]) if newest else nan,
    }


def _open_tickets(events: Events) -> list[int]:
    """First mention of every ticket that is open by the last word about it."""
    words: dict[str, list[tuple[int, bool]]] = {}
    for e in events:
        if isinstance(e.data, TicketOpened | TicketReopened | TicketResolved):
            opened = not isinstance(e.data, TicketResolved)
            words.setdefault(e.data.ticket, []).append((e.time_ms, opened))
    return [min(predictions)[0] for predictions in words.values() if max(predictions)[1]]


def _engagement_features(events: Events, now_ms: int) -> dict[str, float]:
    running, days_left = _subscription(events, now_ms)
    return {
        "web_month": _month_of("web", events, now_ms),
        "leaving_month": _leaving(events, now_ms),
        "email_month": _month_of("email", events, now_ms),
        "content_month": _month_of("content", events, now_ms),
        "survey_score": _survey_score(events),
        "subscription_running": running,
        "subscription_days_left": days_left,
    }


def _leaving(events: Events, now_ms: int) -> float:
    texts = [
        (e.time_ms, f"{e.data.page} {e.data.search or ''}")
        for e in events
        if isinstance(e.data, WebVisit)
    ]
    forms = [(e.time_ms, e.data.form) for e in events if isinstance(e.data, WebFormSubmitted)]
    looks = [
        (at, 1.0)
        for at, text in texts + forms
        if set("".join(c if c.isalpha() else " " for c in text.lower()).split()) & LEAVING
    ]
    return log1p(decayed(looks, now_ms, 28))


def _month_of(family: str, events: Events, now_ms: int) -> float:
    mine = [(e.time_ms, 1.0) for e in events if TOUCHPOINTS[e.type].family == family]
    return log1p(decayed(mine, now_ms, 28))


def _survey_score(events: Events) -> float:
    best = {"nps": 10.0, "csat": 5.0, "ces": 7.0}
    answers = [
        (e.time_ms, min(1.0, e.data.score / (e.data.score_max or best[e.data.kind])))
        for e in events
        if isinstance(e.data, SurveyAnswered) and e.data.score is not None
    ]
    return max(answers)[1] if answers else nan


def _subscription(events: Events, now_ms: int) -> tuple[float, float]:
    """(1 while it runs, days left)."""
    facts = [
        (e.time_ms, e.data)
        for e in events
        if isinstance(
            e.data,
            SubscriptionStarted | SubscriptionRenewed | SubscriptionChanged | SubscriptionCancelled,
        )
    ]
    if not facts:
        return nan, nan
    at_ms, fact = max(facts, key=lambda emitted: emitted[0])
    if isinstance(fact, SubscriptionCancelled):
        return 0.0, nan
    if fact.term_days is None:
        return 1.0, nan
    left = fact.term_days - (now_ms - at_ms) / DAY_MS
    return (1.0, min(365.0, left)) if left > 0 else (0.0, nan)


def is_subscribed(events: Events, now_ms: int) -> bool:
    """Whether a subscription runs."""
    running, _ = _subscription(events, now_ms)
    return not isnan(running) and running == 1.0


def churned(before: Events, after: Events, at_ms: int, rules: ChurnRules) -> int:
    """The label of a snapshot at ``at_ms``: ``before`` was known then, ``after`` came in time."""
    window = [e for e in after if at_ms < e.time_ms <= at_ms + rules.horizon_days * DAY_MS]
    if any(e.type in rules.cancel for e in window):
        return 1
    return 0 if is_subscribed(before, at_ms) or _active(window) else 1


def returned(after: Events, at_ms: int, rules: ChurnRules) -> int:
    """The label of a former customer's snapshot at ``at_ms``; ``after`` came in time."""
    window = [e for e in after if at_ms < e.time_ms <= at_ms + rules.horizon_days * DAY_MS]
    return int(bool(_active([e for e in window if e.type not in rules.cancel])))


def treated(after: Events, at_ms: int, rules: ChurnRules) -> bool:
    """True: an action reached the customer in the window."""
    return any(
        isinstance(e.data, ActionOutcome)
        and e.data.outcome in {"sent", "delivered"}
        and at_ms < e.time_ms <= at_ms + rules.horizon_days * DAY_MS
        for e in after
    )
