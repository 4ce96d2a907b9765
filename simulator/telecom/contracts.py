"""Arrivals, terms, renewals, and the end of a relation."""

import numpy as np

from touchstream.simulator import words
from touchstream.simulator.customers import Flags, Ints
from touchstream.simulator.event_log import CURRENCY, Event, hours
from touchstream.simulator.subscriptions import (
    CONSENT_SHARE,
    HANDING_OVER_HOURS,
    PRICE_RISE,
    RENEWALS_UNTIL_HOUR,
)
from touchstream.simulator.telecom.contacts import FIRST_HOUR, Shift, usual_call
from touchstream.simulator.telecom.operator import SEGMENTS
from touchstream.simulator.telecom.population import PLANS, Cast

MONTH_DAYS = 30
CHANGED_SHARE = 0.06
"""Share of the renewals that go over to a dearer plan."""
LEAVING_HOURS = (8.0, 20.0)
FINAL_CALL_SHARE = 0.3
"""Of those who cancelled: they call once more, about the final bill."""
FINAL_CALL_DAYS = (2, 21)
REASONS = {"ticket": "service", "call": "service", "payment": "payment", "usage": "unused"}


class Contracts:
    """The price of each customer's term."""

    def __init__(self, cast: Cast) -> None:
        months = cast.term_days / MONTH_DAYS
        self._amount_minor = (np.array([price for _, price in PLANS])[cast.plan] * months).astype(
            np.int64
        )

    def write(self, shift: Shift, arriving: Flags, renewing: Flags) -> None:
        """Write down the arrivals and renewals of today."""
        for who in np.flatnonzero(arriving).tolist():
            self._arrive(shift, who)
        for who in np.flatnonzero(renewing).tolist():
            self._renew(shift, who)

    def _arrive(self, shift: Shift, who: int) -> None:
        rng = shift.rng
        # On the first day the CRM hands over its customers; later ones sign up before they act.
        first_day = int(shift.cast.start_day[who]) < 0
        offset_ms = hours(rng.uniform(*HANDING_OVER_HOURS) if first_day else 0.1)
        region = words.REGIONS[int(rng.integers(len(words.REGIONS)))]
        shift.note("customer.updated", who, offset_ms, {"attributes": {"region": region}})
        consent = {"purpose": "marketing", "granted": bool(rng.random() < CONSENT_SHARE)}
        shift.note("consent.changed", who, offset_ms + 1, consent)
        term_days = int(shift.cast.term_days[who])
        if term_days:
            gone_days = (shift.day - int(shift.cast.start_day[who])) % term_days
            terms = self._terms(shift.cast, who, term_days - gone_days)
            shift.note("subscription.started", who, offset_ms + 2, terms)

    def _renew(self, shift: Shift, who: int) -> None:
        kind = "subscription.renewed"
        if shift.rng.random() < CHANGED_SHARE:
            kind = "subscription.changed"
            self._amount_minor[who] = int(self._amount_minor[who] * PRICE_RISE)
        terms = self._terms(shift.cast, who, int(shift.cast.term_days[who]))
        shift.note(kind, who, hours(shift.rng.uniform(0.2, RENEWALS_UNTIL_HOUR)), terms)

    def _terms(self, cast: Cast, who: int, term_days: int) -> Event:
        return {
            "plan": PLANS[int(cast.plan[who])][0],
            "amount_minor": int(self._amount_minor[who]),
            "currency": CURRENCY,
            "term_days": term_days,
        }


def renewal_due(cast: Cast, day: int) -> Flags:
    """Contracts whose further term begins on ``day``; those of the first day are handed over."""
    age = day - cast.start_day
    due: Flags = cast.contract & (age > 0) & (day > 0) & (age % np.maximum(cast.term_days, 1) == 0)
    return due


def write_leaving(shift: Shift, leavers: Ints) -> Ints:
    """End the relation of ``leavers`` today; returns their moments (ms since midnight).

    With a contract they cancel, or let the term end; without one they just stop.
    """
    rng, cast = shift.rng, shift.cast
    moments = [hours(rng.uniform(*LEAVING_HOURS)) for _ in leavers.tolist()]
    for who, moment_ms in zip(leavers.tolist(), moments, strict=True):
        name = shift.names[who]
        if cast.contract[who] and not cast.expires[who]:
            cause = SEGMENTS[int(cast.segment[who])].cause
            reason = {"reason": REASONS[cause] if cause and shift.grievance[who] else "moved"}
            shift.note("subscription.cancelled", who, moment_ms, reason)
            if rng.random() < FINAL_CALL_SHARE:
                day = shift.day + int(rng.integers(*FINAL_CALL_DAYS))
                call = usual_call(rng, shift.log.number(), inbound=True)
                shift.log.plan_afterword(day, "call.ended", name, hours(FIRST_HOUR + 3), call)
        shift.log.end(name, moment_ms)
    return np.array(moments, np.int64)
