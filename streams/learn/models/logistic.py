"""River's logistic regression by stochastic gradient descent on the log loss."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from touchstream.streams.learn.arrays import Floats, pack, unpack
from touchstream.streams.learn.models.estimator import Estimator, Prediction
from touchstream.streams.learn.standard import Move

RATE = 0.005
"""Measured on CDNOW and bank calls: a third learns too slowly, three times is unstable."""


class LogisticData(Struct, frozen=True, tag="logistic"):
    """Weights (log-odds per standard deviation, the intercept first) and optimiser steps."""

    weights: bytes
    steps: int


class OnlineLogisticRegression(Estimator):
    """``river.linear_model.LogisticRegression`` with plain stochastic gradient descent.

    River's adaptive optimisers (Adam, AdaGrad ...) keep their state in private dictionaries; plain
    descent has one number, so it can be stored and restored.

    Parameters
    ----------
    rate
        Learning rate of weights and intercept.
    """

    def __init__(self, rate: float = RATE) -> None:
        super().__init__()
        self.rate = rate
        self._weights = np.zeros(1)
        self._steps = 0

    @staticmethod
    def of(data: LogisticData) -> "OnlineLogisticRegression":
        """Restore the model from :meth:`data` exactly."""
        model = OnlineLogisticRegression()
        model._names = []
        model._weights, model._steps = unpack(data.weights), data.steps
        return model

    @property
    def width(self) -> int:
        return len(self._weights)

    def widen(self, names: list[str]) -> None:
        self._weights = np.concatenate((self._weights, np.zeros(len(names))))

    def learn(self, columns: Floats, z: Floats, label: int, weight: float) -> None:
        self.learn_all(columns[None], z[None], [label], [weight])

    def learn_all(
        self,
        columns: Floats,
        z: Floats,
        labels: Sequence[int],
        weights: Sequence[float],
        offsets: Sequence[float] = (),
    ) -> None:
        # Once per tick: River's weights are a dictionary, which is slow to build.
        river = self._regression()
        for row, label, weight in zip(z.tolist(), labels, weights, strict=True):
            river.learn_one(dict(enumerate(row)), bool(label), w=weight)
        places = range(len(self._weights))
        self._weights = np.array([river._weights[place] for place in places], dtype=np.float64)
        self._steps = int(river.optimizer.n_iterations)

    def move(self, move: Move) -> None:
        shift = float(move.shift.dot(self._weights))
        self._weights = self._weights * move.scale
        self._weights[0] += shift

    def _regression(self) -> Any:  # noqa: ANN401 - River ships no types
        # Imported here: workers only predict, and start a second faster without River.
        from river import linear_model, optim  # noqa: PLC0415
        from river.utils import VectorDict  # noqa: PLC0415

        river = linear_model.LogisticRegression(
            # The first column is the intercept, so River's own stays 0.
            optimizer=optim.SGD(self.rate),
            intercept_lr=0.0,
            l2=0.0,
        )
        river._weights = VectorDict(dict(enumerate(self._weights.tolist())))
        river.optimizer.n_iterations = self._steps
        return river

    def predict(self, columns: Floats, z: Floats) -> Prediction:
        return Prediction(float(self._weights.dot(z)))

    def weigh(self, columns: Floats, z: Floats) -> Floats:
        added: Floats = self._weights * z
        return added

    def data(self) -> LogisticData:
        return LogisticData(pack(self._weights), self._steps)
