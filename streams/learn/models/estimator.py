"""The interface of all models: a River classifier over named numbers, stored as plain data.

The learner and the workers pass whole rows (:meth:`learn`, :meth:`predict`). River's interface,
``learn_one`` and ``predict_proba_one``, adds a column for every new name.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from math import pi, sqrt
from typing import Any, NamedTuple

import numpy as np
from river import base

from touchstream.streams.learn.arrays import Floats
from touchstream.streams.learn.numbers import sigmoid
from touchstream.streams.learn.standard import Move

MODERATION = pi / 8
"""Shrinks uncertain log-odds towards 0 (MacKay 1992)."""


class Prediction(NamedTuple):
    """A model's prediction for one row."""

    logit: float
    """Log-odds of label 1."""
    variance: float = 0.0
    """Variance of the log-odds."""

    @property
    def probability(self) -> float:
        r"""P(label 1), 0 to 1, moderated by the uncertainty.

        .. math:: p = \sigma(a / \sqrt{1 + \pi v / 8})

        (MacKay 1992, the probit approximation).

        >>> Prediction(2.0).probability > Prediction(2.0, 4.0).probability > 0.5
        True
        """
        return sigmoid(self.logit / sqrt(1 + MODERATION * self.variance))


INTERCEPT = "intercept"


class Estimator(base.Classifier, ABC):  # type: ignore[misc]  # River ships no types
    """Rows of ``width`` columns in, log-odds out; the first column is always 1, the intercept."""

    def __init__(self) -> None:
        self._names: list[str] = [INTERCEPT]
        """Column names; empty if restored from data, which has none."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Columns so far."""

    @abstractmethod
    def widen(self, names: list[str]) -> None:
        """Add these columns."""

    @abstractmethod
    def learn(self, columns: Floats, z: Floats, label: int, weight: float) -> None:
        """Learn one row, raw and standardised, as ``weight`` examples of ``label``."""

    def learn_all(
        self,
        columns: Floats,
        z: Floats,
        labels: Sequence[int],
        weights: Sequence[float],
        offsets: Sequence[float] = (),
    ) -> None:
        """Learn the rows of one tick, (n, width), in order.

        Comparisons use predictions made before the first of them. ``offsets`` are log-odds that are
        known to be added to each row's prediction; empty means none. Only the Bayesian regression
        takes them into account.
        """
        for row in zip(columns, z, labels, weights, strict=True):
            self.learn(*row)

    def move(self, move: Move) -> None:
        """Keep predictions unchanged under a new standardisation.

        A missing value is 0, the mean, before and after, so predictions of such rows change a
        little. Models that do not read standardised columns do nothing.
        """

    @abstractmethod
    def predict(self, columns: Floats, z: Floats) -> Prediction:
        """The log-odds of label 1 for one row."""

    def predict_all(self, columns: Floats, z: Floats) -> tuple[Floats, Floats]:
        """Log-odds and their variances, (n,) each, for rows (n, width).

        A row's prediction does not depend on the rest of the batch, to the last bit.
        """
        predictions = [self.predict(*row) for row in zip(columns, z, strict=True)]
        return np.array([one.logit for one in predictions]), np.array(
            [one.variance for one in predictions]
        )

    @abstractmethod
    def data(self) -> Any:  # noqa: ANN401 - the union of all is in registry.py
        """The learnt state; one of the structs of ``Data``."""

    def weigh(self, columns: Floats, z: Floats) -> Floats:
        """Each column's contribution to the log-odds relative to the average row; (width,)."""
        return np.zeros(len(z))

    def learn_one(self, x: Mapping[str, float], y: bool) -> None:
        """River's interface: learn one example given as a dict."""
        row = self._row(x, grow=True)
        self.learn(row, np.nan_to_num(row), int(y), 1.0)

    def predict_proba_one(self, x: Mapping[str, float]) -> dict[bool, float]:
        """River's interface: the probabilities of both labels."""
        row = self._row(x, grow=False)
        chance = self.predict(row, np.nan_to_num(row)).probability
        return {False: 1 - chance, True: chance}

    def _row(self, x: Mapping[str, float], *, grow: bool) -> Floats:
        if not self._names:
            raise ValueError(
                "restored from data, which has no column names: "
                "pass whole rows (learn, predict_all)"
            )
        if grow:
            new = sorted(name for name in x if name not in self._names)
            if new:
                self._names += new
                self.widen(new)
        row = np.array([x.get(name, np.nan) for name in self._names], dtype=np.float64)
        row[0] = 1.0
        return row
