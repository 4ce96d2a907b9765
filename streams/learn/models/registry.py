"""All available models, as named by ``learning.model`` and ``learning.challenger``.

A new model is a file here (a :class:`Data` struct with a tag of its own and an
``Estimator``), and a line in each of the two tables below.
"""

from collections.abc import Callable
from typing import assert_never

from touchstream.streams.learn.models.bayes import BayesData, BayesianLogisticRegression
from touchstream.streams.learn.models.estimator import Estimator
from touchstream.streams.learn.models.hedge import Hedge, HedgeData
from touchstream.streams.learn.models.logistic import LogisticData, OnlineLogisticRegression
from touchstream.streams.learn.models.recency import RecencyData, RecencyRule
from touchstream.streams.learn.models.rhythm import RhythmData, RhythmExpert

Data = BayesData | LogisticData | RecencyData | RhythmData | HedgeData

MODELS: dict[str, Callable[[], Estimator]] = {
    "bayes": BayesianLogisticRegression,
    "logistic": OnlineLogisticRegression,
    "recency": RecencyRule,
    "rhythm": RhythmExpert,
    "hedge": Hedge,
}


def revive(data: Data, forgetting: float = 0.0) -> Estimator:
    """Restore the model that wrote ``data`` exactly."""
    match data:
        case BayesData():
            return BayesianLogisticRegression.of(data, forgetting)
        case LogisticData():
            return OnlineLogisticRegression.of(data)
        case RecencyData():
            return RecencyRule.of(data)
        case RhythmData():
            return RhythmExpert.of(data)
        case HedgeData():
            return Hedge.of(data, forgetting)
        case _ as never:
            assert_never(never)


def fresh(name: str, columns: list[str]) -> Data:
    """The model ``name`` before its first example; ``columns`` begin with the intercept."""
    model = MODELS[name]()
    model.widen(columns[1:])
    found: Data = model.data()
    return found
