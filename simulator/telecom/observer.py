"""The best possible prediction from touchpoints alone, by exact filtering.

The observer knows the law, but of a customer only the touchpoints and whether there is a contract.
The hidden rest is finite: segment, rhythm, state of the law, and whether the customer has left
without a word. So Bayes' rule can be applied day by day without approximation (the forward
algorithm: Rabiner 1989). The gap between observer and truth cannot be learnt from touchpoints.

Two things are left out: the customers' second messages to tickets, and noise of transport. Use it
with ``SILENCE``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from touchstream.simulator.customers import Floats, Ints
from touchstream.simulator.outlook import Outlook
from touchstream.simulator.telecom.contacts import (
    BEST_SCORE,
    LEAVING_PAGES,
    LEAVING_SHARE,
    MANY_TRANSFERS,
    MOOD,
)
from touchstream.simulator.telecom.law import (
    EXPIRED_SHARE,
    GRIEVANCE,
    OPENED_SHARE,
    STATES,
    at_rest,
    busy,
    hazards,
    risks,
    signs_of_life,
    silences,
    transitions,
)
from touchstream.simulator.telecom.operator import CAUSES, RHYTHMS, SEGMENTS, USAGE, Operator

USES, CALM_VISITS, LEAVING_VISITS, OPENED, UNOPENED = range(5)
_FIRST_SCORE = 5
_COUNTED = _FIRST_SCORE + BEST_SCORE
"""What is counted of a day: the five above, then surveys by score."""
_OWN = frozenset(
    {
        "content.streamed",
        "email.opened",
        "order.placed",
        "subscription.changed",
        "subscription.renewed",
        "survey.answered",
        "ticket.opened",
        "web.visit",
    }
)
"""Types that show that the customer is still there."""


class Observer:
    """Reads one day after the other, and predicts.

    ``belief`` has the shape (segments, customers, rhythms, 10): P(still there, all hidden values);
    ``gone`` is P(has left without a word). They add up to 1 for each who has not cancelled.
    """

    def __init__(self, operator: Operator, names: Sequence[str]) -> None:
        self._operator, self._names = operator, names
        self._index = {name: place for place, name in enumerate(names)}
        count = len(names)
        self._belief = np.zeros((len(SEGMENTS), count, len(RHYTHMS), STATES))
        self._gone = np.zeros(count)
        self._contract = np.zeros(count, np.bool_)
        self._here = np.zeros(count, np.bool_)
        self._next_day = 0
        self._hazard = hazards(operator)
        pairs = [transitions(operator, segment) for segment in SEGMENTS]
        self._without, self._having = (np.array(side) for side in zip(*pairs, strict=True))
        self._causes = [CAUSES.index(kind.cause) if kind.cause else -1 for kind in SEGMENTS]
        self._likelihood = _likelihoods()

    def see(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Take the arrivals of the next day, each event once."""
        seen = _Seen(len(self._names))
        for event in events:
            who = self._index.get(event["subject"])
            if who is not None:
                seen.note(who, event["type"], event["data"])
        self._contract[list(seen.contracts)] = True
        self._leave(seen.cancelled)
        self._welcome(seen.came)
        self._move(seen.incidents)
        self._weigh(seen.counts, seen.alive)
        self._next_day += 1

    def foresee(self, customers: Sequence[str], horizon_days: int) -> Mapping[str, Outlook]:
        """Predict customers, not known to have left, from the end of the last day seen."""
        who = np.array([self._index[name] for name in customers], np.int64)
        belief, gone = self._belief[:, who], self._gone[who]
        leaves = (belief * risks(self._operator, horizon_days)[:, None, None, :]).sum(
            axis=(0, 2, 3)
        )
        weekday = self._next_day % 7
        silent = silences(self._operator, horizon_days, weekday)[:, None]
        quiet = gone + (belief * silent).sum(axis=(0, 2, 3))
        # Of the leavers with a contract who are still there, some will not cancel.
        labelled = np.where(self._contract[who], leaves * (1 - EXPIRED_SHARE), quiet)
        pairs = zip(customers, (gone + leaves).tolist(), labelled.tolist(), strict=True)
        return {name: Outlook(*pair) for name, *pair in pairs}

    def _leave(self, ended: set[int]) -> None:
        """Those who cancelled are no longer asked for; others may have left without a word."""
        self._here[list(ended)] = False
        share = np.where(self._contract, EXPIRED_SHARE, 1.0)
        leaves = (self._belief * self._hazard).sum(axis=(0, 2, 3))
        self._belief *= 1 - self._hazard
        self._gone += share * leaves * self._here
        self._normalise()

    def _welcome(self, came: set[int]) -> None:
        """The prior of a customer who is new to us."""
        for who in came:
            self._here[who] = True
            for place, segment in enumerate(SEGMENTS):
                if segment.contract == self._contract[who]:
                    states = (
                        np.eye(STATES)[0] if self._next_day else at_rest(self._operator, segment)
                    )
                    self._belief[place, who] = segment.share / len(RHYTHMS) * states
        self._normalise()

    def _move(self, incidents: set[tuple[int, int]]) -> None:
        """Apply the law of a day, given the incidents seen."""
        before = self._belief
        segments, count, rhythms, _ = before.shape
        flat = before.reshape(segments, count * rhythms, STATES)
        self._belief = (flat @ self._without).reshape(before.shape)
        for place, cause in enumerate(self._causes):
            if cause == USAGE:  # no event tells of it
                self._belief[place] += before[place] @ self._having[place]
        chance = self._operator.chance_incident
        odds = chance / (1 - chance)
        for who, cause in sorted(incidents):
            own = np.array(self._causes) == cause
            moved = np.matmul(before[own, who], self._having[own])
            self._belief[own, who] *= 0
            self._belief[own, who] += moved
            self._belief[~own, who] *= odds
        # Every other cause that did not befall them has the chance 1 - chance.
        others = np.array([sum(own != cause for cause in range(USAGE)) for own in self._causes])
        self._belief *= ((1 - chance) ** others)[:, None, None, None]

    def _weigh(self, seen: Floats, alive: set[int]) -> None:
        """Weight each hypothesis by its likelihood (Bayes)."""
        self._belief *= self._nothing()[:, None]
        busy_ones: Ints = np.flatnonzero(seen.any(axis=0))
        if len(busy_ones):
            logs = np.tensordot(seen[:, busy_ones].T, self._likelihood, 1)
            self._belief[:, busy_ones] *= np.exp(np.moveaxis(logs, 0, 1))
        self._gone[list(alive)] = 0.0
        self._normalise()

    def _nothing(self) -> Floats:
        """P(does nothing today | still there, hidden values), (segments, rhythms, 10)."""
        return np.exp([-signs_of_life(self._operator, segment) for segment in SEGMENTS])

    def _normalise(self) -> None:
        total = self._belief.sum(axis=(0, 2, 3)) + self._gone
        scale = np.where(total > 0, 1 / np.where(total > 0, total, 1.0), 0.0)
        self._belief *= scale[None, :, None, None]
        self._gone *= scale


