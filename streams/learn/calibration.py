"""Online Platt scaling: a line over an estimator's log-odds, learnt from later labels.

(Platt 1999; the posterior by the same assumed-density filtering as ``models/bayes.py``, written
out for two parameters.)
"""

from msgspec import Struct

from touchstream.streams.learn.models.estimator import Prediction

PRIOR_VARIANCE = 1e-4
"""Prior variance of intercept and slope: small, because estimators are mostly calibrated.

Measured (docs/models.md): with 1e-2 the line follows monthly noise; without calibration an
overconfident estimator stays so.
"""
PRIOR_VARIANCE_OF_OFFSET = 4.0
"""Prior variance of the intercept where the estimator borrows another target's examples.

Their base rate may be far from the target's own: in a simulated world .91 and .01. With 1, the ECE
there is .027 instead of .015 (docs/models.md).
"""
LEAST_EXAMPLES = 1_000
"""Examples that the estimator learns before calibration does. A new estimator is overconfident, and
a line learnt from it would overcorrect for months (bank calls: ECE .025 instead of .021). With
borrowed examples the line is learnt from the first own one on: the error is certain, and large."""


class Calibration(Struct, array_like=True):
    """Mean and covariance of intercept and slope; mutable plain data.

    >>> Calibration().apply(Prediction(2.0)).logit  # unchanged before the first label
    2.0
    """

    intercept: float = 0.0
    slope: float = 1.0
    of_intercept: float = PRIOR_VARIANCE
    of_both: float = 0.0
    of_slope: float = PRIOR_VARIANCE

    @staticmethod
    def with_offset() -> "Calibration":
        """Before the first label, where the estimator borrows another target's examples."""
        return Calibration(of_intercept=PRIOR_VARIANCE_OF_OFFSET)

    def apply(self, prediction: Prediction) -> Prediction:
        """Calibrate an estimator's prediction."""
        return Prediction(
            self.intercept + self.slope * prediction.logit, self.slope**2 * prediction.variance
        )

    def learn(self, prediction: Prediction, label: int, weight: float) -> None:
        """Learn from a prediction and its label, which was unknown at the time."""
        # Moderated, or uncertain predictions would count as confident ones.
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
