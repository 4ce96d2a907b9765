"""The best possible prediction from touchpoints alone.

The oracle (``simulator/oracle.py``) reads each customer's hidden state. No model can: between two
signs of life a customer's interest is unknown. The observer knows the law of
``simulator/hazard.py`` and every rate, but sees only the customers' touchpoints. It is a particle
filter over rhythm, interest, fading, debts and age (Gordon, Salmond & Smith 1993) whose rhythms are
jittered at resampling (Liu & West 2001), with the probability that the customer has already left.
It is near the Bayes-optimal prediction, so no model can learn the gap between it and the oracle
from the touchpoints.

It ignores surveys, reviews and texts, takes a late event on the day it arrives, and knows of no
treatment: a model may beat it slightly, not by much.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from touchstream.simulator import words
from touchstream.simulator.customers import OLDEST_DAYS, RHYTHM_SHAPE, Flags, Floats, Ints, Traits
from touchstream.simulator.drift import Drift
from touchstream.simulator.habits import CALLS_PER_OPEN_TICKET
from touchstream.simulator.hazard import (
    FADING,
    FIRST_FADING_SHARE,
    FIRST_INTEREST,
    FORGETTING,
    HEALING,
    MOST_OPEN,
    MOST_OWED,
    PAYMENT,
    RECOVERY,
    Latent,
    daily_hazard,
    renewal_due,
)
from touchstream.simulator.mail import OPENED_SHARE
from touchstream.simulator.outlook import (
    CALL_RATES,
    CALLS,
    SIGN_RATES,
    SIGNS,
    Outlook,
    draw_outlooks,
)

Number = TypeVar("Number", bound=np.generic)

PARTICLES = 300
FUTURES = 300
"""Futures drawn per prediction; with 96 the ROC AUC was 0.012 lower, with 1,000 0.003 higher."""
RESAMPLE_EVERY_DAYS = 5
POOR = 0.5
"""Effective share of particles below which they are resampled."""
LATE_SHARE = 0.01
"""Share of renewals that do not arrive on their day, though the customer is there."""
RENEWALS = frozenset({"subscription.renewed", "subscription.changed"})
IMPOSSIBLE, TINY, MOST_GONE = -700.0, 1e-300, 1 - 1e-9
JITTER = 0.03
"""Standard deviation of log(rhythm) added at each resampling."""

PAGE_EVIDENCE = dict(
    zip(
        words.PAGES,
        np.log(np.array(words.FADING_PAGES) / np.array(words.CALM_PAGES)).tolist(),
        strict=True,
    )
)
"""Log-likelihood ratio of fading against calm, by page visited."""


class Particles(Struct, eq=False):
    """Hypotheses about each customer, shape (customers, particles); mutable."""

    rhythm: Floats
    interest: Floats
    fading: Flags
    owed: Ints
    start_day: Ints
    gone: Floats
    """P(has left silently | the rest of the hypothesis, the observations)."""
    evidence: Floats
    """Unnormalised log-weight."""


class Seen(Struct, eq=False):
    """A day's arrivals per customer, shape (customers,)."""

    signs: Floats
    calls: Floats
    pages: Floats
    """Sum of the pages' evidence."""
    delivered: Floats
    opened: Floats
    ticket_change: Floats
    failed: Floats
    repriced: Floats
    renewed: Floats
    """Renewals, those at another price included."""


