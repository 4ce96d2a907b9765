"""Score with a model snapshot, compiled once per version."""

from collections.abc import Sequence
from math import isnan, nan, sqrt
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from touchstream.schemas.rules import Rules
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.arrays import Floats
from touchstream.streams.learn.basis import GAP_LAST, NAMES, expand, shares
from touchstream.streams.learn.models.estimator import MODERATION, Estimator
from touchstream.streams.learn.models.registry import revive
from touchstream.streams.learn.numbers import logit, sigmoid
from touchstream.streams.learn.seen import Population
from touchstream.streams.learn.single import expand_one
from touchstream.streams.learn.snapshot import SEGMENTS, ModelData, Version, empty
from touchstream.streams.learn.standard import Standard

COVERAGE_Z = 1.6448536269514722
"""The 95 % quantile of the normal distribution: intervals cover 90 %."""
COLD_EXAMPLES = 200
"""With fewer examples a customer's risk is the rate of their segment."""
PRIOR_EXAMPLES = 10.0
"""Pseudo-examples at the overall rate in each segment."""
KNOWN_GAPS = 30
"""Examples with a gap before the population's rhythm is used."""

FEW = 4
"""Up to this many rows, plain floats row by row cost less than arrays."""
Rows = Sequence[Sequence[float]] | Floats

_RHYTHM, _ORDER, _SUBSCRIPTION = (
    FEATURES.names.index(name) for name in ("gap_usual", "spend_minor", "subscription_running")
)


def _attribution() -> Floats:
    matrix = np.zeros((len(FEATURES.names), len(NAMES)))
    for column, measurement, share in shares():
        matrix[measurement, column] = share
    return matrix


_ATTRIBUTION = _attribution()
_NOTHING = np.empty((0, len(NAMES)))


class Score(Struct, frozen=True, gc=False):
    """A probability and its uncertainty."""

    risk: float
    """P(label 1), 0 to 1, rounded to the precision of ledger and emissions."""
    logit: float
    """Log-odds before moderation by the uncertainty."""
    variance: float
    """Variance of the model's log-odds."""
    between_customer_variance: float = 0.0
    """Variance of customers' log-odds around the model's."""

    def doubt(self) -> float:
        """Width of the 90 % interval that more examples would narrow, 0 to 1."""
        reach = COVERAGE_Z * sqrt(self.variance)
        return sigmoid(self.logit + reach) - sigmoid(self.logit - reach)

    def interval(self) -> tuple[float, float]:
        """The 90 % interval of the customer's probability, given their touchpoints.

        The model's log-odds are an average over customers; an individual's are farther from 0 by
        sqrt(1 + pi ``between_customer_variance`` / 8) (Zeger, Liang & Albert 1988).
        """
        centre = self.logit * sqrt(1 + MODERATION * self.between_customer_variance)
        reach = COVERAGE_Z * sqrt(self.variance + self.between_customer_variance)
        low, high = sigmoid(centre - reach), sigmoid(centre + reach)
        # The risk is moderated and rounded, so it may lie just outside.
        return round(min(low, self.risk), 6), round(max(high, self.risk), 6)


class Wave(NamedTuple):
    """Rows scored together, with the columns from which reasons are computed."""

    scores: list[Score]
    columns: Floats
    """Columns of the basis, (n, columns); empty during cold start."""
    z: Floats
    """The same standardised."""


