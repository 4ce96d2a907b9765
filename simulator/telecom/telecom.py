"""The telecom itself: it advances the days, and knows the truth."""

from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from typing import Literal

import numpy as np
from msgspec import Struct

from touchstream.schemas.units import DAY_MS
from touchstream.simulator.customers import Flags, Ints
from touchstream.simulator.delivery import Day, Expected, Transport
from touchstream.simulator.event_log import EventLog
from touchstream.simulator.mail import TO_THE_LEFT_DAYS
from touchstream.simulator.noise import SILENCE, Line, Noise
from touchstream.simulator.outlook import Outlook
from touchstream.simulator.telecom.contacts import Contacts, Shift
from touchstream.simulator.telecom.contracts import Contracts, renewal_due, write_leaving
from touchstream.simulator.telecom.law import (
    GRIEVANCE,
    STATES,
    hazards,
    risks,
    silences,
    transitions,
)
from touchstream.simulator.telecom.observer import Observer
from touchstream.simulator.telecom.operator import CAUSES, SEGMENTS, Cause, Operator
from touchstream.simulator.telecom.population import draw_customers
from touchstream.simulator.world import START_MS

CAST, LAW, STORY, NOISE = range(4)
"""Each has its own random stream, so that noise, for one, changes only the arrivals."""

ABSENT = 255
"""In the history: not there on the eve."""
STAYS = -(10**6)
"""In ``left_day``: not left."""

End = Literal["cancelled", "expired", "silent"]


class Fate(Struct, frozen=True):
    """The relation of one customer, from beginning to end."""

    customer: str
    segment: str
    contract: bool
    started_at: int
    """Midnight of the day of arrival, ms; the first day's for earlier customers."""
    ended_at: int | None
    """The moment of departure, ms; None: still a customer."""
    kind: End | None
    """How they left: cancelled, let the term end, or (prepaid) fell silent."""
    cause: Cause | None
    """The planted cause that was active when they left; None: none, or still a customer."""


class Truth(Struct, frozen=True):
    """The truth about one customer on one day."""

    customer: str
    time: int
    """Midnight, ms."""
    risk: float
    """P(leaves within the horizon | hidden state), exact."""
    cause: Cause | None
    """The planted cause that raises the risk now: the segment's, while there is grievance."""


