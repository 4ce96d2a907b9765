"""Further measures of open rows: calibration by group, and alarms at a capacity."""

from collections.abc import Iterator, Sequence
from math import log1p
from typing import NamedTuple

import numpy as np

from bench.quality.relation import Departures
from bench.quality.rows import Flags, Floats, Ints, Rows
from touchstream.agents.report.measures import calibration_error, reliability
from touchstream.schemas.units import DAY_MS
from touchstream.streams.decide.capacity import (
    EARLIEST_DAYS,
    Scored,
    Warned,
    alarms,
    warned,
)

SHARE_PER_DAY = 0.01
"""Alarms a day, as a share of the open customers."""
FEWEST_IN_BIN = 100
"""Smaller bins are chance."""
NEW_DAYS = 91
FIRST_DAYS = 7
"""Until the first thresholds."""


class Group(NamedTuple):
    """Calibration of one group of customers, over its bins of at least ``FEWEST_IN_BIN`` rows."""

    name: str
    n: int
    ece: float | None
    """None without such a bin."""
    worst: float | None
    """The largest distance between mean risk and share of label 1 of a bin."""


def groups(rows: Rows, risk: Floats) -> tuple[Group, ...]:
    """All rows; with and without a running subscription; of new and of old customers."""
    return tuple(_group(name, rows.label[chosen], risk[chosen]) for name, chosen in _split(rows))


def _split(rows: Rows) -> Iterator[tuple[str, Flags]]:
    running = rows.vector[:, rows.names.index("subscription_running")] == 1
    new = rows.vector[:, rows.names.index("known_days")] < log1p(NEW_DAYS)
    yield "all", np.ones(len(rows), np.bool_)
    yield from (("subscribed", running), ("unsubscribed", ~running), ("new", new), ("old", ~new))


def _group(name: str, label: Ints, risk: Floats) -> Group:
    bins = [row for row in reliability(risk, label) if row.n >= FEWEST_IN_BIN]
    if not bins:
        return Group(name, len(label), None, None)
    worst = max(abs(row.predicted - row.came_true) for row in bins)
    return Group(name, len(label), calibration_error(bins), worst)


def worst_ece(found: Sequence[Group]) -> float | None:
    """The largest of all groups."""
    return max((group.ece for group in found if group.ece is not None), default=None)


def warned_at_capacity(
    rows: Rows, rank: Floats, ends: Departures, share: float = SHARE_PER_DAY
) -> Warned:
    """``warned@capacity`` of a scorer that ranks the open ``rows`` by ``rank``.

    See ``streams/decide/capacity.py`` for the bands. Judged are the ends from four weeks after the
    first alarm on until the last row, of customers who were scored in time to be warned.
    """
    day = rows.at_ms // DAY_MS
    scored = Scored(rows.customer, day, rank)
    given = alarms(scored, lambda open_customers: share * open_customers)
    begin = int(day.min()) + FIRST_DAYS
    last = int(day.max())
    chosen = _judged(scored, ends, begin + EARLIEST_DAYS, last)
    return warned(
        scored, rows.label, given, ends.customer[chosen], ends.day[chosen], last + 1 - begin
    )


def _judged(rows: Scored, ends: Departures, since_day: int, until_day: int) -> Flags:
    """Ends in the period, of customers with a row in the four weeks before."""
    days: dict[int, list[int]] = {}
    for customer, day in zip(rows.customer.tolist(), rows.day.tolist(), strict=True):
        days.setdefault(customer, []).append(day)
    return np.array(
        [
            since_day <= end <= until_day
            and any(0 <= end - day <= EARLIEST_DAYS for day in days.get(customer, ()))
            for customer, end in zip(ends.customer.tolist(), ends.day.tolist(), strict=True)
        ],
        np.bool_,
    )
