"""Reasons, counted again from a customer's events alone, slowly and plainly."""

from collections.abc import Callable, Sequence
from math import exp, log

import pytest

from tests import oracles
from touchstream.schemas.emissions.risk import Reason
from touchstream.schemas.envelope import Event, parse_time
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.schemas.touchpoints.calls import CallEnded
from touchstream.schemas.touchpoints.orders import OrderPlaced
from touchstream.schemas.touchpoints.subscriptions import SubscriptionCancelled
from touchstream.schemas.touchpoints.surveys import SurveyAnswered
from touchstream.schemas.touchpoints.tickets import TicketOpened, TicketReopened, TicketResolved
from touchstream.schemas.touchpoints.web import WebFormSubmitted, WebVisit
from touchstream.schemas.units import DAY_MS, Millis

ABOVE_RAISES = {
    "silence",
    "returned_share",
    "open_tickets",
    "open_ticket_age",
    "tickets_opened_28_days",
    "tickets_reopened_28_days",
    "calls_28_days",
    "call_wait",
    "call_transfers",
    "payments_failed_28_days",
    "leaving_views_28_days",
}
BELOW_RAISES = {
    "activity_7_days",
    "activity_28_days",
    "activity_91_days",
    "spending_91_days",
    "survey_score",
    "term_end",
}
FAMILIES = {"web_28_days": "web", "emails_28_days": "email", "content_28_days": "content"}
RARE = {
    "tickets_opened_28_days": "ticket.opened",
    "tickets_reopened_28_days": "ticket.reopened",
    "calls_28_days": "call.ended",
    "payments_failed_28_days": "payment.failed",
}


def check(reason: Reason, events: Sequence[Event], at_ms: Millis) -> None:
    """The parts of a sentence, against the events in their order of arrival."""
    assert reason.value is not None
    value = truth(reason, events, at_ms)
    if reason.bound == "at_least":
        assert value >= reason.value - 1e-6
    elif reason.bound == "at_most":
        assert value <= reason.value + 1e-6
    else:
        assert reason.value == pytest.approx(value, abs=1e-3)
    if reason.compared_with == "own":
        assert reason.usual == pytest.approx(own_usual(reason, events, at_ms), rel=1e-3, abs=1e-3)
    if reason.usual is not None:
        assert reason.value != reason.usual
        above = reason.value > reason.usual
        if reason.kind in ABOVE_RAISES:
            assert above == (reason.direction == "raises")
        if reason.kind in BELOW_RAISES:
            assert above == (reason.direction == "lowers")


def truth(reason: Reason, events: Sequence[Event], at_ms: Millis) -> float:
    """The value of the fact."""
    kind = reason.kind or ""
    if kind.startswith("call_"):
        assert _age(_at(reason), at_ms) < 28
        return _last_call(reason, events)
    if kind.startswith("subscription_"):
        _check_subscription(reason, events, at_ms)
        return _age(_at(reason), at_ms)
    if kind in SINGLE:
        return SINGLE[kind](reason, events, at_ms)
    return _counted(reason, events, at_ms)


def _spending(reason: Reason, events: Sequence[Event], at_ms: Millis) -> float:
    assert reason.currency == _main_currency(events)
    return sum(amount for at, amount in _main_orders(events) if _age(at, at_ms) < 91)


def _survey(reason: Reason, events: Sequence[Event], at_ms: Millis) -> float:
    assert _at(reason) == max(one.time_ms for one in events if _is_answer(one))
    return oracles._survey_score(events)


def _term_end(reason: Reason, events: Sequence[Event], at_ms: Millis) -> float:
    running, left_days = oracles._subscription(events, at_ms)
    assert running == 1.0
    return left_days


SINGLE: dict[str, Callable[[Reason, Sequence[Event], Millis], float]] = {
    "open_ticket_age": lambda _, events, at: max(
        _age(o, at) for o in oracles._open_tickets(events)
    ),
    "open_tickets": lambda _, events, __: float(len(oracles._open_tickets(events))),
    "returned_share": lambda _, events, at: oracles._money_features(events, at)["returned_share"],
    "spending_91_days": _spending,
    "survey_score": _survey,
    "term_end": _term_end,
}


