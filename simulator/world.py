"""The world itself: it advances the days, and knows the hidden truth."""

from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from typing import Literal

import msgspec
import numpy as np
from msgspec import Struct

from touchstream.schemas.units import DAY_MS
from touchstream.simulator.customers import Floats, Ints, draw_traits
from touchstream.simulator.delivery import Day, Expected, Transport
from touchstream.simulator.drift import NO_DRIFT, Drift
from touchstream.simulator.event_log import EventLog
from touchstream.simulator.habits import write_habits
from touchstream.simulator.hazard import Latent, daily_hazard, evolve, first_latent, present
from touchstream.simulator.mail import Mail
from touchstream.simulator.noise import Line, Noise
from touchstream.simulator.observer import PARTICLES, Observer
from touchstream.simulator.oracle import churn_probabilities, relieved
from touchstream.simulator.outlook import Outlook, draw_outlooks
from touchstream.simulator.retention_team import RetentionTeam
from touchstream.simulator.sales import plan_sales
from touchstream.simulator.saveable import EVERYONE, SaveableGroup, plan_of, yearly_values
from touchstream.simulator.segments import SEGMENTS
from touchstream.simulator.subscriptions import Subscriptions, write_leaving
from touchstream.simulator.today import Today
from touchstream.simulator.treatments import DO_NOTHING, REACHED, TREATMENTS, Treatment, attempt

START_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""

STAYS = -1
"""In ``left_day``: not left."""

LAW, STORY, NOISE, CAST, ORACLE = range(5)
"""Each has its own random stream, so that noise, for one, changes only the arrivals."""


class CustomerTruth(Struct, frozen=True):
    """The fate of one customer."""

    customer: str
    segment: str
    started_at: int
    """Midnight of the day of arrival, ms; the world's start for earlier customers."""
    churned_at: int | None
    """The moment of departure, ms; None: still a customer."""
    kind: Literal["cancelled", "silent"] | None


