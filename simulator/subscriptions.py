"""Arrivals, renewals, payments, departures: the visible part of ``simulator/hazard.py``."""

import numpy as np

from touchstream.schemas.units import DAY_MS, HOUR_MS, MINUTE_MS
from touchstream.simulator import words
from touchstream.simulator.customers import Flags, Ints, Traits
from touchstream.simulator.event_log import CURRENCY, ERASED, Event, hours
from touchstream.simulator.segments import SEGMENTS
from touchstream.simulator.today import Today

PRICE_RISE = 1.15
RENEWALS_UNTIL_HOUR = 5
"""Renewals are booked at night: no midnight falls between the end of a term and the next one."""
SIGN_UP_HOURS = (8.0, 20.0)
HANDING_OVER_HOURS = (0.0, 0.1)
"""On the first day the CRM hands over its customers, as the night begins."""
CONSENT_SHARE = 0.75
ALIAS_SHARE = 0.4
WRONG_ALIAS_SHARE = 0.04
ERASURE_SHARE = 0.03
ERASURE_DAYS = 14
"""After leaving; by then all events about the customer have arrived, however late."""
RESENTED_PRICE = 0.3


class Subscriptions:
    """Prices by customer; the price of a term changes at renewals only."""

    def __init__(self, traits: Traits) -> None:
        plans = [SEGMENTS[segment].plans for segment in traits.segment.tolist()]
        chosen = [plan[index] for plan, index in zip(plans, traits.plan.tolist(), strict=True)]
        self._plan = [name for name, _ in chosen]
        self._amount_minor = [amount for _, amount in chosen]

    def prices_minor(self) -> Ints:
        """The present price of each customer's term; 0 without terms."""
        return np.array(self._amount_minor, np.int64)

    def write(self, today: Today) -> None:
        """Write down arrivals, renewals and failed payments of today."""
        for index in np.flatnonzero(_arriving(today)).tolist():
            self._arrive(today, index)
        happenings = today.happenings
        for index in np.flatnonzero(happenings.renewed).tolist():
            self._renew(today, index, repriced=bool(happenings.repriced[index]))
        for index in np.flatnonzero(happenings.payment_failed).tolist():
            reason = words.REFUSALS[int(today.rng.integers(len(words.REFUSALS)))]
            amount = {"amount_minor": self._amount_minor[index], "currency": CURRENCY}
            self._note(today, "payment.failed", index, {**amount, "reason": reason})

    def _arrive(self, today: Today, index: int) -> None:
        name, event_log = today.names[index], today.event_log
        offset_ms = hours(today.rng.uniform(*(SIGN_UP_HOURS if today.day else HANDING_OVER_HOURS)))
        event_log.note("customer.updated", name, offset_ms, _attributes(today, index))
        granted = bool(today.rng.random() < CONSENT_SHARE)
        consent = {"purpose": "marketing", "granted": granted}
        event_log.note("consent.changed", name, offset_ms + 2, consent)
        if today.traits.term_days[index]:
            terms = self._terms(index, _days_to_renewal(today, index))
            event_log.note("subscription.started", name, offset_ms + 1, terms)
        if today.rng.random() < ALIAS_SHARE:
            _identify(today, name, offset_ms)

    def _renew(self, today: Today, index: int, *, repriced: bool) -> None:
        kind = "subscription.renewed"
        if repriced:
            kind = "subscription.changed"
            self._amount_minor[index] = int(self._amount_minor[index] * PRICE_RISE)
        terms = self._terms(index, int(today.traits.term_days[index]))
        self._note(today, kind, index, terms)

    def _terms(self, index: int, term_days: int) -> Event:
        return {
            "plan": self._plan[index],
            "amount_minor": self._amount_minor[index],
            "currency": CURRENCY,
            "term_days": term_days,
        }

    def _note(self, today: Today, kind: str, index: int, data: Event) -> None:
        offset_ms = int(today.rng.integers(0, RENEWALS_UNTIL_HOUR * HOUR_MS))
        today.event_log.note(kind, today.names[index], offset_ms, data)


def _arriving(today: Today) -> Flags:
    """On the first day, those who came before it: the CRM hands them over."""
    arriving: Flags = today.here & (np.maximum(today.traits.start_day, 0) == today.day)
    return arriving


def _days_to_renewal(today: Today, index: int) -> int:
    term_days = int(today.traits.term_days[index])
    return term_days - (today.day - int(today.traits.start_day[index])) % term_days


def _attributes(today: Today, index: int) -> Event:
    rng = today.rng

    def one(among: tuple[str, ...]) -> str:
        return among[int(rng.integers(len(among)))]

    segment = SEGMENTS[int(today.traits.segment[index])]
    attributes: Event = {
        "region": one(words.REGIONS),
        "language": one(words.LANGUAGES),
        "time_zone": one(words.TIME_ZONES),
        "plan": segment.plans[int(today.traits.plan[index])][0],
    }
    if segment.sales_led:
        attributes |= {"sector": one(words.SECTORS), "role": one(words.ROLES)}
        attributes |= {"owner": one(words.OWNERS), "account": f"account-{index // 3}"}
    else:
        attributes |= {"age": int(rng.integers(18, 85)), "gender": one(words.GENDERS)}
    return {"attributes": attributes}


def _identify(today: Today, name: str, offset_ms: int) -> None:
    alias = {"alias": f"cookie-{today.event_log.number()}"}
    today.event_log.note("customer.identified", name, offset_ms + 5 * MINUTE_MS, alias)
    if today.rng.random() < WRONG_ALIAS_SHARE:
        days = int(today.rng.integers(1, 20))
        today.event_log.note("customer.unlinked", name, offset_ms + days * DAY_MS, alias)


def write_leaving(today: Today, leavers: Ints, moments_ms: Ints) -> None:
    """End the stories of ``leavers`` at their moments (ms since midnight), cancelled or silent."""
    for index, moment_ms in zip(leavers.tolist(), moments_ms.tolist(), strict=True):
        name = today.names[index]
        today.event_log.end(name, moment_ms)
        if not today.traits.silent[index]:
            reason = {"reason": _reason(today, index)}
            today.event_log.note("subscription.cancelled", name, moment_ms, reason)
        if today.rng.random() < ERASURE_SHARE:
            today.event_log.unmention(name)
            today.event_log.note(ERASED, name, moment_ms + ERASURE_DAYS * DAY_MS, {})


def _reason(today: Today, index: int) -> str:
    latent = today.latent
    if latent.price[index] > RESENTED_PRICE:
        return "price"
    if latent.open_tickets[index]:
        return "service"
    return "payment" if latent.owed[index] else "unused"
