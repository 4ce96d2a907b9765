"""What is watched for drift: of each tick, what can change only if the world does.

What is known of a new customer grows, and who has left in silence is scored for ever: both move
every mean without any drift. So only customers count who are known for long and are alive, and of
them only measurements that do not go on moving with age (:class:`Feature.ages`).

Beside these the loss of what was served, and the ``residual``, label less probability. Its level
is 0 as long as the model is right on average, and it sees a changed law at once: the windows in
which the law changed are the next to mature. Who was treated is left out: what was said of him
holds if nothing is done.
"""

from collections.abc import Mapping, Sequence
from math import isnan, log1p

from touchstream.schemas.examples import Example
from touchstream.schemas.rules import Rules
from touchstream.streams.features.feature import FeatureList
from touchstream.streams.learn.trial import log_loss

OF_THE_MODEL = ("loss", "residual")
"""Series that are no measurement."""


def drift_inputs(
    examples: Sequence[Example],
    rows: Sequence[Sequence[float]],
    rules: Rules,
    features: FeatureList,
) -> Mapping[str, Sequence[float]]:
    """The values of each series in one tick's examples; ``rows`` are their measurements.

    Alive is who has a running subscription, or gave a sign of life within the horizon of churn.
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
    judged = [one for one, _ in kept if one.model_version and not one.treated]
    series["loss"] = [log_loss(one.probability, one.label) for one in judged]
    series["residual"] = [one.label - one.probability for one in judged]
    return series
