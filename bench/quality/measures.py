"""Exact measures of a set of probabilities: no bins except for the calibration error."""

from collections.abc import Callable
from typing import NamedTuple

from bench.quality.rows import Floats, Ints
from touchstream.agents.report.measures import measures, ranking

Number = float | None
Choose = Callable[[list[float]], float]


class Measures(NamedTuple):
    """Over ``n`` labels; None where a measure is not defined (one class only, or no rows)."""

    n: int
    base_rate: Number
    """Share of label 1."""
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
    found = measures(risk, label, ranking(risk if rank is None else rank, label))
    return Measures(
        n=found.n,
        base_rate=found.base_rate,
        auc=found.roc_auc,
        ap_label_0=found.average_precision_stays,
        ap_label_1=found.average_precision,
        log_loss=found.log_loss,
        brier=found.brier,
        ece=found.ece,
    )


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
