"""What every model here is: a River classifier over named numbers that is data all through.

The learner and the workers hand over whole rows (:meth:`learn`, :meth:`predict`); whoever knows
River uses ``learn_one`` and ``predict_proba_one``, where a column is made for every new name.
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
"""How an uncertain log-odds is drawn to 0 (MacKay 1992)."""


class Prediction(NamedTuple):
    """A model's word on one row."""

    logit: float
    """log-odds of label 1."""
    variance: float = 0.0
    """How uncertain the log-odds are."""

    @property
    def probability(self) -> float:
        r"""P(label 1), 0 to 1, with the uncertainty taken in.

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
        """Of the columns; none once it was made from data, which keeps whole rows only."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Columns so far."""

    @abstractmethod
    def widen(self, names: list[str]) -> None:
        """Make room for these further columns."""

    @abstractmethod
    def learn(self, columns: Floats, z: Floats, label: int, weight: float) -> None:
        """Take in one row: as measured, and standardised; ``weight`` examples of ``label``."""

    def learn_all(
        self, columns: Floats, z: Floats, labels: Sequence[int], weights: Sequence[float]
    ) -> None:
        """Take in the rows of one tick, (n, width), in their order.

        Whoever compares what was said takes what was said before the first of them.
        """
        for row in zip(columns, z, labels, weights, strict=True):
            self.learn(*row)

    def move(self, move: Move) -> None:
        """Go on saying the same of rows that are standardised in another way from here on.

        A missing value is 0, the mean, before and after; of such rows something a little else is
        said. Nothing to do for who does not look at standardised columns.
        """

    @abstractmethod
    def predict(self, columns: Floats, z: Floats) -> Prediction:
        """The log-odds of label 1 for one row."""

    def predict_all(self, columns: Floats, z: Floats) -> tuple[Floats, Floats]:
        """Log-odds and their variances, (n,) each, for rows (n, width).

        Batches must not show: a row's answer is the same, to the last bit, whatever is beside it.
        """
        predictions = [self.predict(*row) for row in zip(columns, z, strict=True)]
        return np.array([one.logit for one in predictions]), np.array(
            [one.variance for one in predictions]
        )

    @abstractmethod
    def data(self) -> Any:  # noqa: ANN401 - the union of all is in registry.py
        """All that was learnt; one of the structs of ``Data``."""

    def weigh(self, columns: Floats, z: Floats) -> Floats:
        """What each column of one row adds to the log-odds against the average row; (width,)."""
        return np.zeros(len(z))

    def learn_one(self, x: Mapping[str, float], y: bool) -> None:
        """River's way: one example as a dict."""
        row = self._row(x, grow=True)
        self.learn(row, np.nan_to_num(row), int(y), 1.0)

    def predict_proba_one(self, x: Mapping[str, float]) -> dict[bool, float]:
        """River's way: the probability of both labels."""
        row = self._row(x, grow=False)
        chance = self.predict(row, np.nan_to_num(row)).probability
        return {False: 1 - chance, True: chance}

    def _row(self, x: Mapping[str, float], *, grow: bool) -> Floats:
        if not self._names:
            raise ValueError(
                "made from data, which keeps no names of columns: "
                "hand over whole rows (learn, predict_all)"
            )
        if grow:
            new = sorted(name for name in x if name not in self._names)
            if new:
                self._names += new
                self.widen(new)
        row = np.array([x.get(name, np.nan) for name in self._names], dtype=np.float64)
        row[0] = 1.0
        return row
