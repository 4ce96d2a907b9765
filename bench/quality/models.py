"""Every model that is judged, by its permanent name, and the measures of each on the same rows."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple

from bench.quality.batch import logistic, refitted, trees
from bench.quality.inputs import derived
from bench.quality.measures import Measures, Number, better, measure
from bench.quality.online import base_rate, recency, river_sgd, silence_rank
from bench.quality.open_rows import Group, groups, warned_at_capacity
from bench.quality.relation import Departures
from bench.quality.rows import Floats, Rows
from touchstream.streams.decide.capacity import Warned

OURS = "touchstream"
PAIR = "batch-pair"
ENSEMBLE = "batch-mean"
LOGISTIC, TREES = "batch-logistic", "batch-trees"
RECENCY = "recency"
OBSERVER, ORACLE = "observer", "oracle"

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
TRUE_NAMES = (OBSERVER, ORACLE)
"""Of cases whose truth is known: the best possible from touchpoints, and from the hidden state."""
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
    groups: tuple[Group, ...] = ()
    """Calibration by group, of open rows."""
    warned: Warned | None = None
    """Alarms at a capacity, of open rows of churn."""

    def numbers(self) -> dict[str, Number]:
        """Every measure by name."""
        return {**self.measures._asdict(), **(self.warned._asdict() if self.warned else {})}


def evaluate(
    rows: Rows,
    since_ms: int,
    names: Collection[str] = NAMES,
    known: Mapping[str, Floats] | None = None,
    ends: Departures | None = None,
) -> Iterator[Judged]:
    """Judge the models named on the rows scored at ``since_ms`` or later.

    The pair is, measure by measure, the better of the two batch models; the ensemble is the mean
    of their probabilities. Both need the two, which are then judged as well. ``known`` are further
    predictions, by name; with ``ends``, groups and alarms are judged as well.
    """
    measured = _OnRows(rows, since_ms, ends)
    wanted = set(names) | ({LOGISTIC, TREES} if {PAIR, ENSEMBLE} & set(names) else set())
    predicted: dict[str, Floats] = {}
    done: dict[str, Judged] = {}
    for name in (name for name in MODELS if name in wanted):
        started = time.process_time()
        predicted[name] = MODELS[name](rows, since_ms)
        seconds = rows.seconds if name == OURS else time.process_time() - started
        done[name] = measured(name, predicted[name], seconds)
        yield done[name]
    if PAIR in wanted:
        yield _pair(done[LOGISTIC], done[TREES])
    if ENSEMBLE in wanted:
        mean = (predicted[LOGISTIC] + predicted[TREES]) / 2
        yield measured(ENSEMBLE, mean, done[LOGISTIC].seconds + done[TREES].seconds)
    for name, risk in (known or {}).items():
        if name in wanted:
            yield measured(name, risk, 0.0)


class _OnRows:
    """Measures of one scorer after the other, on the same rows."""

    def __init__(self, rows: Rows, since_ms: int, ends: Departures | None) -> None:
        self._chosen, self._ends = rows.at_ms >= since_ms, ends
        self._rows = rows.take(self._chosen)
        self._silence = silence_rank(self._rows)

    def __call__(self, name: str, risk: Floats, seconds: float) -> Judged:
        judged = risk[self._chosen]
        rank = self._silence if name == RECENCY else None
        measures = measure(self._rows.label, judged, rank)
        if self._ends is None:
            return Judged(name, measures, seconds)
        order = judged if rank is None else rank
        warned = warned_at_capacity(self._rows, order, self._ends)
        return Judged(name, measures, seconds, groups(self._rows, judged), warned)


def _pair(one: Judged, other: Judged) -> Judged:
    """The better of the two, measure by measure; of the groups, those of the better calibrated."""
    calm = min((one, other), key=lambda judged: judged.measures.ece or 0.0)
    alarming = max(
        (one, other), key=lambda judged: judged.warned.warned or 0.0 if judged.warned else 0.0
    )
    return Judged(
        PAIR,
        better(one.measures, other.measures),
        one.seconds + other.seconds,
        calm.groups,
        alarming.warned,
    )


def judge_derived(rows: Rows, since_ms: int, horizon_days: float) -> Iterator[Judged]:
    """The batch models under names of their own, on every column of the basis."""
    wide = derived(rows, horizon_days)
    for one in evaluate(wide, since_ms, tuple(DERIVED)):
        yield one._replace(model=DERIVED[one.model])
