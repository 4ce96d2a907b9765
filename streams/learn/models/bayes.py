"""Bayesian logistic regression in one pass, by assumed-density filtering."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from touchstream.streams.learn.arrays import Floats, pack, pack_symmetric, unpack, unpack_symmetric
from touchstream.streams.learn.models.estimator import Estimator, Prediction
from touchstream.streams.learn.standard import Move

PRIOR_VARIANCE = 0.1
"""Of a weight, in log-odds per standard deviation: most columns matter little (docs/models.md)."""
PRIOR_VARIANCE_OF_INTERCEPT = 4.0
BLOCK = 16
"""Rows per product; fixed, because kernels may round the last bit by the batch's size."""
LEAST_CURVATURE = 1e-4  # so that a confident model still learns from surprises
_NO_VARIANCE = np.zeros(1)


class BayesData(Struct, frozen=True, tag="bayes"):
    """Mean and covariance of intercept and weights."""

    mean: bytes
    covariance: bytes
    """Upper triangle."""


class BayesianLogisticRegression(Estimator):
    r"""Logistic regression with a Gaussian posterior :math:`N(m, S)`, updated by each example.

    With :math:`a = m^T x`, :math:`v = x^T S x` and the moderated probability
    :math:`p = \sigma(a / \sqrt{1 + \pi v / 8})`, an example of label y and weight c updates

    .. math::
        h = c\,p(1-p), \quad S \leftarrow S - \frac{h}{1 + h v} (Sx)(Sx)^T, \quad
        m \leftarrow m + c\,\frac{y - p}{1 + h v}\,Sx

    (Spiegelhalter & Lauritzen 1990; MacKay 1992; Opper 1998). One pass, no learning rate, and a
    variance for every prediction. With ``forgetting`` q > 0 the variances grow by q per example, so
    that old examples count less. About 20 us per example at 78 columns.

    Parameters
    ----------
    forgetting
        Growth of every weight's variance per example.
    prior_variance
        Variance of each weight before the first example.

    >>> model = BayesianLogisticRegression()
    >>> for _ in range(200):
    ...     model.learn_one({"silence": 1.0}, True)
    ...     model.learn_one({"silence": -1.0}, False)
    >>> model.predict_proba_one({"silence": 1.0})[True] > 0.9
    True
    """

    def __init__(self, forgetting: float = 0.0, prior_variance: float = PRIOR_VARIANCE) -> None:
        super().__init__()
        self.forgetting = forgetting
        self.prior_variance = prior_variance
        self._mean = np.zeros(1)
        self._covariance = np.array([[PRIOR_VARIANCE_OF_INTERCEPT]])
        self._outer = np.empty((1, 1))
        self._both: Floats | None = None
        """Covariance and mean side by side: one product gives log-odds and gain."""

    @staticmethod
    def of(data: BayesData, forgetting: float) -> "BayesianLogisticRegression":
        """Restore the model from :meth:`data` exactly."""
        model = BayesianLogisticRegression(forgetting)
        model._names = []
        model._mean = unpack(data.mean)
        model._covariance = unpack_symmetric(data.covariance, len(model._mean))
        model._outer = np.empty_like(model._covariance)
        return model

    @property
    def width(self) -> int:
        return len(self._mean)

    def widen(self, names: list[str]) -> None:
        before, after = len(self._mean), len(self._mean) + len(names)
        covariance = np.eye(after) * self.prior_variance
        covariance[:before, :before] = self._covariance
        self._covariance, self._outer = covariance, np.empty((after, after))
        self._mean = np.concatenate((self._mean, np.zeros(len(names))))
        self._both = None

    def learn(self, columns: Floats, z: Floats, label: int, weight: float) -> None:
        self._learn(z, label, weight, 0.0)

    def learn_all(
        self,
        columns: Floats,
        z: Floats,
        labels: Sequence[int],
        weights: Sequence[float],
        offsets: Sequence[float] = (),
    ) -> None:
        for row in zip(z, labels, weights, offsets or [0.0] * len(z), strict=True):
            self._learn(*row)

    def _learn(self, z: Floats, label: int, weight: float, offset: float) -> None:
        if self.forgetting:
            self._covariance[np.diag_indices(len(self._mean))] += self.forgetting
        gain = self._covariance.dot(z)
        prediction = Prediction(float(self._mean.dot(z)) + offset, float(z.dot(gain)))
        chance = prediction.probability
        curvature = weight * max(chance * (1 - chance), LEAST_CURVATURE)
        shrink = 1 + curvature * prediction.variance
        step = gain * (curvature / shrink) ** 0.5
        np.multiply(step[:, None], step, out=self._outer)
        self._covariance -= self._outer  # symmetric to the last bit, because half is stored
        self._mean += gain * (weight * (label - chance) / shrink)
        self._both = None

    def move(self, move: Move) -> None:
        """See :meth:`Estimator.move`; the prior stays per unit of the new deviation.

        With r the new deviation over the old one, the transformed prior has precision
        1 / (r^2 prior), so the difference to 1 / prior is added. With forgetting the prior may have
        decayed already, so precision is never subtracted.
        """
        turn = np.diag(move.scale)
        turn[0] += move.shift
        covariance, mean = turn @ self._covariance @ turn.T, turn @ self._mean
        more = (1 - move.scale**-2.0) / self.prior_variance
        if self.forgetting:
            more = np.maximum(more, 0.0)
        # Needs no inverse of the covariance, which may be singular.
        both = np.linalg.solve(
            np.eye(len(mean)) + covariance * more, np.column_stack((covariance, mean))
        )
        self._covariance, self._mean = (both[:, :-1] + both[:, :-1].T) / 2, both[:, -1].copy()
        self._both = None

    def predict(self, columns: Floats, z: Floats) -> Prediction:
        variance = float(z.dot(self._covariance.dot(z)))
        # Rounding can make a tiny variance negative.
        return Prediction(float(self._mean.dot(z)), max(0.0, variance))

    def predict_all(self, columns: Floats, z: Floats) -> tuple[Floats, Floats]:
        if self._both is None:
            self._both = np.column_stack((self._covariance, self._mean))
        count, width = z.shape
        blocks = np.zeros((-(-count // BLOCK), BLOCK, width))
        padded = blocks.reshape(-1, width)
        padded[:count] = z
        both = (blocks @ self._both).reshape(-1, width + 1)[:count]
        variances = (padded[:count] * both[:, :-1]).sum(axis=1)
        return both[:, -1], np.maximum(variances, _NO_VARIANCE)

    def weigh(self, columns: Floats, z: Floats) -> Floats:
        added: Floats = self._mean * z
        return added

    def data(self) -> BayesData:
        return BayesData(pack(self._mean), pack_symmetric(self._covariance))
