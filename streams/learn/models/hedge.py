"""Hedge: experts weighted by past loss, so that the mixture is never far from the best of them.

(Freund & Schapire 1997; with log loss and rate 1 it is Bayesian model averaging, and the regret
against the best expert is at most ln K over all time: Vovk 1990.) The weights forget, so that an
expert that improves is not held back by its past: Herbster & Warmuth's fixed share (1998).
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from touchstream.streams.learn.arrays import Floats, pack, unpack
from touchstream.streams.learn.models.bayes import BayesData, BayesianLogisticRegression
from touchstream.streams.learn.models.estimator import MODERATION, Estimator, Prediction
from touchstream.streams.learn.models.logistic import LogisticData, OnlineLogisticRegression
from touchstream.streams.learn.models.recency import RecencyData, RecencyRule
from touchstream.streams.learn.models.rhythm import RhythmData, RhythmExpert
from touchstream.streams.learn.numbers import logit
from touchstream.streams.learn.standard import Move

SHARE = 1e-4
"""Share of the weights redistributed to all experts per example."""


class HedgeData(Struct, frozen=True, tag="hedge"):
    """The experts and their weights (sum 1), in the same order."""

    weights: bytes
    bayes: BayesData
    logistic: LogisticData
    recency: RecencyData
    rhythm: RhythmData


class Hedge(Estimator):
    r"""A mixture of the Bayesian regression, River's, the recency rule and the rhythm expert.

    .. math:: p = \sum_k w_k p_k, \quad w_k \propto w_k\,P_k(y)^c

    Experts are compared by predictions made before the tick: labels of one tick are correlated, so
    an expert that adapts within the tick would look better than it is a day ahead.

    Parameters
    ----------
    share
        Part of every weight redistributed among all experts per example, 0..1.
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
        """Restore the model from :meth:`data` exactly."""
        model = Hedge()
        model._names = []
        model._weights = unpack(data.weights)
        model._bayes = BayesianLogisticRegression.of(data.bayes, forgetting)
        model._logistic = OnlineLogisticRegression.of(data.logistic)
        model._recency = RecencyRule.of(data.recency)
        model._rhythm = RhythmExpert.of(data.rhythm)
        return model

    @property
    def _experts(self) -> Sequence[Estimator]:
        return self._bayes, self._logistic, self._recency, self._rhythm

    @property
    def width(self) -> int:
        return self._bayes.width

    def widen(self, names: list[str]) -> None:
        for expert in self._experts:
            expert.widen(names)

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
        chances, _ = self._say(columns, z)
        for predictions, label, weight in zip(chances.T, labels, weights, strict=True):
            right = predictions if label else 1 - predictions
            shares = self._weights * right**weight
            # The shared part keeps every weight above 0, so that an expert can recover.
            self._weights = (1 - self.share) * shares / shares.sum() + self.share / len(shares)
        for expert in self._experts:
            expert.learn_all(columns, z, labels, weights)

    def move(self, move: Move) -> None:
        for expert in self._experts:
            expert.move(move)

    def predict(self, columns: Floats, z: Floats) -> Prediction:
        (logits,), (variance,) = self.predict_all(columns[None], z[None])
        return Prediction(float(logits), float(variance))

    def predict_all(self, columns: Floats, z: Floats) -> tuple[Floats, Floats]:
        chances, variances = self._say(columns, z)
        mixed = (self._weights[:, None] * chances).sum(axis=0)
        # The probabilities include the experts' variance already: undo it, or it counts twice.
        logits = np.array([logit(chance) for chance in mixed.tolist()])
        return logits * np.sqrt(1 + MODERATION * variances), variances

    def _say(self, columns: Floats, z: Floats) -> tuple[Floats, Floats]:
        """Every expert's probability of every row, (4, n), and the regression's variances."""
        predictions = [expert.predict_all(columns, z) for expert in self._experts]
        chances = [
            [Prediction(*word).probability for word in zip(*words, strict=True)]
            for words in predictions
        ]
        return np.array(chances), predictions[0][1]

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
