"""The value that is saved by each way to choose among open alerts, at the same capacity."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bench.alerts.pools import Evening, Offered

REST_DAYS = 28
"""Nobody is seen to twice within a horizon: the same departure would be prevented twice."""
RESAMPLES = 2_000
INTERVAL = (2.5, 97.5)

Ranking = Callable[[Offered, str], float]
"""The alerts with the highest number are seen to; the string is the planted group."""

RISK = "risk"
RANKINGS: Mapping[str, Ranking] = {
    RISK: lambda alert, _: alert.risk,
    "priority": lambda alert, _: alert.score,
    "plan_known": lambda alert, group: alert.score * alert.acceptance(group),
    "true_value": lambda alert, _: alert.risk * alert.value_minor,
    "best": lambda alert, group: alert.saved_minor(group),
}
"""By risk alone; as shipped; if the acceptance of each plan were known, as a learnt saveability
would be; if the true value of each customer were; if everything were."""


class Ratio(NamedTuple):
    """The value saved by one way over that of another, with a 95 % interval."""

    value: float
    low: float
    high: float


def capacity_of(evenings: Sequence[Evening], share: float) -> int:
    """The alerts that people can see to in a day: this share of those that are raised, or one."""
    raised = sum(evening.raised for evening in evenings) / len(evenings)
    return max(1, round(share * raised))


def saved_by(
    ranking: Ranking, evenings: Sequence[Evening], group: str, per_day: int
) -> dict[str, float]:
    """Customer -> value saved, in minor units: every evening the first ``per_day`` are seen to."""
    seen: dict[str, int] = {}
    saved: dict[str, float] = {}
    for day, evening in enumerate(evenings):
        free = [
            alert
            for alert in evening.alerts
            if day - seen.get(alert.customer, -REST_DAYS) >= REST_DAYS
        ]
        free.sort(key=lambda alert: (-ranking(alert, group), alert.customer))
        for alert in free[:per_day]:
            seen[alert.customer] = day
            saved[alert.customer] = saved.get(alert.customer, 0.0) + alert.saved_minor(group)
    return saved


def ratio_of(above: Mapping[str, float], below: Mapping[str, float], seed: int = 0) -> Ratio:
    """Sum of ``above`` over that of ``below``; customers are resampled for the interval.

    >>> ratio_of({"ada": 3.0, "bob": 1.0}, {"bob": 2.0}).value
    2.0
    """
    rng = np.random.default_rng(seed)
    names = sorted({*above, *below})
    pairs = np.array([(above.get(name, 0.0), below.get(name, 0.0)) for name in names])
    # Poisson weights: a resample of as many customers, without an index for each.
    weights = rng.poisson(1.0, size=(RESAMPLES, len(names)))
    sums = weights @ pairs
    # A resample without any value below has no ratio.
    sums = sums[sums[:, 1] > 0]
    low, high = np.percentile(sums[:, 0] / sums[:, 1], INTERVAL)
    total = pairs.sum(axis=0)
    return Ratio(float(total[0] / total[1]), float(low), float(high))
