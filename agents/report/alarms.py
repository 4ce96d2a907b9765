"""The alarms of a replay, and what came of them: who left, and who was warned in time.

An alarm is a rise into the band high, as told on ``churn-risk``. A departure is an end of the
relation, as told on ``customer-signals``: a cancellation, the end of a term, or a lapse, which
counts from the moment at which the silence had lasted churn's horizon.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from touchstream.agents.report.scores import EPOCH, EVER, UNKNOWN, Ints, Rows, read_lines
from touchstream.schemas.rules import Band, Rules
from touchstream.schemas.topics import CHURN_RISK_TOPIC, CUSTOMER_SIGNALS_TOPIC
from touchstream.streams.decide.band_replay import FOR_EVER
from touchstream.streams.decide.capacity import (
    EARLIEST_DAYS,
    Alarms,
    Scored,
    Warned,
    could_be_warned,
    warned,
)

RELATION_CHANGED = "customer.relation_changed"
_BEGAN = datetime(1970, 1, 1, tzinfo=UTC)
DAY_S = 86_400.0


class Crossing(NamedTuple):
    """A change of the band of churn risk."""

    customer: int
    day: float
    """Moment, in days since the epoch."""
    risk: float
    band: Band
    before: Band | None

    @property
    def is_alarm(self) -> bool:
        """Whether it is a rise into the band high."""
        return self.band == "high" != self.before


class Change(NamedTuple):
    """A change of the relation."""

    customer: int
    day: float
    """When it was told."""
    over: bool
    """Ended or lapsed; otherwise the customer is back."""
    end_day: float
    """The departure: of a lapse, when the silence had lasted the horizon."""


class Told(NamedTuple):
    """What a replay told about risks and relations, in the order of the files."""

    crossings: Sequence[Crossing]
    changes: Sequence[Change]


class Worth(NamedTuple):
    """What the alarms of a period were worth."""

    first_day: date
    """Of the first crossing: before it nobody had a band."""
    last_day: date
    capacity: float | None
    """Customers a day who may enter the band high; None: thresholds are typed, or unknown."""
    found: Warned
    open: int
    """Alarms whose outcome was not known at the end."""
    after_end: int
    """Alarms about customers who had left already."""
    by_day: Mapping[int, int]
    """Day since the epoch -> alarms."""

    @property
    def leavers_warned(self) -> int:
        """How many of the leavers were warned in time."""
        return round((self.found.warned or 0.0) * self.found.leavers)


class _Risk(Struct):
    risk: float
    band_before: Band | None
    band: Band


class _RiskEvent(Struct):
    subject: str
    time: datetime
    data: _Risk


class _Changed(Struct):
    """All fields may be missing: other signals are in the same file."""

    relation: str = ""
    since: datetime | None = None
    silent_days: float | None = None


class _SignalEvent(Struct):
    type: str
    subject: str
    time: datetime
    data: _Changed


def read_told(folder: Path, index: dict[str, int], horizon_days: int) -> Told:
    """Read the bands and relations that were told; ``index`` numbers the customers.

    Raises
    ------
    agents.report.scores.Foreign
        If a file is missing or has another format.
    """
    crossings = [
        Crossing(
            index.setdefault(event.subject, len(index)),
            _day(event.time),
            event.data.risk,
            event.data.band,
            event.data.band_before,
        )
        for event in read_lines(folder / f"{CHURN_RISK_TOPIC}.jsonl", _RiskEvent)
    ]
    changes = [
        _change(event, index.setdefault(event.subject, len(index)), horizon_days)
        for event in read_lines(folder / f"{CUSTOMER_SIGNALS_TOPIC}.jsonl", _SignalEvent)
        if event.type == RELATION_CHANGED
    ]
    return Told(crossings, changes)


def worth(emitted: Told, rows: Rows, rules: Rules, since: date = EVER) -> Worth | None:
    """Judge the alarms from the day ``since`` on; None if no customer ever entered a band.

    ``rows`` are churn's scores of the same index of customers.
    """
    if not emitted.crossings or not len(rows.day):
        return None
    began = min(int(one.day) for one in emitted.crossings)
    first, last = max(began, since.toordinal() - EPOCH.toordinal()), int(rows.day.max())
    days = last + 1 - first
    alarms = [one for one in emitted.crossings if one.is_alarm and first <= one.day]
    horizon, every = rules.churn.horizon_days, rules.churn.snapshot_every_days
    lives = _Lives(emitted.changes, rows)
    outcome = np.array([lives.left_within(one, horizon, every) for one in alarms], np.int64)
    ends = [one for one in emitted.changes if one.over]
    leavers = np.array([one.customer for one in ends], np.int64)
    end_day = np.array([one.end_day for one in ends], np.float64)
    scored = Scored(rows.customer, rows.day, rows.risk)
    chosen = could_be_warned(scored, leavers, end_day, first + EARLIEST_DAYS, last + 1)
    # Whoever was high before the period is still high in it.
    standing = [one for one in emitted.crossings if one.is_alarm and one.day < first]
    every_stay = _stays([*standing, *alarms], emitted)
    of_period = _stays(alarms, emitted)
    judged = (leavers[chosen], end_day[chosen], float(max(days, 0)))
    found = warned(of_period[0], outcome, of_period[1], *judged)
    nothing_known = np.full(len(every_stay[1].row), UNKNOWN)
    leads = warned(every_stay[0], nothing_known, every_stay[1], *judged)
    return Worth(
        first_day=date.fromordinal(EPOCH.toordinal() + first),
        last_day=date.fromordinal(EPOCH.toordinal() + last),
        capacity=capacity_of(rules, _open_customers(rows, first, days, every)),
        found=found._replace(warned=leads.warned, lead_days=leads.lead_days),
        open=int((outcome == UNKNOWN).sum()),
        after_end=sum(lives.is_over(one) for one in alarms),
        by_day=_by_day(alarms),
    )


def capacity_of(rules: Rules, open_customers: float) -> float | None:
    """Alarms a day that the configuration asks for; None if its thresholds are typed."""
    if rules.bands.typed is not None:
        return None
    return rules.bands.high_per_day or rules.bands.high_share_per_day * open_customers


class _Lives:
    """Of each customer, the relation's changes and the scores, in order of time."""

    def __init__(self, changes: Iterable[Change], rows: Rows) -> None:
        self._changes: dict[int, list[Change]] = {}
        for change in sorted(changes, key=lambda one: (one.customer, one.day)):
            self._changes.setdefault(change.customer, []).append(change)
        order = np.lexsort((rows.day, rows.customer))
        self._customer, self._day = rows.customer[order], rows.day[order]
        self._label = rows.label[order]
        self._last_day = int(rows.day.max()) + 1

    def left_within(self, alarm: Crossing, horizon_days: int, every_days: int) -> int:
        """1 if the customer left within the horizon of the alarm, 0 if not, UNKNOWN if open.

        By an end of the relation in that time; otherwise by the label of the next snapshot, which
        is of the same tick if the alarm was raised on the snapshot day. Open are all alarms whose
        horizon is not over, because of these only departures would be known.
        """
        until = alarm.day + horizon_days
        if until > self._last_day:
            return UNKNOWN
        if self.is_over(alarm):
            return 0
        later = [one for one in self._changes.get(alarm.customer, ()) if one.day > alarm.day]
        if later and later[0].over and later[0].end_day <= until:
            return 1
        label = self._next_label(alarm, every_days)
        # An end behind the alarm's horizon may still lie within that of the next snapshot.
        ended_later = later and later[0].over and later[0].day <= until + every_days
        return 0 if label == 1 and ended_later else label

    def is_over(self, alarm: Crossing) -> bool:
        """Whether the customer had left when they were warned about, be it at that very moment.

        Whoever comes back is scored at that moment, too, and not over.
        """
        so_far = [one for one in self._changes.get(alarm.customer, ()) if one.day <= alarm.day]
        return bool(so_far) and so_far[-1].over

    def _next_label(self, alarm: Crossing, every_days: int) -> int:
        start = int(np.searchsorted(self._customer, alarm.customer, side="left"))
        stop = int(np.searchsorted(self._customer, alarm.customer, side="right"))
        place = start + bisect_left(self._day[start:stop].tolist(), int(alarm.day))
        if place == stop or self._day[place] > alarm.day + every_days:
            return UNKNOWN
        return int(self._label[place])