class Scorer:
    """P(label 1) and its reasons under one model snapshot.

    The columns of the basis are standardised; the estimator gives log-odds ``a`` with variance
    ``v``; Platt scaling turns them into ``alpha + beta a``. A missing measurement adds nothing.
    Below :data:`COLD_EXAMPLES` the risk is the rate of the customer's segment. Cost: ``bench/``.
    """

    def __init__(self, model: ModelData) -> None:
        self.model = model
        self._standard = Standard(model.standard)
        self._estimator: Estimator = revive(model.estimator)
        self._intercept, self._slope = model.calibration.intercept, model.calibration.slope
        self._slope_squared = self._slope**2
        self._between_customer_variance = model.between_customer_variance
        self._horizon_days = model.horizon_days
        self._is_cold = model.examples < COLD_EXAMPLES
        self.population = population(self._standard, model.since_ms)
        """The rhythm of all customers that the model has learnt from."""
        self._means = _means(self._standard)
        self._rates = [segment_rate(model, segment) for segment in range(SEGMENTS)]

    def score(self, values: Sequence[float], at_ms: Millis) -> Score:
        """The risk of one row of features, NaN where missing; see :meth:`score_all`."""
        return self.score_all([values], [at_ms])[0]

    def score_all(self, rows: Rows, at_ms: Sequence[Millis]) -> list[Score]:
        """The risk of each row of features at its moment; see :meth:`score_wave`."""
        return self.score_wave(rows, at_ms).scores

    def score_wave(self, rows: Rows, at_ms: Sequence[Millis]) -> Wave:
        """The risk of each row of features at its moment, with the derived columns.

        Shared work is done once per batch. Raises ``ValueError`` if the length of a row is not that
        of the feature list.
        """
        if not len(rows):
            return Wave([], _NOTHING, _NOTHING)
        if self._is_cold:
            return Wave([self._cold(values) for values in rows], _NOTHING, _NOTHING)
        columns, z = self._columns(rows, at_ms)
        logits, variances = self._estimator.predict_all(columns, z)
        prediction = zip(logits.tolist(), variances.tolist(), strict=True)
        return Wave([self._calibrated(*word) for word in prediction], columns, z)

    def _calibrated(self, logit: float, variance: float) -> Score:
        logit, variance = self._intercept + self._slope * logit, self._slope_squared * variance
        risk = sigmoid(logit / sqrt(1 + MODERATION * variance))
        return Score(round(risk, 6), logit, variance, self._between_customer_variance)

    def _cold(self, values: Sequence[float]) -> Score:
        rate, n = self._rates[segment_of(values)]
        # Variance of the log-odds of a rate by the delta method.
        return Score(round(rate, 6), logit(rate), 1 / (rate * (1 - rate) * n))

    def mean(self, feature: str) -> float:
        """A feature's mean over the examples, on its own scale; NaN before the first."""
        return self._means[feature]

    def contributions(self, values: Sequence[float], at_ms: Millis) -> list[float]:
        """Each feature's log-odds relative to the average example; 0 if missing.

        The contribution of a derived column is split equally among its features of origin.
        """
        if self._is_cold:
            return [0.0] * len(values)
        columns, z = self._columns([values], [at_ms])
        return self._added(columns[0], z[0])

    def contributions_in(self, wave: Wave, place: int) -> list[float]:
        """:meth:`contributions` of a scored row, from the columns computed then."""
        if self._is_cold:
            return [0.0] * len(FEATURES.names)
        return self._added(wave.columns[place], wave.z[place])

    def _added(self, columns: Floats, z: Floats) -> list[float]:
        added = _ATTRIBUTION.dot(self._estimator.weigh(columns, z))
        contributions: list[float] = (self._slope * added).tolist()
        return contributions

    def _columns(self, rows: Rows, at_ms: Sequence[Millis]) -> tuple[Floats, Floats]:
        horizon_days, everybody = self._horizon_days, self.population
        measured = np.asarray(rows, dtype=np.float64)
        if len(measured) <= FEW:
            columns = np.array(
                [
                    expand_one(row, moment, horizon_days, everybody)
                    for row, moment in zip(measured.tolist(), at_ms, strict=True)
                ]
            )
        else:
            moments = np.array(at_ms, dtype=np.float64)
            columns = expand(measured, moments, horizon_days, everybody)
        return columns, self._standard.standardise(columns)


def _means(standard: Standard) -> dict[str, float]:
    """Each feature's mean; the first column is the intercept."""
    means = np.where(standard.counts > 0, standard.means, nan)[1:].tolist()
    return dict(zip(FEATURES.names, means, strict=False))


def population(standard: Standard, since_ms: Millis | None) -> Population:
    """The population's statistics for the basis."""
    spread = standard.spread(GAP_LAST)
    if standard.counts[GAP_LAST] < KNOWN_GAPS or not spread:
        return Population(since_ms=since_ms)
    return Population(float(standard.means[GAP_LAST]), spread, since_ms)


def segment_of(values: Sequence[float]) -> int:
    """Segment of the customer, 0 to 11, known from their first event on."""
    running = values[_SUBSCRIPTION]
    subscription = 0 if isnan(running) else 1 + int(not running)
    return subscription * 4 + 2 * (not isnan(values[_RHYTHM])) + (not isnan(values[_ORDER]))


def segment_rate(model: ModelData, segment: int) -> tuple[float, float]:
    """Share of label 1 in a segment, and its number of examples, with ten pseudo-examples.

    These have the overall rate, which itself has one pseudo-example of each label.
    """
    overall = (model.churned + 1) / (model.examples + 2)
    n = model.segment_n[segment] + PRIOR_EXAMPLES
    return (model.segment_churned[segment] + PRIOR_EXAMPLES * overall) / n, n


def compile_version(version: Version, rules: Rules, features: str) -> dict[str, Scorer]:
    """A scorer for every configured target; untrained if the version has no model for it."""
    return {
        name: Scorer(version.models.get(name) or empty(features, target_rules.horizon_ms / DAY_MS))
        for name, target_rules in rules.all_targets.items()
    }
