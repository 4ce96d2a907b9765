"""Training of one target's model: matured examples in, the next snapshot out."""

from collections.abc import Sequence
from copy import copy
from itertools import islice

import msgspec
import numpy as np

from touchstream.schemas.units import Millis
from touchstream.streams.learn.arrays import Floats
from touchstream.streams.learn.basis import expand
from touchstream.streams.learn.calibration import LEAST_EXAMPLES
from touchstream.streams.learn.models.estimator import Prediction
from touchstream.streams.learn.models.registry import revive
from touchstream.streams.learn.scorer import population, segment_of
from touchstream.streams.learn.snapshot import ModelData
from touchstream.streams.learn.standard import Standard


class OnlineModel:
    """Predict a tick, then learn it: estimator and calibration see each label once.

    One NaN or infinity would corrupt a running mean for good, so missing values never reach it, and
    infinite ones raise ``ValueError``.
    """

    def __init__(self, data: ModelData, forgetting: float = 0.0) -> None:
        self._before = data
        self._standard = Standard(data.standard)
        self._estimator = revive(data.estimator, forgetting)
        self._calibration = copy(data.calibration)
        self._since_ms = data.since_ms
        self._segment_n = list(data.segment_n)
        self._segment_churned = list(data.segment_churned)
        self._examples, self._churned = data.examples, data.churned
        self._own = data.own

    def learn(
        self, values: Sequence[float], at_ms: Millis, label: int, weight: float
    ) -> Prediction:
        """Learn one matured example; see :meth:`learn_all`."""
        return self.learn_all([values], [at_ms], [label], [weight])[0]

    def learn_all(
        self,
        rows: Sequence[Sequence[float]],
        at_ms: Sequence[Millis],
        labels: Sequence[int],
        weights: Sequence[float],
        own: int | None = None,
    ) -> list[Prediction]:
        """Learn the examples of one tick; returns the predictions made before learning any.

        The first ``own`` of them are of the model's target, and None means all. Only these adjust
        the calibration, so that its intercept brings the target's base rate.

        Labels of one tick are correlated: the same customers, overlapping windows, one bad month.
        Otherwise labels leak within a tick. So calibration and comparisons use the predictions from
        before the tick, while the estimator learns row by row. A weight is the number of
        independent examples that a row represents.
        """
        if not rows:
            return []
        columns = self._columns(rows, at_ms)
        logits, variances = self._estimator.predict_all(
            columns, self._standard.standardise(columns)
        )
        predictions = [
            Prediction(*word) for word in zip(logits.tolist(), variances.tolist(), strict=True)
        ]
        calibrated = [self._calibration.apply(raw) for raw in predictions]
        offsets = self._offsets(len(rows), own)
        if self._own is not None or self._examples >= LEAST_EXAMPLES:
            for raw, label, weight in islice(zip(predictions, labels, weights, strict=True), own):
                self._calibration.learn(raw, label, weight)
        # First, so that the estimator learns this tick in the new units.
        self._estimator.move(self._standard.learn(columns))
        z = self._standard.standardise(columns)
        self._estimator.learn_all(columns, z, labels, weights, offsets)
        self._count(rows, labels)
        if self._own is not None:
            self._own = self._own.plus(labels[:own])
        return calibrated

    def _offsets(self, count: int, own: int | None) -> Sequence[float]:
        """What the calibration adds to a prediction of the own target, and not of a borrowed row.

        Otherwise estimator and offset would both correct the base rate, and overshoot.
        """
        if self._own is None:
            return ()
        own = count if own is None else own
        return [self._calibration.intercept] * own + [0.0] * (count - own)

    def _columns(self, rows: Sequence[Sequence[float]], at_ms: Sequence[Millis]) -> Floats:
        measured = np.array(rows, dtype=np.float64)
        if np.isinf(measured).any():
            raise ValueError("a feature is not finite")
        if self._since_ms is None:
            self._since_ms = at_ms[0]
        everybody = population(self._standard, self._since_ms)
        moments = np.array(at_ms, dtype=np.float64)
        return expand(measured, moments, self._before.horizon_days, everybody)

    def _count(self, rows: Sequence[Sequence[float]], labels: Sequence[int]) -> None:
        self._examples += len(rows)
        self._churned += sum(labels)
        for values, label in zip(rows, labels, strict=True):
            segment = segment_of(values)
            self._segment_n[segment] += 1
            self._segment_churned[segment] += label

    def data(self, between_customer_variance: float = 0.0) -> ModelData:
        """The state as data; an ``OnlineModel`` made from it continues exactly."""
        return msgspec.structs.replace(
            self._before,
            since_ms=self._since_ms,
            standard=self._standard.data(),
            estimator=self._estimator.data(),
            calibration=copy(self._calibration),
            between_customer_variance=between_customer_variance,
            segment_n=tuple(self._segment_n),
            segment_churned=tuple(self._segment_churned),
            examples=self._examples,
            churned=self._churned,
            own=self._own,
        )
