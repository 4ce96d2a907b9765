"""The base rate served on a growing customer base, against the truth."""

from collections.abc import Sequence
from math import sqrt

from bench.validity.finding import Finding
from bench.validity.life import Row

ERRORS = 3.0
"""Standard errors of the difference that still count as equal."""
MOST_OFF = 0.10
"""Largest relative deviation from the true rate, however few the rows."""


def base_rate(rows: Sequence[Row]) -> Finding:
    """The mean served risk against the observed share of churn, over the open rows.

    Equal means: off by at most a tenth of the true rate, or by no more than random variation.
    Rows of one customer are not independent, so the standard error is over customers
    (Liang & Zeger 1986).
    """
    judged = [row for row in rows if row.open]
    n = len(judged)
    served = sum(row.example.probability for row in judged) / n
    labelled = sum(row.example.label for row in judged) / n
    gaps: dict[str, float] = {}
    for row in judged:
        gap = row.example.probability - row.example.label
        gaps[row.customer] = gaps.get(row.customer, 0.0) + gap
    error = sqrt(sum(gap * gap for gap in gaps.values())) / n
    off = abs(served - labelled)
    return Finding(
        "base_rate",
        met=off <= max(MOST_OFF * labelled, ERRORS * error),
        wanted=f"off by at most {MOST_OFF} of the true rate, or {ERRORS} standard errors",
        numbers={
            "rows": n,
            "customers": len(gaps),
            "served": served,
            "labelled": labelled,
            "standard_error": error,
            "served_of_all": sum(row.example.probability for row in rows) / len(rows),
            "labelled_of_all": sum(row.example.label for row in rows) / len(rows),
            "off": served / labelled - 1,
            "oracle": sum(row.oracle.labelled for row in judged) / n,
            "oracle_leaves": sum(row.oracle.leaves for row in judged) / n,
            "left": sum(row.left for row in judged) / n,
        },
    )
