"""Online Platt scaling: a line over an estimator's log-odds, learnt from labels of ticks to come.

(Platt 1999; the posterior by the same assumed-density filtering as ``models/bayes.py``, written
out for two numbers.)
"""

from msgspec import Struct

from touchstream.streams.learn.models.estimator import Prediction

PRIOR_VARIANCE = 1e-4
"""Of intercept and slope before the first example: an estimator's word is mostly good.

Measured (docs/models.md): with 1e-2 the line chases each month's luck, with none it is no help to
an estimator that is too sure of itself.
"""
LEAST_EXAMPLES = 1_000
"""That the estimator knew when it spoke: a beginner is too sure of himself, and a line learnt from
him would take too much off for months (bank calls: ECE .025 instead of .021)."""


class Calibration(Struct, array_like=True):
    """Mean and covariance of intercept and slope; mutable, and data all through.

    >>> Calibration().apply(Prediction(2.0)).logit  # as it was, before the first label
    2.0
    """

    intercept: float = 0.0
    slope: float = 1.0
    of_intercept: float = PRIOR_VARIANCE
    of_both: float = 0.0
    of_slope: float = PRIOR_VARIANCE

    def apply(self, prediction: Prediction) -> Prediction:
        """What the line makes of an estimator's word."""
        return Prediction(
            self.intercept + self.slope * prediction.logit, self.slope**2 * prediction.variance
        )

    def learn(self, prediction: Prediction, label: int, weight: float) -> None:
        """Take in the label of what was said before it was known."""
        x = prediction.logit / (1 + _SLACK * prediction.variance) ** 0.5
        gain, other = self.of_intercept + self.of_both * x, self.of_both + self.of_slope * x
        line = Prediction(self.intercept + self.slope * x, gain + other * x)
        chance = line.probability
        curvature = weight * chance * (1 - chance)
        shrink = 1 + curvature * line.variance
        step, lesson = curvature / shrink, weight * (label - chance) / shrink
        self.intercept += gain * lesson
        self.slope += other * lesson
        self.of_intercept -= step * gain * gain
        self.of_both -= step * gain * other
        self.of_slope -= step * other * other


_SLACK = 3.141592653589793 / 8
