"""What would follow from other capacities: thresholds, alarms, and what they would be worth."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from touchstream.agents.report.alarms import Told
from touchstream.agents.report.scores import UNKNOWN, Floats, Ints, Rows
from touchstream.schemas.rules import BandRules, Rules, Thresholds
from touchstream.streams.decide.band_replay import Followed, follow, steps
from touchstream.streams.decide.capacity import (
    EARLIEST_DAYS,
    Alarms,
    Scored,
    could_be_warned,
    warned,
)
from touchstream.streams.learn.baselines import PRIOR

TIMES = (0.5, 1.0, 2.0, 4.0)
"""The capacities shown, as multiples of the one asked for."""


class TooLittle(ValueError):
    """No band would ever have been entered; the message says why."""


class Foreseen(Struct, kw_only=True, frozen=True):
    """One capacity and what would follow from it; None where that is not known."""

    asked: bool
    """Whether it is the capacity asked for, not one around it."""
    high_per_day: float | None
    high_share_per_day: float | None
    """One of the two is given."""
    customers_per_day: float
    """The same in customers."""
    thresholds: Thresholds
    alarms_per_day: float
    precision: float | None = None
    """Share of alarms followed by churn within the horizon."""
    leavers: int | None = None
    warned: float | None = None
    """Share of the leavers who were high at some moment from 28 to 3 days before."""
    lead_days: float | None = None


class Period(NamedTuple):
    """The days in which customers could have had a band."""

    begin: int
    last: int
    base_rate: Callable[[int], float]

    @property
    def days(self) -> int:
        """Both included."""
        return self.last + 1 - self.begin


def asked_of(rules: Rules) -> BandRules:
    """The configured capacity; the default one where thresholds are typed."""
    return BandRules() if rules.bands.typed is not None else rules.bands


def around(asked: BandRules) -> list[BandRules]:
    """Half, once, twice and four times a capacity; a share of more than 1 is left out."""
    if asked.high_per_day is not None:
        return [replace(asked, high_per_day=times * asked.high_per_day) for times in TIMES]
    shares = [times * asked.high_share_per_day for times in TIMES]
    return [replace(asked, high_share_per_day=share) for share in shares if share <= 1.0]


def foresee(rows: Rows, emitted: Told, rules: Rules, asked: BandRules) -> list[Foreseen]:
    """Judge capacities on the scores of a replay.

    Raises
    ------
    TooLittle
        If no label has matured, or too few for the model to count as trained.
    """
    period = period_of(rows, rules)
    scored, label = _since(rows, period.begin)
    ends = [one for one in emitted.changes if one.over]
    leavers = np.array([one.customer for one in ends], np.int64)
    end_day = np.array([one.end_day for one in ends], np.float64)
    chosen = could_be_warned(
        scored, leavers, end_day, period.begin + EARLIEST_DAYS, period.last + 1
    )
    every = rules.churn.snapshot_every_days
    taken = steps(scored, every)
    customers = len(scored.day) / period.days * every
    found = []
    for bands in around(asked):
        followed = follow(taken, bands, every, period.base_rate)
        judged = warned(
            *(scored, label, followed.alarms, leavers[chosen], end_day[chosen], period.days)
        )
        one = _foreseen(bands, asked, customers, followed, judged.alarms_per_day or 0.0)
        found.append(
            replace(
                one,
                precision=judged.precision,
                leavers=judged.leavers,
                warned=judged.warned,
                lead_days=judged.lead_days,
            )
        )
    return found


def foresee_live(rows: Rows, base_rate: float, rules: Rules, asked: BandRules) -> list[Foreseen]:
    """Thresholds and alarms a day, from the rows that still wait for their labels.

    The first round of snapshots tells only how high everybody was already.

    Raises
    ------
    TooLittle
        If there is no more than that round.
    """
    every = rules.churn.snapshot_every_days
    known = rows.version > 0
    if not known.any():
        raise TooLittle("no customer has been scored by a trained model yet")
    scored = Scored(rows.customer[known], rows.day[known], rows.risk[known])
    begin, last = int(scored.day.min()) + every, int(scored.day.max())
    if last < begin:
        raise TooLittle(
            f"all scores are of {last + 1 - int(scored.day.min())} days: rises show from the "
            f"second round of snapshots on, every {every} days"
        )
    taken = steps(scored, every, begins_in_the_middle=True)
    customers = int((scored.day >= begin).sum()) / (last + 1 - begin) * every
    found = []
    for bands in around(asked):
        followed = follow(taken, bands, every, lambda _: base_rate, counted_from=begin)
        if followed.thresholds is None:
            continue
        fixed = follow(taken, _typed(followed.thresholds), every, lambda _: base_rate)
        per_day = _since_day(fixed.alarms, begin) / (last + 1 - begin)
        found.append(_foreseen(bands, asked, customers, followed, per_day))
    return found


def period_of(rows: Rows, rules: Rules) -> Period:
    """From the day on which the model had enough labels; raises :class:`TooLittle`."""
    labelled = rows.label != UNKNOWN
    if not labelled.any():
        raise TooLittle(
            f"no label has matured: want a history of more than {rules.churn.horizon_days} days "
            "behind the first snapshot"
        )
    wait = rules.churn.horizon_days + rules.churn.label_grace_days
    matured = np.sort(rows.day[labelled]) + wait
    ones = np.cumsum(rows.label[labelled][np.argsort(rows.day[labelled], kind="stable")])
    counts = np.arange(1, len(matured) + 1)
    least, each = rules.learning.minimum_examples, rules.learning.minimum_of_each
    enough = (counts >= least) & (np.minimum(ones, counts - ones) >= each)
    last = int(rows.day.max())
    begin = int(matured[np.argmax(enough)]) if enough.any() else last + 1
    if begin > last:
        raise TooLittle(
            f"the model never had enough labels for bands: {len(matured):,}, of which "
            f"{int(ones[-1]):,} left; want {least:,}, and {each:,} of either kind"
        )
    return Period(begin, last, _base_rate(matured, ones))


def _base_rate(matured: Ints, ones: Ints) -> Callable[[int], float]:
    def known_on(day: int) -> float:
        n = int(np.searchsorted(matured, day, side="right"))
        left = int(ones[n - 1]) if n else 0
        return (left + PRIOR) / (n + 2 * PRIOR)

    return known_on


def _since(rows: Rows, begin: int) -> tuple[Scored, Ints]:
    chosen = rows.day >= begin
    risk: Floats = rows.risk[chosen]
    return Scored(rows.customer[chosen], rows.day[chosen], risk), rows.label[chosen]


def _since_day(alarms: Alarms, begin: int) -> int:
    return int((alarms.from_day >= begin).sum())


def _typed(found: Thresholds) -> BandRules:
    return BandRules(
        medium_enter=found.medium_enter,
        medium_leave=found.medium_leave,
        high_enter=found.high_enter,
        high_leave=found.high_leave,
    )


def _foreseen(
    bands: BandRules, asked: BandRules, customers: float, followed: Followed, per_day: float
) -> Foreseen:
    share = None if bands.high_per_day is not None else bands.high_share_per_day
    thresholds = followed.thresholds
    if thresholds is None:
        raise TooLittle("no customer was scored")
    return Foreseen(
        asked=bands == asked,
        high_per_day=bands.high_per_day,
        high_share_per_day=share,
        customers_per_day=bands.high_per_day or (share or 0.0) * customers,
        thresholds=thresholds,
        alarms_per_day=per_day,
    )


def toml_lines(found: Sequence[Foreseen]) -> list[str]:
    """The configuration of the capacity asked for, as lines of TOML."""
    [one] = [one for one in found if one.asked]
    setting = (
        f"high_share_per_day = {one.high_share_per_day:g}"
        if one.high_per_day is None
        else f"high_per_day = {one.high_per_day:g}"
    )
    return ["[bands]", setting]
