"""Inputs of drift detection: series whose level changes only if the data distribution does.

Features of new customers grow with age, and customers who left silently are scored for ever: both
shift every mean without any drift. So only established, alive customers count, and only features
that do not keep changing with age (:class:`Feature.ages`).

Two series describe the model: its loss, and the ``residual``, label minus probability. The residual
is 0 on average while the model is calibrated, and it reacts to concept drift with the first windows
that mature afterwards. Treated customers are left out, because predictions assume no treatment.
"""

from collections.abc import Mapping, Sequence
from math import isnan, log1p

from touchstream.schemas.examples import Example
from touchstream.schemas.rules import Rules
from touchstream.streams.features.feature import FeatureList
from touchstream.streams.learn.trial import log_loss

OF_THE_MODEL = ("loss", "residual")
"""Series that are not features."""


def drift_inputs(
    examples: Sequence[Example],
    rows: Sequence[Sequence[float]],
    rules: Rules,
    features: FeatureList,
) -> Mapping[str, Sequence[float]]:
    """The values of each series in one tick's examples; ``rows`` are their features.

    A customer is alive with a running subscription or a sign of life within the churn horizon.
    """
    places = {name: place for place, name in enumerate(features.names)}
    known, silence = places["known_days"], places["silence_days"]
    running = places["subscription_running"]
    since, horizon = log1p(rules.learning.established_days), log1p(rules.churn.horizon_days)
    kept = [
        (example, row)
        for example, row in zip(examples, rows, strict=True)
        if row[known] >= since and (row[running] == 1 or row[silence] < horizon)
    ]
    series = {
        name: [row[places[name]] for _, row in kept if not isnan(row[places[name]])]
        for name in features.ageless
    }
    # Version 0 marks an untrained model, whose loss would look like drift.
    judged = [one for one, _ in kept if one.model_version and not one.treated]
    series["loss"] = [log_loss(one.probability, one.label) for one in judged]
    series["residual"] = [one.label - one.probability for one in judged]
    return series