def _stays(alarms: Sequence[Crossing], emitted: Told) -> tuple[Scored, Alarms]:
    """A row for each alarm, and how long its customer stayed in the band."""
    leaves: dict[int, list[float]] = {}
    falls = [(one.customer, one.day) for one in emitted.crossings if one.band != "high"]
    gone = [(one.customer, one.day) for one in emitted.changes if one.over]
    for who, moment in sorted([*falls, *gone]):
        leaves.setdefault(who, []).append(moment)
    until = [_next(leaves.get(one.customer, []), one.day) for one in alarms]
    customer = np.array([one.customer for one in alarms], np.int64)
    day = np.array([one.day for one in alarms], np.float64)
    risk = np.array([one.risk for one in alarms], np.float64)
    rows = Scored(customer, day.astype(np.int64), risk)
    return rows, Alarms(np.arange(len(alarms)), day, np.array(until, np.float64))


def _next(moments: list[float], after: float) -> float:
    place = bisect_left(moments, after)
    return moments[place] if place < len(moments) else float(FOR_EVER)


def _open_customers(rows: Rows, first: int, days: int, every_days: int) -> float:
    """On average over the period: each has one snapshot in ``every_days``."""
    return int((rows.day >= first).sum()) / max(days, 1) * every_days


def _by_day(alarms: Sequence[Crossing]) -> Mapping[int, int]:
    days: Ints = np.array([int(one.day) for one in alarms], np.int64)
    distinct, counts = np.unique(days, return_counts=True)
    return dict(zip(distinct.tolist(), counts.tolist(), strict=True))


def _change(event: _SignalEvent, customer: int, horizon_days: int) -> Change:
    data = event.data
    day, since = _day(event.time), _day(data.since or event.time)
    over = data.relation in ("ended", "lapsed")
    end_day = since if data.silent_days is None else day - data.silent_days + horizon_days
    return Change(customer, day, over, end_day)


def _day(moment: datetime) -> float:
    return (moment - _BEGAN).total_seconds() / DAY_S