class Telecom:
    """A telecom with a known law, seen by its touchpoints; the same seed gives the same bytes.

    >>> from touchstream.simulator.telecom import HOT
    >>> telecom = Telecom(7, HOT)
    >>> next(telecom.days()).active
    673
    """

    def __init__(self, seed: int, operator: Operator, noise: Noise = SILENCE) -> None:
        self.operator, self._seed = operator, seed
        cast = self._chance(CAST)
        self._cast = draw_customers(cast, operator)
        count = operator.customers
        self.names = [f"{operator.name}-{number:05d}" for number in range(1, count + 1)]
        self._index = {name: place for place, name in enumerate(self.names)}
        self._law, self._story = self._chance(LAW), self._chance(STORY)
        self._log = EventLog(START_MS)
        self._transport = Transport(noise, self._chance(NOISE))
        self._contacts, self._contracts = Contacts(count), Contracts(self._cast)
        self._state = self._cast.first_state
        self._left_day = np.full(count, STAYS)
        self._left_ms = np.zeros(count, np.int64)
        self._history = np.full((operator.days + 1, count), ABSENT, np.uint8)
        self._next_day = 0
        pairs = [transitions(operator, segment) for segment in SEGMENTS]
        # Next states 0..9 without an incident, 10..19 with one: one draw decides both.
        self._upto = np.array([np.hstack(pair).cumsum(axis=1) for pair in pairs])
        causes = [CAUSES.index(kind.cause) if kind.cause else -1 for kind in SEGMENTS]
        self._cause = np.array(causes)[self._cast.segment]

    @property
    def now_ms(self) -> int:
        """Midnight after the last day turned over."""
        return START_MS + self._next_day * DAY_MS

    @property
    def expected(self) -> Expected:
        """Counts over all lines handed out so far."""
        return self._transport.expected

    def lines(self) -> Iterator[Line]:
        """All that arrives, in order of arrival."""
        return chain.from_iterable(day.lines for day in self.days())

    def days(self) -> Iterator[Day]:
        """Advance one day after the other."""
        while self._next_day < self.operator.days:
            yield self._turn_over()

    def truths(self, at_ms: int, horizon_days: int) -> list[Truth]:
        """The truth about everybody who is a customer at a past midnight, or now."""
        state, here = self._known(at_ms)
        risk = risks(self.operator, horizon_days)
        segment = self._cast.segment
        return [
            Truth(
                self.names[who],
                at_ms,
                float(risk[segment[who], state[who]]),
                self._active_cause(who, int(state[who])),
            )
            for who in np.flatnonzero(here).tolist()
        ]

    def outlooks(
        self, at_ms: int, horizon_days: int, among: Collection[str]
    ) -> Mapping[str, Outlook]:
        """P(leaves) and P(the ledger's label is 1) of those ``among`` who are customers then."""
        state, here = self._known(at_ms)
        who = np.array([self._index[name] for name in sorted(among)], np.int64)
        who = who[here[who]]
        cast, state = self._cast, state[who]
        segment = cast.segment[who]
        leaves = risks(self.operator, horizon_days)[segment, state]
        day = (at_ms - START_MS) // DAY_MS
        silent = silences(self.operator, horizon_days, day % 7)[segment, cast.rhythm[who], state]
        cancels = leaves * ~cast.expires[who]
        labelled = np.where(cast.contract[who], cancels, silent)
        pairs = zip(who.tolist(), leaves.tolist(), labelled.tolist(), strict=True)
        return {self.names[place]: Outlook(*pair) for place, *pair in pairs}

    def observer(self) -> Observer:
        """An observer who knows the law, but sees only the touchpoints."""
        return Observer(self.operator, self.names)

    def fates(self) -> Iterator[Fate]:
        """The relations so far of all customers who have arrived."""
        for who in np.flatnonzero(self._cast.start_day < self._next_day).tolist():
            left_day = int(self._left_day[who])
            has_left = left_day != STAYS
            state = int(self._history[left_day, who]) if has_left else 0
            yield Fate(
                customer=self.names[who],
                segment=SEGMENTS[int(self._cast.segment[who])].name,
                contract=bool(self._cast.contract[who]),
                started_at=START_MS + max(int(self._cast.start_day[who]), 0) * DAY_MS,
                ended_at=int(self._left_ms[who]) if has_left else None,
                kind=self._kind(who) if has_left else None,
                cause=self._active_cause(who, state) if has_left else None,
            )

    def _kind(self, who: int) -> End:
        if not self._cast.contract[who]:
            return "silent"
        return "expired" if self._cast.expires[who] else "cancelled"

    def _active_cause(self, who: int, state: int) -> Cause | None:
        cause = SEGMENTS[int(self._cast.segment[who])].cause
        return cause if GRIEVANCE[state] else None

    def _known(self, at_ms: int) -> tuple[Ints, Flags]:
        day, rest_ms = divmod(at_ms - START_MS, DAY_MS)
        if rest_ms or not 0 <= day <= self._next_day:
            raise ValueError(f"{at_ms}: want a midnight of the past, or now_ms")
        if day == self._next_day:
            self._keep_history()
        state = self._history[day].astype(np.int64)
        here: Flags = state != ABSENT
        return np.where(here, state, 0), here

    def _keep_history(self) -> None:
        here = (self._cast.start_day < self._next_day) & (self._left_day == STAYS)
        self._history[self._next_day] = np.where(here, self._state, ABSENT)

    def _turn_over(self) -> Day:
        self._keep_history()
        day, cast, start_ms = self._next_day, self._cast, self.now_ms
        here = (cast.start_day <= day) & (self._left_day == STAYS)
        chance = self._law.random((2 + len(CAUSES), len(here)))
        # Newcomers cannot leave on the day on which they come.
        leaving = here & (cast.start_day < day) & (chance[0] < hazards(self.operator)[self._state])
        staying = here & ~leaving
        incidents = self._evolve(chance[1:], staying)
        self._log.open(day)
        lately = (self._left_day != STAYS) & (day - self._left_day < TO_THE_LEFT_DAYS)
        shift = Shift(
            day, self.names, cast, self._state, staying, lately, incidents, self._story, self._log
        )
        leavers = np.flatnonzero(leaving)
        moments_ms = write_leaving(shift, leavers)
        self._log.keep_calendar()
        arriving = here & (np.maximum(cast.start_day, 0) == day)
        self._contracts.write(shift, arriving, here & renewal_due(cast, day))
        self._contacts.write(shift)
        self._left_day[leavers], self._left_ms[leavers] = day, start_ms + moments_ms
        self._transport.send(self._log.close())
        self._next_day += 1
        last = self._next_day == self.operator.days
        lines = self._transport.arrive(None if last else self.now_ms)
        return Day(day, start_ms, lines, int(staying.sum()), len(leavers))

    def _evolve(self, chance: np.ndarray, staying: Flags) -> Flags:
        """Advance the states of those who stay; returns today's incidents by cause."""
        upto = self._upto[self._cast.segment, self._state]
        drawn = np.minimum((chance[0][:, None] > upto).sum(axis=1), 2 * STATES - 1)
        self._state = np.where(staying, drawn % STATES, self._state)
        own = staying & (drawn >= STATES)
        rows = []
        for place in range(len(CAUSES)):
            by_chance = staying & (chance[1 + place] < self.operator.chance_incident)
            rows.append(np.where(self._cause == place, own, by_chance))
        return np.array(rows)

    def _chance(self, purpose: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, purpose, self.operator.customers])