def _counted(reason: Reason, events: Sequence[Event], at_ms: Millis) -> float:
    kind = reason.kind or ""
    if kind == "silence":
        # Before the first sign of life the customer is silent for at least as long as known.
        signs = oracles._active(events) or [min(one.time_ms for one in events)]
        return _age(max(signs), at_ms)
    if kind.startswith("activity"):
        window = int(kind.split("_")[1])
        return float(sum(_age(at, at_ms) < window for at in oracles._active(events)))
    if kind in FAMILIES:
        mine = _family(FAMILIES[kind], events)
        return float(sum(_age(at, at_ms) < 28 for at in mine))
    today = at_ms // DAY_MS
    return float(sum(today - 28 < at // DAY_MS <= today for at in _rare(kind, events)))


def _rare(kind: str, events: Sequence[Event]) -> list[int]:
    if kind in RARE:
        return [one.time_ms for one in events if one.type == RARE[kind]]
    assert kind == "leaving_views_28_days"
    return [one.time_ms for one in events if _is_leaving(one)]


def _is_leaving(one: Event) -> bool:
    if isinstance(one.data, WebVisit):
        words = f"{one.data.page} {one.data.search or ''}"
    elif isinstance(one.data, WebFormSubmitted):
        words = one.data.form
    else:
        return False
    letters = "".join(sign if sign.isalpha() else " " for sign in words.lower())
    return bool(set(letters.split()) & oracles.LEAVING)


def own_usual(reason: Reason, events: Sequence[Event], at_ms: Millis) -> float:
    """The customer's own average, over all the time they are known."""
    kind = reason.kind or ""
    known = _age(min(one.time_ms for one in events), at_ms)
    if kind == "silence":
        found = oracles._rhythm_features(events)
        assert found["gap_count"] >= log(4)
        return exp(found["gap_usual"])
    if kind.startswith("activity"):
        window, active = int(kind.split("_")[1]), oracles._active(events)
        return len(active) * window / _age(active[0], at_ms)
    if kind == "spending_91_days":
        return sum(amount for _, amount in _main_orders(events)) * 91 / known
    if kind in FAMILIES:
        return len(_family(FAMILIES[kind], events)) * 28 / known
    before = len(_rare(kind, events)) - _counted(reason, events, at_ms)
    return before * 28 / (known - 28)


def check_after_ticks(reason: Reason, events: Sequence[Event], at_ms: Millis) -> None:
    """As :func:`check`, of a profile whose resolved tickets were forgotten at ticks."""
    if reason.kind == "open_ticket_age":
        _check_oldest_ticket(reason, events, at_ms)
    else:
        check(reason, events, at_ms)


def _check_oldest_ticket(reason: Reason, events: Sequence[Event], at_ms: Millis) -> None:
    """A ticket that was resolved, forgotten and opened again counts from then."""
    ages = [_age(one.time_ms, at_ms) for one in events if _opens(one, events)]
    ages += [_age(at, at_ms) for at in oracles._open_tickets(events)]
    assert min(abs(age - (reason.value or 0.0)) for age in ages) < 1e-3


def _opens(one: Event, events: Sequence[Event]) -> bool:
    """Whether it opens a ticket that is open by the newest event about it."""
    if not isinstance(one.data, TicketOpened | TicketReopened):
        return False
    mine = [other for other in events if getattr(other.data, "ticket", None) == one.data.ticket]
    return not isinstance(max(mine, key=lambda other: other.time_ms).data, TicketResolved)


def _check_subscription(reason: Reason, events: Sequence[Event], at_ms: Millis) -> None:
    facts = [one for one in events if TOUCHPOINTS[one.type].family == "subscription"]
    newest = max(facts, key=lambda one: one.time_ms)
    running = oracles.is_subscribed(events, at_ms)
    assert running == (reason.direction == "lowers")
    if reason.kind == "subscription_expired":
        assert not running
        assert not isinstance(newest.data, SubscriptionCancelled)
        return
    assert newest.type.replace(".", "_") == reason.kind
    assert _at(reason) == newest.time_ms


def _last_call(reason: Reason, events: Sequence[Event]) -> float:
    newest = max(
        (one for one in events if isinstance(one.data, CallEnded)), key=lambda o: o.time_ms
    )
    assert isinstance(newest.data, CallEnded)
    assert _at(reason) == newest.time_ms
    match reason.kind:
        case "call_duration":
            return newest.data.duration_s
        case "call_wait":
            return (newest.data.queue_s or 0.0) + (newest.data.hold_s or 0.0)
        case _:
            return float(newest.data.transfers or 0)


def _is_answer(one: Event) -> bool:
    return isinstance(one.data, SurveyAnswered) and one.data.score is not None


def _main_orders(events: Sequence[Event]) -> list[tuple[int, float]]:
    main = _main_currency(events)
    return [
        (one.time_ms, float(one.data.amount_minor))
        for one in events
        if isinstance(one.data, OrderPlaced) and one.data.currency == main
    ]


def _main_currency(events: Sequence[Event]) -> str:
    names = [one.data.currency for one in events if isinstance(one.data, OrderPlaced)]
    return max(names, key=lambda name: (names.count(name), name))


def _family(family: str, events: Sequence[Event]) -> list[int]:
    return [one.time_ms for one in events if TOUCHPOINTS[one.type].family == family]


def _at(reason: Reason) -> int:
    assert reason.at is not None
    return parse_time(reason.at)


def _age(at_ms: int, now_ms: int) -> float:
    return (now_ms - at_ms) / DAY_MS