class Observer:
    """Reads one day after the other, and predicts.

    Parameters
    ----------
    traits
        Segment, term and arrival are read; arrivals before the world's start, rhythm and silence
        are not.
    names
        In the order of ``traits``.
    """

    def __init__(
        self,
        seed: int,
        traits: Traits,
        names: Sequence[str],
        drift: Drift,
        particles: int = PARTICLES,
    ) -> None:
        self._rng = np.random.default_rng(seed)
        self._traits, self._drift = traits, drift
        self._index = {name: index for index, name in enumerate(names)}
        self._open = np.zeros(len(names), np.int64)
        self._price = np.zeros(len(names))
        self._silent = traits.per_segment("silent_share")
        self._particles = _first(self._rng, traits, particles)
        self._day = 0

    def see(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Take the arrivals of the next day, each event once."""
        seen = _seen(events, self._index)
        self._open = np.clip(self._open + seen.ticket_change, 0, MOST_OPEN).astype(np.int64)
        self._price = np.where(seen.repriced > 0, 1.0, self._price * FORGETTING)
        self._move(seen)
        self._weigh(seen)
        self._leave()
        self._day += 1
        if self._day % RESAMPLE_EVERY_DAYS == 0:
            self._resample()

    def foresee(
        self, customers: Sequence[str], horizon_days: int, futures: int = FUTURES
    ) -> Mapping[str, Outlook]:
        """Predict customers from the end of the last day seen.

        The customers are not known to have left: they have not cancelled, and let no term end.
        A possible silent departure counts in ``leaves``, and in ``labelled`` without a
        subscription: the ledger waits for the end of a running one.
        """
        if not customers:
            return {}
        who = np.array([self._index[customer] for customer in customers])
        chosen = _systematic(self._rng, self._particles.evidence[who], futures)
        clones = np.repeat(who, futures)
        cloud = self._particles
        latent = Latent(
            interest=_drawn(cloud.interest, who, chosen),
            fading=_drawn(cloud.fading, who, chosen),
            open_tickets=self._open[clones],
            owed=_drawn(cloud.owed, who, chosen),
            price=self._price[clones],
            relief=np.zeros(len(clones)),
            left=np.zeros(len(clones), np.bool_),
        )
        # Terms run from the true day: when the next renewal is due stands in every subscription.
        traits = msgspec.structs.replace(
            self._traits.take(clones), rhythm=_drawn(cloud.rhythm, who, chosen)
        )
        found = draw_outlooks(
            latent,
            traits,
            self._silent[clones],
            self._day,
            horizon_days,
            self._rng,
            self._drift,
        )
        gone = _drawn(cloud.gone, who, chosen)
        chances = (
            gone + (1 - gone) * found[0],
            gone * (traits.term_days == 0) + (1 - gone) * found[1],
        )
        means = [values.reshape(len(who), futures).mean(axis=1).tolist() for values in chances]
        return {name: Outlook(*pair) for name, *pair in zip(customers, *means, strict=True)}

    def _move(self, seen: Seen) -> None:
        """Apply the law of a day, except for the observations."""
        cloud, rng = self._particles, self._rng
        shape = cloud.interest.shape
        fades = self._traits.per_segment("fading_per_day")[:, None]
        chance = rng.random(shape)
        cloud.fading = np.where(cloud.fading, chance >= RECOVERY, chance < fades)
        cloud.interest = np.where(
            cloud.fading, cloud.interest * FADING, cloud.interest + (1 - cloud.interest) * HEALING
        )
        paid = (cloud.owed > 0) & (rng.random(shape) < PAYMENT)
        failed = ((seen.failed > 0) & (self._traits.term_days > 0))[:, None]
        cloud.owed = np.minimum(cloud.owed - paid + failed, MOST_OWED)

    def _weigh(self, seen: Seen) -> None:
        """Weight each hypothesis by its likelihood, still there or gone (Bayes)."""
        cloud, segment = self._particles, self._traits.segment
        busy = cloud.rhythm * self._drift.activity_on(self._day)
        calls = CALL_RATES[segment] * (1 + CALLS_PER_OPEN_TICKET * self._open)
        opens = OPENED_SHARE * cloud.interest
        unopened = np.maximum(seen.delivered - seen.opened, 0)[:, None]
        still_there = (
            _poisson(seen.signs, SIGN_RATES[segment][:, None] * busy * cloud.interest)
            + _poisson(seen.calls, calls[:, None] * busy)
            + cloud.fading * seen.pages[:, None]
            + seen.opened[:, None] * np.log(opens)
            + unopened * np.log1p(-opens)
            + self._missing_renewal(seen)[:, None]
        )
        alive = (seen.signs + seen.calls + seen.opened + seen.renewed > 0)[:, None]
        there = np.log1p(-cloud.gone) + still_there
        gone = np.where(alive, IMPOSSIBLE, np.log(cloud.gone + TINY))
        evidence = np.logaddexp(there, gone)
        here = self._here()
        cloud.gone = np.where(here, np.exp(gone - evidence), 0.0)
        cloud.evidence = cloud.evidence + np.where(here, evidence, 0.0)

    def _missing_renewal(self, seen: Seen) -> Floats:
        """Log-likelihood, given presence, of a due renewal that did not arrive."""
        missing = renewal_due(self._traits, self._day) & (seen.renewed == 0)
        return np.where(missing, np.log(LATE_SHARE), 0.0)

    def _here(self) -> Flags:
        """Customers who have arrived, shape (customers, 1)."""
        here: Flags = (self._traits.start_day <= self._day)[:, None]
        return here

    def _leave(self) -> None:
        """Some leave silently, as often as their segment does."""
        cloud = self._particles
        leaves = np.where(self._here(), (1 - cloud.gone) * self._hazard(), 0.0)
        silently = leaves * self._silent[:, None]
        left = 1 - leaves + silently
        cloud.gone = np.minimum((cloud.gone + silently) / left, MOST_GONE)
        cloud.evidence = cloud.evidence + np.log(left)

    def _hazard(self) -> Floats:
        cloud = self._particles
        customers, count = cloud.interest.shape
        clones = np.repeat(np.arange(customers), count)
        none = np.zeros(len(clones))
        latent = Latent(
            interest=cloud.interest.ravel(),
            fading=cloud.fading.ravel(),
            open_tickets=self._open[clones],
            owed=cloud.owed.ravel(),
            price=self._price[clones],
            relief=none,
            left=none > 0,
        )
        traits = self._traits.take(clones)
        traits = msgspec.structs.replace(traits, start_day=cloud.start_day.ravel())
        return daily_hazard(latent, traits, self._day, self._drift).reshape(customers, count)

    def _resample(self) -> None:
        cloud = self._particles
        count = cloud.evidence.shape[1]
        weights = _weights(cloud.evidence)
        poor = np.flatnonzero(1 / (weights**2).sum(axis=1) < POOR * count)
        if not len(poor):
            return
        chosen = _systematic(self._rng, cloud.evidence[poor], count)
        for name in ("rhythm", "interest", "fading", "owed", "start_day", "gone"):
            values = getattr(cloud, name)
            values[poor] = np.take_along_axis(values[poor], chosen, 1)
        cloud.rhythm[poor] *= np.exp(self._rng.normal(0.0, JITTER, (len(poor), count)))
        cloud.evidence[poor] = 0.0


def _first(rng: np.random.Generator, traits: Traits, particles: int) -> Particles:
    """The prior of a customer without observations."""
    shape = (len(traits.segment), particles)
    old = np.broadcast_to((traits.start_day < 0)[:, None], shape)
    fading = old & (rng.random(shape) < FIRST_FADING_SHARE)
    return Particles(
        rhythm=rng.gamma(RHYTHM_SHAPE, 1 / RHYTHM_SHAPE, shape),
        interest=np.where(fading, rng.uniform(FIRST_INTEREST, 1.0, shape), 1.0),
        fading=fading,
        owed=np.zeros(shape, np.int64),
        start_day=np.where(old, -rng.integers(1, OLDEST_DAYS, shape), traits.start_day[:, None]),
        gone=np.zeros(shape),
        evidence=np.zeros(shape),
    )


def _seen(events: Sequence[Mapping[str, Any]], index: Mapping[str, int]) -> Seen:
    seen = Seen(*(np.zeros(len(index)) for _ in Seen.__struct_fields__))
    for event in events:
        who = index.get(event["subject"])
        if who is not None:
            _note(seen, who, event)
    return seen


def _note(seen: Seen, who: int, event: Mapping[str, Any]) -> None:
    kind = event["type"]
    if kind in SIGNS:
        seen.signs[who] += 1
    if kind == "web.visit":
        seen.pages[who] += PAGE_EVIDENCE.get(event["data"]["page"], 0.0)
    if kind in RENEWALS:
        seen.renewed[who] += 1
    if kind in _COUNTED:
        name, change = _COUNTED[kind]
        getattr(seen, name)[who] += change


_COUNTED = {
    CALLS: ("calls", 1),
    "email.delivered": ("delivered", 1),
    "email.opened": ("opened", 1),
    "ticket.opened": ("ticket_change", 1),
    "ticket.reopened": ("ticket_change", 1),
    "ticket.resolved": ("ticket_change", -1),
    "payment.failed": ("failed", 1),
    "subscription.changed": ("repriced", 1),
}
"""Event type -> the count that it changes, and the amount."""


def _drawn(values: NDArray[Number], who: Ints, chosen: Ints) -> NDArray[Number]:
    """The chosen particles of each in ``who``, one after the other."""
    return np.take_along_axis(values[who], chosen, 1).ravel()


def _poisson(count: Floats, expected: Floats) -> Floats:
    """Log-likelihood up to a constant independent of the hypothesis."""
    log: Floats = count[:, None] * np.log(expected) - expected
    return log


def _weights(evidence: Floats) -> Floats:
    weights = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    shares: Floats = weights / weights.sum(axis=1, keepdims=True)
    return shares


def _systematic(rng: np.random.Generator, evidence: Floats, count: int) -> Ints:
    """Draw ``count`` particles of each row by its weights (systematic: Kitagawa 1996)."""
    upto = _weights(evidence).cumsum(axis=1)
    points = (np.arange(count) + rng.random((len(evidence), 1))) / count
    chosen = [np.searchsorted(row, at) for row, at in zip(upto, points, strict=True)]
    drawn: Ints = np.minimum(np.array(chosen), evidence.shape[1] - 1)
    return drawn
