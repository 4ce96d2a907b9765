"""Models written by hand, for benchmarks and tests with known predictions."""

from collections.abc import Mapping

import msgspec
import numpy as np

from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.arrays import pack, pack_symmetric
from touchstream.streams.learn.basis import NAMES
from touchstream.streams.learn.models.bayes import BayesData
from touchstream.streams.learn.snapshot import ModelData, empty
from touchstream.streams.learn.standard import StandardData


def by_hand(
    weights: Mapping[str, float],
    intercept: float = 0.0,
    *,
    mean: float = 0.0,
    other: float = 0.0,
    examples: int = 1_000,
    churned: int | None = None,
) -> ModelData:
    """Log-odds = intercept + sum of weight x (value - mean), each value within 5 of the mean.

    ``weights`` by name of a measured feature; ``other`` is the weight of all others. Scoring costs
    as much as with a learnt model, and the model is maximally certain.
    """
    width, measured = len(NAMES), 1 + len(FEATURES.names)
    given = np.zeros(width)
    given[0] = intercept
    for number, name in enumerate(FEATURES.names, 1):
        given[number] = weights.get(name, other)
    counts = np.full(width, float(examples))
    means = np.where(np.arange(width) < measured, mean, 0.0)
    return msgspec.structs.replace(
        empty(FEATURES.digest, 28.0),
        standard=StandardData(pack(counts), pack(means), pack(counts)),
        estimator=BayesData(pack(given), pack_symmetric(np.zeros((width, width)))),
        examples=examples,
        churned=examples // 2 if churned is None else churned,
    )
