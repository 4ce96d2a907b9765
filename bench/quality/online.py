"""Models that see one row at a time: two rules, and River's plain logistic regression.

A row's label is learnt once it is known and never before, however late that is.
"""

from collections.abc import Callable
from math import isnan
from typing import Any

import numpy as np
from river import linear_model, preprocessing

from bench.quality.rows import Floats, Rows
from touchstream.streams.learn.baselines import Baselines, recency_rank

SILENCE = "silence_days"


def prequential(
    rows: Rows, since_ms: int, learn: Callable[[int], None], say: Callable[[int], float]
) -> Floats:
    """Predict every row scored at ``since_ms`` or later, in that order; NaN for the rows before.

    Before each, ``learn`` gets every row whose label was known by then (``matured_ms`` <= its
    ``at_ms``), in the order of maturing, each once. Both get a row's index.
    """
    predicted = np.full(len(rows), np.nan)
    matured = np.argsort(rows.matured_ms, kind="stable").tolist()
    scored = np.argsort(rows.at_ms, kind="stable").tolist()
    at_ms, matured_ms = rows.at_ms.tolist(), rows.matured_ms.tolist()
    learnt = 0
    for index in scored:
        while learnt < len(matured) and matured_ms[matured[learnt]] <= at_ms[index]:
            learn(matured[learnt])
            learnt += 1
        if at_ms[index] >= since_ms:
            predicted[index] = say(index)
    return predicted


def base_rate(rows: Rows, since_ms: int) -> Floats:
    """Share of label 1 among the labels known so far: the same for all customers at a moment."""
    rule, label = Baselines(), rows.label.tolist()
    return prequential(
        rows, since_ms, lambda row: rule.learn(0.0, label[row]), lambda _: rule.base_rate()
    )


def recency(rows: Rows, since_ms: int) -> Floats:
    """Share of label 1 among those known so far who had been silent as long."""
    rule, label = Baselines(), rows.label.tolist()
    silence = rows.vector[:, rows.names.index(SILENCE)].tolist()
    return prequential(
        rows,
        since_ms,
        lambda row: rule.learn(silence[row], label[row]),
        lambda row: rule.recency(silence[row]),
    )


def silence_rank(rows: Rows) -> Floats:
    """The rank of the recency rule: the longer silent, the higher; 0..1."""
    column = rows.vector[:, rows.names.index(SILENCE)]
    return np.array([recency_rank(silence) for silence in column.tolist()])


def river_sgd(rows: Rows, since_ms: int) -> Floats:
    """River's ``StandardScaler() | LogisticRegression()`` with default parameters.

    Missing values are left out. About 60 us a row at 32 features.
    """
    model: Any = preprocessing.StandardScaler() | linear_model.LogisticRegression()

    def seen(row: int) -> dict[str, float]:
        values = zip(rows.names, rows.vector[row].tolist(), strict=True)
        return {name: value for name, value in values if not isnan(value)}

    def learn(row: int) -> None:
        model.learn_one(seen(row), bool(rows.label[row]))

    def say(row: int) -> float:
        return float(model.predict_proba_one(seen(row)).get(True, 0.5))

    return prequential(rows, since_ms, learn, say)
