"""The recency rule: the share of label 1 at the same silence; the baseline of every model."""

import numpy as np
from msgspec import Struct

from touchstream.streams.learn.arrays import Floats
from touchstream.streams.learn.baselines import Baselines
from touchstream.streams.learn.models.estimator import Estimator, Prediction
from touchstream.streams.learn.numbers import logit


class RecencyData(Struct, frozen=True, tag="recency"):
    """Counts of both labels by silence."""

    baselines: Baselines
    column: int
    """Index of the column ln(1 + days of silence)."""


class RecencyRule(Estimator):
    """Share of label 1 among examples with the same silence, in 64 bins of ln(1 + days).

    Parameters
    ----------
    silence
        Name of the column ln(1 + days since the last sign of life).
    """

    def __init__(self, silence: str = "silence_days") -> None:
        super().__init__()
        self.silence = silence
        self._baselines = Baselines()
        self._column = -1
        self._width = 1

    @staticmethod
    def of(data: RecencyData) -> "RecencyRule":
        """Restore the model from :meth:`data` exactly."""
        model = RecencyRule()
        model._names = []
        model._baselines, model._column = data.baselines.copy(), data.column
        return model

    @property
    def width(self) -> int:
        return self._width

    def widen(self, names: list[str]) -> None:
        if self.silence in names:
            self._column = self._width + names.index(self.silence)
        self._width += len(names)

    def learn(self, columns: Floats, z: Floats, label: int, weight: float) -> None:
        self._baselines.learn(self._silence(columns), label, weight)

    def predict(self, columns: Floats, z: Floats) -> Prediction:
        return Prediction(logit(self._baselines.recency(self._silence(columns))))

    def weigh(self, columns: Floats, z: Floats) -> Floats:
        """The rule reads nothing but the silence, so it gets the whole difference."""
        added = np.zeros(len(z))
        if self._column >= 0:
            usual = logit(self._baselines.base_rate())
            added[self._column] = self.predict(columns, z).logit - usual
        return added

    def _silence(self, columns: Floats) -> float:
        return float(columns[self._column]) if self._column >= 0 else float("nan")

    def data(self) -> RecencyData:
        return RecencyData(self._baselines.copy(), self._column)