class _Seen:
    """A day's arrivals, by customer."""

    def __init__(self, customers: int) -> None:
        self.counts = np.zeros((_COUNTED, customers))
        self.came: set[int] = set()
        self.contracts: set[int] = set()
        self.cancelled: set[int] = set()
        self.alive: set[int] = set()
        self.incidents: set[tuple[int, int]] = set()

    def note(self, who: int, kind: str, data: Mapping[str, Any]) -> None:
        turns = {
            "customer.updated": self.came,
            "subscription.started": self.contracts,
            "subscription.cancelled": self.cancelled,
        }
        if kind in turns:
            turns[kind].add(who)
        for place in _places(kind, data):
            self.counts[place, who] += 1
        cause = _incident(kind, data)
        if cause is not None:
            self.incidents.add((who, cause))
        if _is_own(kind, data):
            self.alive.add(who)


def _likelihoods() -> Floats:
    """Log-likelihood of one of each thing counted, up to a constant.

    Shape (things, segments, rhythms, 10).
    """
    factor = np.log([busy(segment) for segment in SEGMENTS])
    leaving = LEAVING_SHARE[GRIEVANCE]
    activity = np.array([segment.activity for segment in SEGMENTS])[:, GRIEVANCE]
    opened = np.broadcast_to((OPENED_SHARE * activity)[:, None, :], factor.shape)
    mood = MOOD[GRIEVANCE]
    scores = [
        np.broadcast_to(up * np.log(mood) + (BEST_SCORE - 1 - up) * np.log1p(-mood), factor.shape)
        for up in range(BEST_SCORE)
    ]
    return np.array(
        [
            factor,
            factor + np.log1p(-leaving),
            factor + np.log(leaving),
            np.log(opened) - np.log1p(-opened),
            np.log1p(-opened),
            *scores,
        ]
    )


def _places(kind: str, data: Mapping[str, Any]) -> tuple[int, ...]:
    """What an event counts for."""
    if kind in {"content.streamed", "order.placed"}:
        return (USES,)
    if kind == "web.visit":
        return (LEAVING_VISITS if data["page"] in LEAVING_PAGES else CALM_VISITS,)
    if kind == "email.opened":
        return (OPENED,)
    if kind == "email.delivered":
        return (UNOPENED,)
    if kind == "survey.answered":
        return (_FIRST_SCORE + data["score"] - 1,)
    return ()


def _incident(kind: str, data: Mapping[str, Any]) -> int | None:
    if kind == "ticket.reopened":
        return CAUSES.index("ticket")
    if kind == "payment.failed":
        return CAUSES.index("payment")
    if kind == "call.ended" and data["transfers"] >= MANY_TRANSFERS[0]:
        return CAUSES.index("call")
    return None


def _is_own(kind: str, data: Mapping[str, Any]) -> bool:
    """Whether the customer, who is then still there, did it."""
    return kind in _OWN or (kind == "call.ended" and data["direction"] == "inbound")
