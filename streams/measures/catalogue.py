"""All business metrics, in the order of docs/metrics.md.

A new metric is an entry and a function in the file of its kind. Stored values are identified by
name, so a metric with a changed meaning needs a new name.
"""

from collections.abc import Mapping

from touchstream.streams.measures import activity, alerts, calls, churn, orders, surveys, tickets
from touchstream.streams.measures.metric import Metric, Ratio

CATALOGUE: tuple[Metric, ...] = (
    *activity.METRICS,
    *churn.METRICS,
    *alerts.METRICS,
    *orders.METRICS,
    *tickets.METRICS,
    *calls.METRICS,
    *surveys.METRICS,
)
RATIOS: tuple[Ratio, ...] = (*churn.RATIOS, *alerts.RATIOS, *surveys.RATIOS)

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in CATALOGUE}
RATIOS_BY_NAME: Mapping[str, Ratio] = {ratio.name: ratio for ratio in RATIOS}
RETENTIONS_DAYS: tuple[int, ...] = tuple(sorted({metric.retention_days for metric in CATALOGUE}))
