"""Every model that is judged, by its permanent name, and the measures of each on the same rows."""

import time
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from bench.quality.batch import logistic, refitted, trees
from bench.quality.inputs import derived
from bench.quality.measures import Measures, better, measure
from bench.quality.online import base_rate, recency, river_sgd, silence_rank
from bench.quality.rows import Floats, Rows

OURS = "touchstream"
PAIR = "batch-pair"
ENSEMBLE = "batch-mean"
LOGISTIC, TREES = "batch-logistic", "batch-trees"
RECENCY = "recency"

Model = Callable[[Rows, int], Floats]
"""From rows and the first moment to judge to P(label 1) of each row from there on."""

MODELS: dict[str, Model] = {
    OURS: lambda rows, _: rows.probability,
    LOGISTIC: lambda rows, since_ms: refitted(rows, since_ms, logistic),
    TREES: lambda rows, since_ms: refitted(rows, since_ms, trees),
    "river-sgd": river_sgd,
    RECENCY: recency,
    "base-rate": base_rate,
}
NAMES = (OURS, PAIR, LOGISTIC, TREES, ENSEMBLE, "river-sgd", RECENCY, "base-rate")
"""In the order of the table."""
DERIVED = {PAIR: "derived-pair", LOGISTIC: "derived-logistic", TREES: "derived-trees"}
"""Batch models on the columns that the served model derives; not the standard."""
QUICK = (OURS, LOGISTIC, RECENCY)
"""The models that a test has time for."""


class Judged(NamedTuple):
    """One model on one case."""

    model: str
    measures: Measures
    seconds: float
    """CPU to predict all judged rows: of the whole core (decoding, profiles, features, emissions,
    over all events) for touchstream, of fitting and predicting alone for the others."""


def evaluate(rows: Rows, since_ms: int, names: Collection[str] = NAMES) -> Iterator[Judged]:
    """Judge the models named on the rows scored at ``since_ms`` or later.

    The pair is, measure by measure, the better of the two batch models; the ensemble is the mean
    of their probabilities. Both need the two, which are then judged as well.
    """
    wanted = set(names) | ({LOGISTIC, TREES} if {PAIR, ENSEMBLE} & set(names) else set())
    chosen = rows.at_ms >= since_ms
    label = rows.label[chosen]
    predicted: dict[str, Floats] = {}
    done: dict[str, Judged] = {}
    for name in (name for name in MODELS if name in wanted):
        started = time.process_time()
        predicted[name] = MODELS[name](rows, since_ms)[chosen]
        seconds = rows.seconds if name == OURS else time.process_time() - started
        rank = silence_rank(rows)[chosen] if name == RECENCY else None
        done[name] = Judged(name, measure(label, predicted[name], rank), seconds)
        yield done[name]
    if PAIR in wanted:
        one, other = done[LOGISTIC], done[TREES]
        best = better(one.measures, other.measures)
        yield Judged(PAIR, best, one.seconds + other.seconds)
    if ENSEMBLE in wanted:
        mean = (predicted[LOGISTIC] + predicted[TREES]) / 2
        seconds = done[LOGISTIC].seconds + done[TREES].seconds
        yield Judged(ENSEMBLE, measure(label, mean), seconds)


def judge_derived(rows: Rows, since_ms: int, horizon_days: float) -> Iterator[Judged]:
    """The batch models under names of their own, on every column of the basis."""
    wide = derived(rows, horizon_days)
    for one in evaluate(wide, since_ms, tuple(DERIVED)):
        yield one._replace(model=DERIVED[one.model])
