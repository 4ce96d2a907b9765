"""Measures of predicted probabilities against labels: exact, without bins except for ECE."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from touchstream.agents.report.scores import EPOCH, Floats, Ints, Scores
from touchstream.streams.learn.numbers import CERTAIN
from touchstream.streams.learn.progress import (
    RELIABILITY_BINS,
    Measures,
    average_precision,
    roc_auc,
)

TENTH = 0.1
SHARES = (0.01, 0.05, TENTH, 0.2, 0.5)
MONTHLY_FROM_DAYS = 182
"""A longer history is shown by month, a shorter one by week."""
FEWEST_IN_PERIOD = 100
"""A tenth of fewer is under ten customers: noise."""
MONDAY = 4
"""1970-01-05, in days since the epoch."""


class Ranking(NamedTuple):
    """Counts of both labels at each distinct risk, the highest first."""

    ones: Ints
    zeros: Ints

    def reversed(self) -> "Ranking":
        """The ranking for the other label, by 1 - risk."""
        return Ranking(self.zeros[::-1], self.ones[::-1])

    def found(self, shares: Floats) -> Floats:
        """Ones among the first ``shares`` (0..1) of all rows; of ties, the part expected."""
        seen = np.concatenate(([0], np.cumsum(self.ones + self.zeros)))
        ones = np.concatenate(([0], np.cumsum(self.ones)))
        found: Floats = np.interp(shares * seen[-1], seen, ones)
        return found


class Bin(NamedTuple):
    """Scores with similar risks."""

    n: int
    predicted: float
    """Mean risk."""
    came_true: float
    """Share of label 1."""


class Lift(NamedTuple):
    """Precision, lift and recall of the first ``share`` of a ranking."""

    share: float
    precision: float
    """Share of the sought label among them."""
    lift: float
    """Precision over the share among all."""
    found: float
    """Share of all rows with the sought label that are among them."""


class Period(NamedTuple):
    """A month or a week of scores."""

    start: date
    n: int
    base_rate: float
    """Share of label 1 among all ..."""
    highest: float
    """... among the tenth with the highest risk ..."""
    lowest: float
    """... and among the tenth with the lowest."""


def ranking(risk: Floats, label: Ints) -> Ranking:
    """Equal risks are ties."""
    distinct, position = np.unique(-risk, return_inverse=True)
    ones = np.bincount(position, weights=label, minlength=len(distinct)).astype(np.int64)
    every = np.bincount(position, minlength=len(distinct)).astype(np.int64)
    return Ranking(ones, every - ones)


def measures(risk: Floats, label: Ints, ranked: Ranking) -> Measures:
    """All measures of ``risk`` = P(label 1), 0..1; ``ranked`` are the same rows, best first."""
    n = len(label)
    predicted = np.clip(np.where(label == 1, risk, 1 - risk), CERTAIN, 1 - CERTAIN)
    return Measures(
        n=n,
        base_rate=float(label.mean()) if n else None,
        log_loss=float(-np.log(predicted).mean()) if n else None,
        brier=float(((risk - label) ** 2).mean()) if n else None,
        roc_auc=roc_auc(_steps(ranked)),
        average_precision=average_precision(_steps(ranked)),
        average_precision_stays=average_precision(_steps(ranked.reversed())),
        ece=calibration_error(reliability(risk, label)) if n else None,
    )


def calibration_error(bins: Sequence[Bin]) -> float:
    r"""Expected calibration error (Naeini et al., AAAI 2015).

    .. math:: ECE = \frac{\sum_b n_b \left| p_b - y_b \right|}{\sum_b n_b}

    >>> round(calibration_error([Bin(1, 0.9, 1.0), Bin(3, 0.2, 0.0)]), 3)
    0.175
    """
    return sum(row.n * abs(row.predicted - row.came_true) for row in bins) / sum(
        row.n for row in bins
    )


def constant(found: Measures) -> Measures:
    """The measures of the base rate, known in hindsight, as a constant prediction."""
    rate = found.base_rate or 0.0
    predicted = np.clip([rate, 1 - rate], CERTAIN, 1 - CERTAIN)
    return Measures(
        n=found.n,
        base_rate=rate,
        log_loss=float(-(rate * np.log(predicted[0]) + (1 - rate) * np.log(predicted[1]))),
        brier=rate * (1 - rate),
        roc_auc=None if found.roc_auc is None else 0.5,
        average_precision=rate or None,
        average_precision_stays=(1 - rate) or None,
        ece=0.0,
    )


def reliability(risk: Floats, label: Ints) -> list[Bin]:
    """Ten equal bins of risk, upper edges exclusive but the last; empty ones are left out."""
    tenth = np.minimum((risk * RELIABILITY_BINS).astype(np.int64), RELIABILITY_BINS - 1)
    n = np.bincount(tenth, minlength=RELIABILITY_BINS)
    predicted = np.bincount(tenth, weights=risk, minlength=RELIABILITY_BINS)
    ones = np.bincount(tenth, weights=label, minlength=RELIABILITY_BINS)
    return [
        Bin(int(n[b]), float(predicted[b] / n[b]), float(ones[b] / n[b])) for b in np.flatnonzero(n)
    ]


def lifts(ranked: Ranking) -> list[Lift]:
    """The lift at each of :data:`SHARES`; empty without any row of the sought label."""
    ones, n = int(ranked.ones.sum()), int((ranked.ones + ranked.zeros).sum())
    if not ones:
        return []
    return [
        Lift(share, found / (share * n), found / (share * ones), found / ones)
        for share, found in zip(SHARES, ranked.found(np.array(SHARES)).tolist(), strict=True)
    ]


def periods(scores: Scores) -> list[Period]:
    """Month by month, or week by week; those with few scores are left out."""
    starts = _starts(scores.day)
    order = np.argsort(starts, kind="stable")
    distinct, first = np.unique(starts[order], return_index=True)
    rows = np.split(order, first[1:])
    return [
        _period(EPOCH + timedelta(days=int(start)), scores, chosen)
        for start, chosen in zip(distinct, rows, strict=True)
        if len(chosen) >= FEWEST_IN_PERIOD
    ]


def _period(start: date, scores: Scores, chosen: Ints) -> Period:
    label = scores.label[chosen]
    ranked = ranking(scores.risk[chosen], label)
    tenth, part = np.array([TENTH]), TENTH * len(chosen)
    return Period(
        start=start,
        n=len(chosen),
        base_rate=float(label.mean()),
        highest=float(ranked.found(tenth)[0] / part),
        lowest=1 - float(ranked.reversed().found(tenth)[0] / part),
    )


def _starts(day: Ints) -> Ints:
    """The first day of each day's month or week."""
    if not len(day):
        return day
    if int(day.max()) - int(day.min()) < MONTHLY_FROM_DAYS:
        return day - (day - MONDAY) % 7
    months = day.astype("datetime64[D]").astype("datetime64[M]")
    return months.astype("datetime64[D]").astype(np.int64)


def _steps(ranked: Ranking) -> list[tuple[int, int]]:
    return list(zip(ranked.ones.tolist(), ranked.zeros.tolist(), strict=True))