class World:
    """Customers with a known hazard, seen by their touchpoints; the same seed gives the same bytes.

    >>> world = World(seed=7, customers=50, days=3)
    >>> [day.number for day in world.days()], world.now_ms - START_MS == 3 * DAY_MS
    ([0, 1, 2], True)

    Parameters
    ----------
    seed, customers, days
        ``customers`` are there on the first day; the world ends after ``days`` (>= 1).
    growth_per_year
        New customers in a year, as a share of ``customers``.
    noise
        What happens to events on their way.
    start_ms
        Midnight (UTC) of the first day.
    remember_every_days
        Keep the latent state of every such day for the oracle (42 bytes a customer and day);
        0 keeps only today's.
    treatments
        What the actions given to :meth:`treat` do.
    drift
        How the law changes on some day.
    saveable
        Who accepts what the actions offer.
    """

    def __init__(
        self,
        seed: int,
        customers: int,
        days: int,
        *,
        growth_per_year: float = 0.3,
        noise: Noise | None = None,
        start_ms: int = START_MS,
        remember_every_days: int = 0,
        treatments: Mapping[str, Treatment] = TREATMENTS,
        drift: Drift = NO_DRIFT,
        saveable: SaveableGroup = EVERYONE,
    ) -> None:
        if customers < 1 or days < 1 or start_ms % DAY_MS:
            raise ValueError("want customers >= 1, days >= 1 and start_ms at a midnight")
        self._seed, self._days, self._start_ms = seed, days, start_ms
        self._transport = Transport(Noise() if noise is None else noise, self._chance(NOISE))
        self._remember_every_days = remember_every_days
        self._treatments = treatments
        self._drift, self._saveable = drift, saveable
        cast = self._chance(CAST)
        self._traits = draw_traits(cast, customers, days, growth_per_year)
        self._names = [f"c{number:06d}" for number in range(1, len(self._traits.segment) + 1)]
        self._index = {name: index for index, name in enumerate(self._names)}
        self._latent = first_latent(cast, self._traits)
        self._law, self._story = self._chance(LAW), self._chance(STORY)
        self._event_log = EventLog(start_ms)
        plan_sales(self._event_log, self._traits, self._names, days, cast)
        self._subscriptions = Subscriptions(self._traits)
        self._retention_team = RetentionTeam()
        self._mail = Mail(len(self._names))
        self._next_day = 0
        self._left_day = np.full(len(self._names), STAYS)
        self._left_ms = np.zeros(len(self._names), np.int64)
        self._remembered: dict[int, Latent] = {}

    @property
    def now_ms(self) -> int:
        """Midnight after the last day turned over."""
        return self._start_ms + self._next_day * DAY_MS

    @property
    def expected(self) -> Expected:
        """Counts over all lines handed out so far."""
        return self._transport.expected

    def lines(self) -> Iterator[Line]:
        """All that arrives, in order of arrival."""
        return chain.from_iterable(day.lines for day in self.days())

    def days(self) -> Iterator[Day]:
        """Advance one day after the other; between two days customers may be treated."""
        while self._next_day < self._days:
            yield self._turn_over()

    def treat(
        self, customer: str, action: str, at_ms: int, decision: str | None = None
    ) -> bool | None:
        """Carry out an action: ``action.outcome`` events follow, and if accepted the hazard falls.

        Returns True if the customer will accept. Returns None for ``do_nothing`` and before the
        customer's arrival, when nothing is carried out; and after their departure, when the
        message is delivered and nothing follows. The same decision always has the same course. A
        moment in the past counts as now.

        Raises
        ------
        KeyError
            If the world knows no such customer or action.
        """
        index = self._index[customer]
        if action == DO_NOTHING or self._traits.start_day[index] >= max(self._next_day, 1):
            return None
        treatment = self._treatment_of(index, action, self._saveable)
        named = decision or f"{customer}-{action}-{at_ms}"
        trial = attempt(treatment, self._seed, named)
        from_ms = max(at_ms, self.now_ms) - self._start_ms
        has_left = bool(self._latent.left[index])
        for after_ms, outcome in trial.steps[: REACHED if has_left else None]:
            day, offset_ms = divmod(from_ms + after_ms, DAY_MS)
            data = {"decision": named, "action": action, "outcome": outcome}
            self._event_log.plan(day, "action.outcome", customer, offset_ms, data)
        if has_left:
            return None
        if trial.accepted:
            self._relieve(index, treatment, from_ms)
        return trial.accepted

    def true_churn_probability(
        self, customer: str, at_ms: int, horizon_days: int, paths: int = 256
    ) -> float:
        """P(leaves within ``horizon_days`` from ``at_ms`` | latent state then), under the own law.

        It holds if nothing is done from then on: earlier treatments wear off, new ones are not
        included.
        Monte-Carlo with a derived seed, the same at every call; see ``simulator/oracle.py``.

        Raises
        ------
        ValueError
            If ``at_ms`` is no midnight whose state is known (now, or remembered), or the customer
            is not there then.
        """
        who = np.array([self._index[customer]])
        day, latent = self._known(at_ms)
        if not present(latent, self._traits, day - 1)[who[0]]:
            raise ValueError(f"{customer} is no customer at {at_ms}")
        return float(self._oracle(latent, who, day, horizon_days, paths)[0])

    def true_churn_probabilities(
        self,
        at_ms: int,
        horizon_days: int,
        paths: int = 64,
        among: Collection[str] | None = None,
    ) -> dict[str, float]:
        """The same for all who are customers at ``at_ms``, or for those ``among`` them, by name."""
        day, latent = self._known(at_ms)
        here = present(latent, self._traits, day - 1)
        if among is not None:
            asked = np.zeros(len(here), np.bool_)
            asked[[self._index[customer] for customer in among]] = True
            here = here & asked
        who = np.flatnonzero(here)
        risks = self._oracle(latent, who, day, horizon_days, paths)
        return {self._names[index]: risk for index, risk in zip(who, risks.tolist(), strict=True)}

    def true_saves(
        self,
        horizon_days: int,
        action: str,
        among: Collection[str],
        paths: int = 64,
        saveable: SaveableGroup | None = None,
    ) -> dict[str, float]:
        """P(an action now keeps a customer who would leave within ``horizon_days``), by name.

        P(accepts) x (P(leaves | nothing is done) - P(leaves | accepts)), of those ``among`` who are
        customers now; a lead is none. Both futures are drawn with the same random numbers.
        ``saveable``: instead of the world's own group.
        """
        here = present(self._latent, self._traits, self._next_day - 1)
        known = [name for name in sorted(among) if name in self._index]
        names = [name for name in known if here[self._index[name]]]
        who = np.array([self._index[name] for name in names], np.int64)
        treated = relieved(self._latent, who, self._treatments[action])
        day = self._next_day
        untreated = self._oracle(self._latent, who, day, horizon_days, paths)
        kept = untreated - self._oracle(treated, who, day, horizon_days, paths)
        group = self._saveable if saveable is None else saveable
        accepted = [self._treatment_of(index, action, group).accepted for index in who.tolist()]
        return dict(zip(names, (kept * np.array(accepted)).tolist(), strict=True))

    def plans(self) -> dict[str, str]:
        """The plan of every customer, by name."""
        return {name: plan_of(self._traits, index) for index, name in enumerate(self._names)}

    def true_yearly_values(self) -> dict[str, float]:
        """The worth of a year of every customer at full interest, in minor units, by name."""
        values = yearly_values(self._traits, self._subscriptions.prices_minor())
        return dict(zip(self._names, values.tolist(), strict=True))

    def true_outlooks(
        self, at_ms: int, horizon_days: int, among: Collection[str], paths: int = 64
    ) -> dict[str, Outlook]:
        """P(leaves) and P(the ledger's label is 1) of those ``among`` who are customers, by name.

        ``leaves`` equals :meth:`true_churn_probabilities`.
        """
        day, latent = self._known(at_ms)
        here = present(latent, self._traits, day - 1)
        names = [name for name in sorted(among) if here[self._index[name]]]
        clones = np.repeat(np.array([self._index[name] for name in names], np.int64), paths)
        traits = self._traits.take(clones)
        silent = traits.silent.astype(np.float64)
        rng = np.random.default_rng([self._seed, ORACLE, day, horizon_days])
        drawn = draw_outlooks(
            latent.take(clones), traits, silent, day, horizon_days, rng, self._drift
        )
        means = [values.reshape(len(names), paths).mean(axis=1).tolist() for values in drawn]
        return {name: Outlook(*pair) for name, *pair in zip(names, *means, strict=True)}

    def observer(self, particles: int = PARTICLES) -> Observer:
        """An observer who knows this world's law, but sees only its touchpoints."""
        return Observer(self._seed, self._traits, self._names, self._drift, particles)

    def truth(self) -> Iterator[CustomerTruth]:
        """The fates so far of all customers who have arrived."""
        for index in np.flatnonzero(self._traits.start_day < self._next_day).tolist():
            has_left = bool(self._latent.left[index])
            silent = bool(self._traits.silent[index])
            start_day = max(int(self._traits.start_day[index]), 0)
            yield CustomerTruth(
                customer=self._names[index],
                segment=SEGMENTS[int(self._traits.segment[index])].name,
                started_at=self._start_ms + start_day * DAY_MS,
                churned_at=int(self._left_ms[index]) if has_left else None,
                kind=("silent" if silent else "cancelled") if has_left else None,
            )

    def _turn_over(self) -> Day:
        if self._remember_every_days and self._next_day % self._remember_every_days == 0:
            self._remembered[self._next_day] = self._latent
        day, start_ms = self._next_day, self.now_ms
        left = self._live(day)
        self._next_day += 1
        # At the world's end everything arrives.
        lines = self._transport.arrive(self.now_ms if self._next_day < self._days else None)
        here = present(self._latent, self._traits, day)
        return Day(day, start_ms, lines, int(here.sum()), left)

    def _live(self, day: int) -> int:
        """Apply the law, write the day down, hand it to transport; count the departures."""
        here = present(self._latent, self._traits, day)
        latent, happenings = evolve(self._latent, self._traits, day, self._law)
        chance = self._law.random((2, len(here)))
        leaving = here & (chance[0] < daily_hazard(latent, self._traits, day, self._drift))
        leavers = np.flatnonzero(leaving)
        moments_ms = (chance[1] * DAY_MS).astype(np.int64)[leavers]
        self._event_log.open(day)
        today = Today(
            day,
            self._names,
            self._traits,
            latent,
            happenings,
            here,
            self._story,
            self._event_log,
            self._drift.activity_on(day),
        )
        write_leaving(today, leavers, moments_ms)
        self._event_log.keep_calendar()
        self._subscriptions.write(today)
        self._retention_team.write(today)
        self._mail.write(today, self._left_day)
        write_habits(today)
        self._left_day[leavers] = day
        self._left_ms[leavers] = self.now_ms + moments_ms
        self._latent = msgspec.structs.replace(latent, left=latent.left | leaving)
        self._transport.send(self._event_log.close())
        return len(leavers)

    def _treatment_of(self, index: int, action: str, group: SaveableGroup) -> Treatment:
        return group.treatment_of(plan_of(self._traits, index), self._treatments[action])

    def _relieve(self, index: int, treatment: Treatment, from_ms: int) -> None:
        if treatment.solves_tickets:
            day, offset_ms = divmod(from_ms, DAY_MS)
            for ticket in self._retention_team.close_all(index):
                solved = {"ticket": ticket}
                self._event_log.plan(day, "ticket.resolved", self._names[index], offset_ms, solved)
        self._latent = relieved(self._latent, np.array([index]), treatment)

    def _known(self, at_ms: int) -> tuple[int, Latent]:
        day, rest_ms = divmod(at_ms - self._start_ms, DAY_MS)
        if rest_ms == 0 and day == self._next_day:
            return day, self._latent
        if rest_ms or day not in self._remembered:
            raise ValueError(f"{at_ms}: want now_ms, or a midnight kept by remember_every_days")
        return day, self._remembered[day]

    def _oracle(self, latent: Latent, who: Ints, day: int, horizon_days: int, paths: int) -> Floats:
        key = [self._seed, ORACLE, day, horizon_days, *(who.tolist() if len(who) == 1 else ())]
        rng = np.random.default_rng(key)
        return churn_probabilities(
            latent, self._traits, who, day, horizon_days, paths, rng, self._drift
        )

    def _chance(self, purpose: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, purpose])
