"""The learner's side of the model: River's StandardScaler and LogisticRegression, by examples."""

from collections import Counter
from collections.abc import Sequence
from math import copysign, isfinite, isnan

from river import linear_model, optim, preprocessing
from river.utils import VectorDict

from schemas.rules import LearningRules
from streams.learn.scorer import LARGEST_Z
from streams.learn.snapshot import ModelData


class OnlineLogistic:
    """Standardise, clip at 5 standard deviations, step along the gradient of the log loss.

    One NaN would poison River's scaler for ever (it has no way back): missing values never reach
    it, and a vector that is not finite otherwise raises ``ValueError``. About 30 us an example at
    25 features.
    """

    def __init__(self, names: Sequence[str], rules: LearningRules, data: ModelData) -> None:
        self._names = tuple(names)
        self._features = data.features
        self._scaler = _scaler(self._names, data)
        self._regression = linear_model.LogisticRegression(
            optimizer=optim.SGD(rules.rate), intercept_lr=rules.rate, l2=rules.l2
        )
        self._regression.intercept = data.intercept
        self._regression._weights = VectorDict(dict(zip(self._names, data.weights, strict=True)))
        self._regression.optimizer.n_iterations = data.steps
        self._examples, self._churned = data.examples, data.churned

    def learn(self, values: Sequence[float], label: int) -> None:
        """Learn one matured example; ``label`` 1 churned, 0 stayed."""
        present = {
            name: value for name, value in zip(self._names, values, strict=True) if not isnan(value)
        }
        if not all(map(isfinite, present.values())):
            raise ValueError("a feature is not finite")
        self._scaler.learn_one(present)
        standard = self._scaler.transform_one(present)
        clipped = {
            name: z if -LARGEST_Z < z < LARGEST_Z else copysign(LARGEST_Z, z)
            for name, z in standard.items()
        }
        self._regression.learn_one(clipped, bool(label))
        self._examples += 1
        self._churned += label

    def data(self) -> ModelData:
        """All of it as data; an ``OnlineLogistic`` made from it goes on exactly from here."""
        scaler, regression = self._scaler, self._regression
        return ModelData(
            features=self._features,
            counts=tuple(int(scaler.counts.get(name, 0)) for name in self._names),
            means=tuple(float(scaler.means.get(name, 0.0)) for name in self._names),
            variances=tuple(float(scaler.vars.get(name, 0.0)) for name in self._names),
            weights=tuple(float(regression.weights.get(name, 0.0)) for name in self._names),
            intercept=float(regression.intercept),
            steps=int(regression.optimizer.n_iterations),
            examples=self._examples,
            churned=self._churned,
        )


def _scaler(names: Sequence[str], data: ModelData) -> preprocessing.StandardScaler:
    scaler = preprocessing.StandardScaler()
    scaler.counts = Counter(dict(zip(names, data.counts, strict=True)))
    seen = [name for name, count in zip(names, data.counts, strict=True) if count]
    scaler.means.update((n, m) for n, m in zip(names, data.means, strict=True) if n in seen)
    scaler.vars.update((n, v) for n, v in zip(names, data.variances, strict=True) if n in seen)
    return scaler
