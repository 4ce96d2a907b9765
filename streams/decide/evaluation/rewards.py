"""Reward models of the doubly robust estimator: a linear ridge regression for each arm."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np

from touchstream.streams.decide.chance import draw
from touchstream.streams.decide.evaluation.logged import Context, DecisionLog, Flags, Floats

RewardModel = Literal["mean", "ridge"]
"""The arm's mean reward, or linear in the context."""

FOLDS = 5
PENALTY = 1.0
"""Of a standardised coefficient: as much as one decision more, with reward 0."""
OF_INTERCEPT = 1e-9
"""Keeps the system solvable for an arm without decisions, whose prediction is then 0."""
MOST_VALUES = 20
"""Of a text column; rarer ones share the base."""
FIRST_BLOCK = 10
GROWTH = 1.25


class Split(NamedTuple):
    """A model learns from some decisions and predicts others."""

    learns: Flags
    predicts: Flags


def features(contexts: Sequence[Context], model: RewardModel) -> Floats:
    """Shape (n, d): 1, then, for ``ridge``, the context's numbers and one column a text value.

    A column is numeric if all its values are numbers. Each but the first is standardised.
    """
    ones = np.ones((len(contexts), 1))
    if model == "mean":
        return ones
    names = sorted({name for context in contexts for name in context})
    made = [column for name in names for column in _columns([c.get(name) for c in contexts])]
    return np.column_stack([ones, *map(_standardised, made)])


def predictions(log: DecisionLog, x: Floats, splits: Sequence[Split]) -> Floats:
    """Expected reward of every arm in every decision, shape (n, k), from other decisions alone.

    beta_a = (X' V X + penalty)^-1 X' V r over the decisions of arm a that the split learns from; V
    their weights. 0 for an arm without any.
    """
    found = np.zeros(log.could.shape)
    penalty = np.diag([OF_INTERCEPT, *[PENALTY] * (x.shape[1] - 1)])
    for split in splits:
        for arm in range(len(log.arms)):
            rows = split.learns & (log.action == arm)
            weighted = x[rows] * log.weight[rows, None]
            beta = np.linalg.solve(weighted.T @ x[rows] + penalty, weighted.T @ log.reward[rows])
            found[split.predicts, arm] = x[split.predicts] @ beta
    return found


def folds(log: DecisionLog, seed: int) -> list[Split]:
    """Cross-fitting by customer, for logs with fixed propensities; the order does not matter."""
    lots = [draw(seed, name, "", "fold") for name in log.customers]
    fold = (np.asarray(lots) * FOLDS).astype(np.int64)[log.customer]
    return [Split(fold != number, fold == number) for number in range(FOLDS)]


def past(log: DecisionLog) -> list[Split]:
    """Blocks that grow by a quarter, each predicted from all before it.

    For logs collected adaptively, in order of time: a later decision depends on this reward.
    """
    row = np.arange(len(log.action))
    return [Split(row < begin, (row >= begin) & (row < end)) for begin, end in _blocks(len(row))]


def _blocks(n: int) -> Iterator[tuple[int, int]]:
    begin = 0
    while begin < n:
        end = min(n, max(FIRST_BLOCK, int(begin * GROWTH) + 1))
        yield begin, end
        begin = end


def _columns(values: Sequence[str | float | None]) -> list[Floats]:
    numbers = _numbers(values)
    if numbers is not None:
        return [numbers]
    texts = np.asarray(["" if value is None else str(value) for value in values])
    kinds, counts = np.unique(texts, return_counts=True)
    commonest = kinds[np.argsort(-counts, kind="stable")][:MOST_VALUES]
    return [(texts == kind).astype(np.float64) for kind in commonest]


def _numbers(values: Sequence[str | float | None]) -> Floats | None:
    try:
        numbers = np.asarray([float(value) for value in values if value is not None], np.float64)
    except ValueError:
        return None
    return numbers if len(numbers) == len(values) and np.isfinite(numbers).all() else None


def _standardised(column: Floats) -> Floats:
    spread = float(column.std())
    centred: Floats = column - column.mean()
    return np.divide(centred, spread) if spread > 0.0 else centred
