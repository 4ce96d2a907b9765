"""The rhythm expert: P(no further sign of life within the horizon) of a log-normal renewal process.

Like P(alive) in the models of Fader and Hardie, it measures how surprising this silence is for this
customer. Only intercept and slope are learnt.
"""

import numpy as np
from msgspec import Struct

from touchstream.streams.learn.arrays import Floats, pack, pack_symmetric, unpack, unpack_symmetric
from touchstream.streams.learn.models.bayes import BayesianLogisticRegression
from touchstream.streams.learn.models.estimator import Estimator, Prediction


class RhythmData(Struct, frozen=True, tag="rhythm"):
    """Intercept and slope of a logistic regression on the rhythm's log-odds."""

    column: int
    mean: bytes
    covariance: bytes


class RhythmExpert(Estimator):
    """Logistic regression on one column: the log-odds that the silence lasts (``rhythm_silent``).

    Parameters
    ----------
    silent
        Name of that column.
    """

    def __init__(self, silent: str = "rhythm_silent") -> None:
        super().__init__()
        self.silent = silent
        self._column = -1
        self._width = 1
        self._line = BayesianLogisticRegression(prior_variance=1.0)
        self._line.widen([silent])

    @staticmethod
    def of(data: RhythmData) -> "RhythmExpert":
        """Restore the model from :meth:`data` exactly."""
        model = RhythmExpert()
        model._names = []
        model._column = data.column
        model._line._mean = unpack(data.mean)
        model._line._covariance = unpack_symmetric(data.covariance, 2)
        return model

    @property
    def width(self) -> int:
        return self._width

    def widen(self, names: list[str]) -> None:
        if self.silent in names:
            self._column = self._width + names.index(self.silent)
        self._width += len(names)

    def learn(self, columns: Floats, z: Floats, label: int, weight: float) -> None:
        x = self._x(columns)
        self._line.learn(x, x, label, weight)

    def predict(self, columns: Floats, z: Floats) -> Prediction:
        x = self._x(columns)
        return self._line.predict(x, x)

    def _x(self, columns: Floats) -> Floats:
        value = columns[self._column] if self._column >= 0 else np.nan
        # Log-odds 0: a missing rhythm is no evidence either way.
        return np.array([1.0, 0.0 if np.isnan(value) else value])

    def data(self) -> RhythmData:
        line = self._line
        return RhythmData(self._column, pack(line._mean), pack_symmetric(line._covariance))
