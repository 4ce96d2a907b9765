"""What a set of probabilities is worth, exactly: no bins but those of the calibration error."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bench.quality.rows import Floats, Ints
from streams.learn.numbers import CERTAIN
from streams.learn.progress import average_precision, roc_auc

RELIABILITY_BINS = 10

Number = float | None
Choose = Callable[[list[float]], float]


class Measures(NamedTuple):
    """Over ``n`` labels; None where a measure is not defined (one class only, or no rows)."""

    n: int
    base_rate: Number
    """Share of label 1: leaves; of other targets than churn: it happens."""
    auc: Number
    """P(a row of label 1 is ranked above one of label 0), ties half; 0..1."""
    ap_label_0: Number
    """Average precision with label 0 as the positive class, ranked by 1 - risk; 0..1."""
    ap_label_1: Number
    """The same with label 1, ranked by risk."""
    log_loss: Number
    """Mean negative log-likelihood, nats."""
    brier: Number
    """Mean squared error of the probability, 0..1."""
    ece: Number
    """Expected calibration error over ten equal bins of risk, 0..1."""


def measure(label: Ints, risk: Floats, rank: Floats | None = None) -> Measures:
    """All measures of ``risk`` = P(label 1), 0..1; arrays of the same length.

    ``rank`` orders the rows where ``risk`` does not; equal ranks are ties.
    """
    steps = _steps(label, risk if rank is None else rank)
    empty = not len(label)
    return Measures(
        n=len(label),
        base_rate=None if empty else float(label.mean()),
        auc=roc_auc(steps),
        ap_label_0=average_precision([(stay, leave) for leave, stay in reversed(steps)]),
        ap_label_1=average_precision(steps),
        log_loss=None if empty else log_loss(label, risk),
        brier=None if empty else float(((risk - label) ** 2).mean()),
        ece=None if empty else calibration_error(label, risk),
    )


def log_loss(label: Ints, risk: Floats) -> float:
    """Mean of -ln P(what became true), the probability kept off 0 and 1."""
    said = np.clip(np.where(label == 1, risk, 1 - risk), CERTAIN, 1 - CERTAIN)
    return float(-np.log(said).mean())


def calibration_error(label: Ints, risk: Floats) -> float:
    r"""Expected calibration error.

    .. math:: ECE = \frac1n \sum_b \left| \sum_{i \in b} (p_i - y_i) \right|

    over ten equal bins of p, upper edges exclusive but the last (Naeini et al., AAAI 2015).

    >>> round(calibration_error(np.array([1, 0]), np.array([0.9, 0.2])), 3)
    0.15
    """
    tenth = np.minimum((risk * RELIABILITY_BINS).astype(np.int64), RELIABILITY_BINS - 1)
    gaps = np.bincount(tenth, weights=risk - label, minlength=RELIABILITY_BINS)
    return float(np.abs(gaps).sum() / len(label))


def better(one: Measures, other: Measures) -> Measures:
    """Measure by measure the better of two on the same rows: a standard no single one may reach."""
    return one._replace(
        auc=_best(max, one.auc, other.auc),
        ap_label_0=_best(max, one.ap_label_0, other.ap_label_0),
        ap_label_1=_best(max, one.ap_label_1, other.ap_label_1),
        log_loss=_best(min, one.log_loss, other.log_loss),
        brier=_best(min, one.brier, other.brier),
        ece=_best(min, one.ece, other.ece),
    )


def _best(choose: Choose, one: Number, other: Number) -> Number:
    known = [value for value in (one, other) if value is not None]
    return choose(known) if known else None


def _steps(label: Ints, rank: Floats) -> list[tuple[int, int]]:
    """(label 1, label 0) at each distinct rank, the highest first."""
    distinct, position = np.unique(-rank, return_inverse=True)
    ones = np.bincount(position, weights=label, minlength=len(distinct)).astype(np.int64)
    all_of_them = np.bincount(position, minlength=len(distinct))
    return list(zip(ones.tolist(), (all_of_them - ones).tolist(), strict=True))
