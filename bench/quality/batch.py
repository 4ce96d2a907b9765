"""The standard to beat: scikit-learn refitted every four weeks on all labels known by then.

A data scientist's usual choice for the same vectors: logistic regression on standardised inputs,
and gradient-boosted trees, both with default parameters.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bench.quality.rows import Floats, Rows
from touchstream.schemas.units import DAY_MS

REFIT_MS = 28 * DAY_MS
SEED = 0
ENOUGH_ITERATIONS = 2_000  # the default of 100 does not converge on these inputs
LEAST_LABELS = 50  # fewer of either class: the share of label 1 among what is known is said

Estimator = Any
"""A scikit-learn classifier, which ships no types: ``fit(x, y)``, ``predict_proba(x)``."""


def logistic() -> Estimator:
    """Missing set to the mean and marked by an indicator, standardised, then L2 with C = 1."""
    return make_pipeline(
        SimpleImputer(strategy="mean", add_indicator=True),
        StandardScaler(),
        LogisticRegression(max_iter=ENOUGH_ITERATIONS, random_state=SEED),
    )


def trees() -> Estimator:
    """Histogram gradient boosting with its defaults; a missing value goes its own way."""
    return HistGradientBoostingClassifier(random_state=SEED)


def refitted(rows: Rows, since_ms: int, make: Callable[[], Estimator]) -> Floats:
    """P(label 1) of each row scored at ``since_ms`` or later; NaN for the rows before.

    A fresh estimator is fitted at ``since_ms`` and every four weeks from there, on every row whose
    label was known by then (``matured_ms`` <= that moment), and predicts the rows scored from
    then until the next.
    """
    predicted = np.full(len(rows), np.nan)
    for start_ms in _moments(rows, since_ms):
        known = rows.matured_ms <= start_ms
        asked = (rows.at_ms >= start_ms) & (rows.at_ms < start_ms + REFIT_MS)
        if asked.any():
            predicted[asked] = _fit_and_say(rows, known, asked, make)
    return predicted


def _moments(rows: Rows, since_ms: int) -> Iterator[int]:
    last_ms = int(rows.at_ms.max(initial=since_ms - 1))
    return iter(range(since_ms, last_ms + 1, REFIT_MS))


def _fit_and_say(
    rows: Rows, known: np.ndarray, asked: np.ndarray, make: Callable[[], Estimator]
) -> Floats:
    label = rows.label[known]
    ones = int(label.sum())
    if min(ones, len(label) - ones) < LEAST_LABELS:
        return np.full(int(asked.sum()), (ones + 1) / (len(label) + 2))
    vector = rows.vector[known]
    seen = ~np.isnan(vector).all(axis=0)  # a column that was never filled has nothing to teach
    with threadpool_limits(1):  # on busy cores OpenMP's threads wait for each other for minutes
        estimator = make().fit(vector[:, seen], label)
        shown: Floats = estimator.predict_proba(rows.vector[asked][:, seen])[:, 1]
    return shown
