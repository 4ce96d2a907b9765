"""Alarms for the people there are: band thresholds for a capacity, and the leavers warned in time.

**Bands over rows.** A row is one customer scored on one day. Days are taken in order; on each,

1. an alarm that has stood for ``STANDS_DAYS`` ends, and so does one whose customer is scored below
   ``leave``;
2. customers scored at ``enter`` or above who have no alarm are candidates;
3. the candidates of highest risk (of equal ones, the smallest customer) get an alarm, as many as
   the day's capacity allows. The others may be candidates again when they are next scored.

A customer is *high* from their alarm until it ends. Because an alarm ends after a time, a scorer
cannot warn everybody by keeping everybody high: at most ``STANDS_DAYS`` capacities are high at
once.

**Thresholds for a capacity.** ``enter`` is the risk at which the recent rows, taken through 1. to
3. without a limit, give a number of alarms a day nearest to the capacity; ``leave`` is the risk
that ``SLACK`` times as many rows reach as reach ``enter``. Both depend on the order of risks alone:
any increasing function of a scorer's risks gives the same alarms.

Everything here counts and compares; nothing is summed in floating point. Results do not depend on
the order of rows, to the bit.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

STANDS_DAYS = 28
"""Days after which an alarm is old: a customer still at risk takes a new place."""
RECENT_DAYS = 28
"""Days whose alarms are counted to find thresholds; as many before tell who was high already."""
SLACK = 1.5
"""Hysteresis: rows at or above ``leave``, as a multiple of those at or above ``enter``."""
STEP = 1.25
"""Ratio of the ranks tried first; the gap is then bisected."""
EARLIEST_DAYS, LATEST_DAYS = 28, 3
"""A warning counts from 28 to 3 days before the end: later ones leave no time to act."""
NEVER = -(2**62)


class Scored(NamedTuple):
    """Scored rows of open customers; parallel arrays of length n, in any order."""

    customer: Ints
    """A number for each customer, the same in all rows."""
    day: Ints
    """Days since any fixed day."""
    risk: Floats
    """Any score that is higher for customers at higher risk; finite."""


class Thresholds(NamedTuple):
    """Where the high band begins and ends."""

    enter: float
    leave: float
    """``<= enter``."""
    alarms_per_day: float
    """Alarms that these thresholds would have given, without a limit."""


class Alarms(NamedTuple):
    """What came of the bands over rows; parallel arrays, one entry per alarm."""

    row: Ints
    """Index of the row that gave the alarm."""
    from_day: Ints | Floats
    """In days, as in :class:`Scored`; fractions are moments of a day."""
    until_day: Ints | Floats
    """The day on which it ended; exclusive."""


class Warned(NamedTuple):
    """How the leavers were warned, and what the alarms were worth."""

    leavers: int
    warned: float | None
    """Share of the leavers who were high at some moment in time; None without leavers."""
    lead_days: float | None
    """Median over those warned of the days from that moment to the end, 3..28."""
    alarms: int
    alarms_per_day: float | None
    precision: float | None
    """Share of the alarms whose customer left within the horizon, of those where it is known."""


def thresholds(rows: Scored, until_day: int, per_day: float) -> Thresholds | None:
    """Thresholds for about ``per_day`` (> 0) alarms a day, from the rows before ``until_day``.

    Rows of the last ``2 * RECENT_DAYS`` days are read, alarms of the last ``RECENT_DAYS`` counted,
    or of as many days as there are. None without a row. Cost: about 50 passes over the rows.

    One row of each of five customers a day, and two alarms a day:

    >>> days, customers = np.arange(56).repeat(5), np.arange(280)
    >>> found = thresholds(Scored(customers, days, customers % 5 / 10), 56, per_day=2.0)
    >>> found.enter, found.leave, found.alarms_per_day
    (0.3, 0.2, 2.0)
    """
    chosen = (rows.day < until_day) & (rows.day >= until_day - 2 * RECENT_DAYS)
    if not chosen.any():
        return None
    risk = rows.risk[chosen]
    grid = _Grid(Scored(rows.customer[chosen], rows.day[chosen], risk))
    first_day = max(until_day - RECENT_DAYS, int(rows.day[chosen].min()))
    days = until_day - first_day
    falling = np.sort(risk)[::-1]

    def alarms_at(rank: int) -> tuple[int, float, float]:
        enter = float(falling[rank])
        leave = _leave(falling, enter)
        return grid.alarms(enter, leave, first_day), enter, leave

    below, above = _bracket(lambda rank: alarms_at(rank)[0], len(falling), per_day * days)
    fewer, more = alarms_at(below), alarms_at(above)
    # Of two equally near, the higher threshold.
    nearest = more if more[0] - per_day * days < per_day * days - fewer[0] else fewer
    return Thresholds(nearest[1], nearest[2], nearest[0] / days)


def _leave(falling: Floats, enter: float) -> float:
    reach = len(falling) - int(np.searchsorted(falling[::-1], enter, side="left"))
    return float(falling[min(int(SLACK * reach), len(falling)) - 1])


def _bracket(alarms: Callable[[int], int], count: int, wanted: float) -> tuple[int, int]:
    """Two neighbouring ranks: not more alarms than wanted, and at least as many.

    The first crossing from the top: far down everybody is high at all times, which gives few.
    """
    low, high = 0, 0
    while alarms(high) < wanted and high < count - 1:
        low, high = high, min(max(high + 1, int(high * STEP)), count - 1)
    while high - low > 1:
        middle = (low + high) // 2
        if alarms(middle) < wanted:
            low = middle
        else:
            high = middle
    return low, high


class _Grid:
    """Rows as (customers, n-th row of each), so that all customers advance at once."""

    def __init__(self, rows: Scored) -> None:
        order = np.lexsort((rows.risk, rows.day, rows.customer))
        customer = rows.customer[order]
        first = np.flatnonzero(np.r_[True, customer[1:] != customer[:-1]])
        counts = np.diff(np.r_[first, len(customer)])
        place = np.arange(len(customer)) - first.repeat(counts)
        shape = (int(counts.max()), len(first))
        who = np.arange(len(first)).repeat(counts)
        self._day, self._risk = np.zeros(shape, np.int64), np.full(shape, -np.inf)
        self._there = np.zeros(shape, np.bool_)
        self._day[place, who], self._risk[place, who] = rows.day[order], rows.risk[order]
        self._there[place, who] = True

    def alarms(self, enter: float, leave: float, first_day: int) -> int:
        """Alarms on ``first_day`` or later, without a limit."""
        since = np.full(self._day.shape[1], NEVER)
        total = 0
        for day, risk, there in zip(self._day, self._risk, self._there, strict=True):
            since = np.where(there & _ended(since, day, risk, leave), NEVER, since)
            alarmed = there & (since == NEVER) & (risk >= enter)
            since = np.where(alarmed, day, since)
            total += int((alarmed & (day >= first_day)).sum())
        return total


def _ended(since: Ints, day: Ints | int, risk: Floats, leave: float) -> Flags:
    """Whether the alarm given on ``since`` ends at a row."""
    ended: Flags = (risk < leave) | (day - np.maximum(since, NEVER // 2) >= STANDS_DAYS)
    return ended


def alarms(
    rows: Scored, per_day: Callable[[int], float], every_days: int = 7, share_days: int = 7
) -> Alarms:
    """Take rows through the bands, day by day, with thresholds found again every ``every_days``.

    ``per_day`` gives the capacity from the number of open customers: those scored in the last
    ``share_days`` days. The day's limit is the capacity rounded half up, and at least 1. The first
    alarms come ``every_days`` after the first row. Thresholds of a day see only rows before it.
    """
    if not len(rows.day):
        return Alarms(*(np.zeros(0, np.int64) for _ in Alarms._fields))
    order = np.lexsort((rows.customer, -rows.risk, rows.day))
    day = rows.day[order]
    who = np.unique(rows.customer, return_inverse=True)[1].reshape(-1)
    bands = _Bands(int(who.max()) + 1)
    found: Thresholds | None = None
    for today in range(int(day[0]) + every_days, int(day[-1]) + 1):
        lately = np.searchsorted(day, today - share_days), np.searchsorted(day, today)
        capacity = per_day(len(np.unique(who[order[lately[0] : lately[1]]])))
        if (today - int(day[0])) % every_days == 0:
            found = thresholds(rows, today, capacity) or found
        chosen = order[lately[1] : np.searchsorted(day, today, side="right")]
        if found is not None and len(chosen):
            limit = max(int(capacity + 0.5), 1)
            bands.take(today, chosen, who[chosen], rows.risk[chosen], found, limit)
    return bands.alarms()


class _Bands:
    """Who is high, and since when."""

    def __init__(self, customers: int) -> None:
        self._since = np.full(customers, NEVER)
        self._alarm = np.full(customers, -1)
        self._row: list[int] = []
        self._from: list[int] = []
        self._until: list[int] = []

    def take(
        self, today: int, rows: Ints, who: Ints, risk: Floats, at: Thresholds, limit: int
    ) -> None:
        """One day; ``rows`` by falling risk, equal ones by customer."""
        for ended in who[_ended(self._since[who], today, risk, at.leave)].tolist():
            if self._since[ended] != NEVER:
                self._until[self._alarm[ended]] = min(self._until[self._alarm[ended]], today)
                self._since[ended] = NEVER
        waiting = np.flatnonzero((self._since[who] == NEVER) & (risk >= at.enter))[:limit]
        for row, customer in zip(rows[waiting].tolist(), who[waiting].tolist(), strict=True):
            self._since[customer], self._alarm[customer] = today, len(self._row)
            self._row.append(row)
            self._from.append(today)
            self._until.append(today + STANDS_DAYS)

    def alarms(self) -> Alarms:
        return Alarms(*(np.array(one, np.int64) for one in (self._row, self._from, self._until)))


def warned(
    rows: Scored,
    left_within: Ints,
    given: Alarms,
    leaver: Ints,
    end_day: Floats,
    days: float,
) -> Warned:
    """Judge the alarms ``given`` on ``rows`` by those who left.

    Parameters
    ----------
    left_within
        Of each row, 1 if the customer left within the horizon, 0 if not, and -1 while that is not
        known: such an alarm does not count for the precision.
    leaver, end_day
        Customer and moment of each departure to judge by, in days as in ``rows.day``.
    days
        Length of the period of the alarms.

    A leaver is warned if they were high at some moment from ``EARLIEST_DAYS`` to ``LATEST_DAYS``
    before the end; the lead is counted from the first such moment.
    """
    by_customer: dict[int, list[tuple[int, int]]] = {}
    customers = rows.customer[given.row].tolist()
    for customer, since, until in zip(
        customers, given.from_day.tolist(), given.until_day.tolist(), strict=True
    ):
        by_customer.setdefault(customer, []).append((since, until))
    leads = [
        lead
        for customer, end in zip(leaver.tolist(), end_day.tolist(), strict=True)
        if (lead := _lead(by_customer.get(customer, []), end)) is not None
    ]
    count = len(given.row)
    known = left_within[given.row][left_within[given.row] >= 0]
    return Warned(
        leavers=len(leaver),
        warned=len(leads) / len(leaver) if len(leaver) else None,
        lead_days=float(np.median(leads)) if leads else None,
        alarms=count,
        alarms_per_day=count / days if days > 0 else None,
        precision=int(known.sum()) / len(known) if len(known) else None,
    )


def could_be_warned(
    rows: Scored, customer: Ints, end_day: Floats, since_day: float, until_day: float
) -> Flags:
    """Which departures to judge by: those in a period, of customers scored in time.

    In time is a row in the ``EARLIEST_DAYS`` before the end. ``since_day`` should be that many days
    after the first alarm, so that every leaver could have been warned for as long.
    """
    days: dict[int, list[int]] = {}
    for who, day in zip(rows.customer.tolist(), rows.day.tolist(), strict=True):
        days.setdefault(who, []).append(day)
    return np.array(
        [
            since_day <= end <= until_day
            and any(0 <= end - day <= EARLIEST_DAYS for day in days.get(who, ()))
            for who, end in zip(customer.tolist(), end_day.tolist(), strict=True)
        ],
        np.bool_,
    )


def _lead(stays: list[tuple[int, int]], end: float) -> float | None:
    """Days from the first high moment of the window to the end; None if there is none."""
    first = [
        max(float(since), end - EARLIEST_DAYS)
        for since, until in stays
        if since <= end - LATEST_DAYS and until > end - EARLIEST_DAYS
    ]
    return end - min(first) if first else None
