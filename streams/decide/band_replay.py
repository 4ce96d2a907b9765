"""The bands as the engine would have set them, over rows that were scored already.

Answers "what would follow from another capacity" without running anything again. Rows are the
snapshots of open customers; scores between two snapshots are not known, so an alarm comes at most
one snapshot later here than it did or would in the stream. Gates other than the thresholds (the
cooldown, for one) are left out.
"""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from touchstream.schemas.rules import BandRules, Thresholds
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.decide.capacity import Alarms, Flags, Floats, Ints, Scored
from touchstream.streams.learn.band_capacity import RiskFlow, bin_of, thresholds_for

FOR_EVER = 2**31
"""End of an alarm that has not ended, in days."""
NOBODY = -1


class Followed(NamedTuple):
    """What a capacity would have led to."""

    thresholds: Thresholds | None
    """In force after the last row; None without any row."""
    alarms: Alarms


class Steps(NamedTuple):
    """Rows in the order of days, each with the customer's row before; arrays of length n."""

    row: Ints
    """Index into the rows given."""
    day: Ints
    who: Ints
    """Customers, numbered from 0."""
    risk: Floats
    is_new: Flags
    """No row before, or one that is too old: the customer had left in between."""
    first_bin: Ints
    after_bin: Ints
    """A rise in ``RiskFlow``: +1 at the former, -1 at the latter; equal: none."""


def steps(rows: Scored, every_days: int, *, begins_in_the_middle: bool = False) -> Steps:
    """Order the rows, and find the rises; the same for every capacity.

    ``every_days``: from one snapshot of a customer to the next. Rows that begin in the middle of
    the log do not tell how high their customers were before: their first row is no rise.
    """
    order = np.lexsort((rows.day, rows.customer))
    customer, day, risk = rows.customer[order], rows.day[order], rows.risk[order]
    bins = _bins(risk)
    same = np.r_[False, customer[1:] == customer[:-1]][: len(order)]
    gap = np.r_[0, np.diff(day)][: len(order)]
    # A day of tolerance: the snapshot waits for the tick.
    is_new = ~same | (gap > every_days + 1)
    low = np.where(is_new, -1, np.r_[-1, bins[:-1]][: len(order)])
    if begins_in_the_middle and len(order):
        unknown = is_new & (day < day.min() + every_days)
        low = np.where(unknown, bins, low)
    who = np.cumsum(~same) - 1
    by_day = np.argsort(day, kind="stable")
    high = np.maximum(low, bins)
    return Steps(
        row=order[by_day],
        day=day[by_day],
        who=who[by_day],
        risk=risk[by_day],
        is_new=is_new[by_day],
        first_bin=low[by_day] + 1,
        after_bin=high[by_day] + 1,
    )


def follow(
    taken: Steps,
    rules: BandRules,
    every_days: int,
    base_rate: Callable[[int], float],
    counted_from: int = 0,
) -> Followed:
    """Take the rows through the bands, a tick a day.

    ``base_rate`` gives the average risk (0..1) as known on a day. Thresholds of a day see only the
    days before it, as in the engine; rises before ``counted_from`` are not counted.
    """
    found = rules.typed
    flow, bands = RiskFlow(), _High(int(taken.who.max(initial=NOBODY)) + 1)
    days, first = np.unique(taken.day, return_index=True)
    ends = [*first.tolist()[1:], len(taken.day)]
    for today, start, end in zip(days.tolist(), first.tolist(), ends, strict=False):
        some = slice(start, end)
        entered = 0 if found is None else bands.take(taken, some, found)
        if rules.typed is None and today >= counted_from:
            at_ms = Millis(today * DAY_MS)
            flow = flow.add(at_ms, end - start, entered, _rises(taken, some))
            found = thresholds_for(flow, rules, every_days, base_rate(today))
    return Followed(found, bands.alarms())


def _bins(risk: Floats) -> Ints:
    distinct, place = np.unique(risk, return_inverse=True)
    return np.array([bin_of(one) for one in distinct.tolist()], np.int64)[place.reshape(-1)]


def _rises(taken: Steps, some: slice) -> Counter[int]:
    first, after = taken.first_bin[some], taken.after_bin[some]
    rising = after > first
    rises = Counter(first[rising].tolist())
    rises.subtract(after[rising].tolist())
    return rises


class _High:
    """Who is in the band high, and since when."""

    def __init__(self, customers: int) -> None:
        self._alarm = np.full(customers, NOBODY)
        self._row: list[int] = []
        self._from: list[int] = []
        self._until: list[int] = []

    def take(self, taken: Steps, some: slice, at: Thresholds) -> int:
        """The rows of one day; how many customers entered the band."""
        who, day, risk = taken.who[some], taken.day[some], taken.risk[some]
        standing = self._alarm[who] != NOBODY
        ended = standing & (taken.is_new[some] | (risk < at.high_leave))
        for customer, today in zip(who[ended].tolist(), day[ended].tolist(), strict=True):
            self._until[self._alarm[customer]] = today
        self._alarm[who[ended]] = NOBODY
        entering = (self._alarm[who] == NOBODY) & (risk >= at.high_enter)
        rows = taken.row[some][entering].tolist()
        for row, customer, today in zip(
            rows, who[entering].tolist(), day[entering].tolist(), strict=True
        ):
            self._alarm[customer] = len(self._row)
            self._row.append(row)
            self._from.append(today)
            self._until.append(FOR_EVER)
        return len(rows)

    def alarms(self) -> Alarms:
        return Alarms(*(np.array(one, np.int64) for one in (self._row, self._from, self._until)))
