"""Hedge: experts weighted by how well they did, so that the best of them is never far.

(Freund & Schapire 1997; with log loss and rate 1 it is Bayesian model averaging, and the regret
against the best expert is at most ln K over all time: Vovk 1990.) The weights forget, so that a
better expert of today is not held down by the past: Herbster & Warmuth's fixed share (1998).
"""

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from streams.learn.arrays import Floats, pack, unpack
from streams.learn.models.bayes import BayesData, BayesianLogisticRegression
from streams.learn.models.estimator import MODERATION, Estimator, Said
from streams.learn.models.logistic import LogisticData, OnlineLogisticRegression
from streams.learn.models.recency import RecencyData, RecencyRule
from streams.learn.models.rhythm import RhythmData, RhythmExpert
from streams.learn.numbers import logit

if TYPE_CHECKING:
    from collections.abc import Sequence

SHARE = 1e-4
"""What flows back to all experts by an example."""


class HedgeData(Struct, frozen=True, tag="hedge"):
    """The experts and their weights (sum 1), in one order."""

    weights: bytes
    bayes: BayesData
    logistic: LogisticData
    recency: RecencyData
    rhythm: RhythmData


class Hedge(Estimator):
    r"""The Bayesian regression, River's, the recency rule and the rhythm expert, as one.

    .. math:: p = \sum_k w_k p_k, \quad w_k \propto w_k\,P_k(y)^c

    Parameters
    ----------
    share
        What of every weight is shared out among all by an example, 0..1.
    """

    def __init__(self, share: float = SHARE) -> None:
        super().__init__()
        self.share = share
        self._bayes = BayesianLogisticRegression()
        self._logistic = OnlineLogisticRegression()
        self._recency = RecencyRule()
        self._rhythm = RhythmExpert()
        self._weights = np.full(4, 0.25)

    @staticmethod
    def of(data: HedgeData, forgetting: float) -> "Hedge":
        """Go on exactly from where :meth:`data` was."""
        model = Hedge()
        model._weights = unpack(data.weights)
        model._bayes = BayesianLogisticRegression.of(data.bayes, forgetting)
        model._logistic = OnlineLogisticRegression.of(data.logistic)
        model._recency = RecencyRule.of(data.recency)
        model._rhythm = RhythmExpert.of(data.rhythm)
        return model

    @property
    def _experts(self) -> "Sequence[Estimator]":
        return self._bayes, self._logistic, self._recency, self._rhythm

    @property
    def width(self) -> int:
        return self._bayes.width

    def widen(self, names: list[str]) -> None:
        for expert in self._experts:
            expert.widen(names)

    def learn(self, columns: Floats, z: Floats, label: int, weight: float) -> None:
        said = self._chances(columns, z)
        right = said if label else 1 - said
        weights = self._weights * right**weight
        self._weights = (1 - self.share) * weights / weights.sum() + self.share / len(weights)
        for expert in self._experts:
            expert.learn(columns, z, label, weight)

    def predict(self, columns: Floats, z: Floats) -> Said:
        mixed = float(self._weights.dot(self._chances(columns, z)))
        # The experts' variance is in their probabilities already: undo it, or it counts twice.
        variance = self._bayes.predict(columns, z).variance
        return Said(logit(mixed) * sqrt(1 + MODERATION * variance), variance)

    def _chances(self, columns: Floats, z: Floats) -> Floats:
        return np.array([expert.predict(columns, z).probability for expert in self._experts])

    def weigh(self, columns: Floats, z: Floats) -> Floats:
        added: Floats = self._weights.dot([one.weigh(columns, z) for one in self._experts])
        return added

    def data(self) -> HedgeData:
        return HedgeData(
            pack(self._weights),
            self._bayes.data(),
            self._logistic.data(),
            self._recency.data(),
            self._rhythm.data(),
        )
