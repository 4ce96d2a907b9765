"""Metrics, and measures: one customer's increments of them.

Values are integers (counts, minor units, milliseconds). Integer sums commute exactly, so totals do
not depend on batches or shards.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from touchstream.schemas.units import DAY_MS, HOUR_MS, Millis

Kind = Literal["counter", "distinct", "sum", "mean", "quantile"]
"""Aggregation and display of a metric's measures.

- ``counter``: a count; every measure has the value 1.
- ``distinct``: customers, each once a day; the customer's own state decides. Days do not add up
  to distinct customers of a longer period, so a period shows the mean of its days.
- ``sum``: a total, with the number of measures in it.
- ``mean``: the same, shown as total / number.
- ``quantile``: counts in logarithmic buckets (:mod:`touchstream.streams.measures.quantiles`).
"""

Bucket = Literal["day", "hour"]
"""Period of event time (UTC) that is aggregated; hours are fields of their day."""

BUCKET_MS: dict[Bucket, int] = {"day": DAY_MS, "hour": HOUR_MS}

DAILY_RETENTION_DAYS = 800
"""Two years, and two months to compare with the same season of both."""

HISTOGRAM_RETENTION_DAYS = 400
"""A year and five weeks, for last year's season: histograms of a busy shard take 0.1 MB a day."""

HOURLY_RETENTION_DAYS = 62
"""Two months: staffing looks at the last weeks, and an hour costs as much as a day."""

LARGEST_VALUE = 10**15
"""A larger amount or duration has a wrong unit. Redis's 64-bit counters hold 9,000 of these, but
only a thousand amounts of 2^53."""

OTHER = "other"
"""Replaces every value that a dimension does not list."""

NOT_GIVEN = "not_given"
"""Replaces an empty field."""


class Dimension(NamedTuple):
    """A property by which a metric is split: a small closed set.

    A cap on the number of values seen would depend on the order of arrival, and so on the number
    of shards; a closed list depends on the value alone.
    """

    name: str
    values: tuple[str, ...]
    adds_up: bool = True
    """False: never aggregate across its values (currencies, scales)."""


class Metric(NamedTuple):
    """A business metric. Changes of its meaning or dimensions need a new name."""

    name: str
    kind: Kind
    unit: str
    description: str
    dimensions: tuple[Dimension, ...] = ()
    bucket: Bucket = "day"
    retention_days: int = DAILY_RETENTION_DAYS

    def dimension(self, name: str) -> int | None:
        """The place of a dimension; None if there is none of that name."""
        names = [dimension.name for dimension in self.dimensions]
        return names.index(name) if name in names else None


class Ratio(NamedTuple):
    """A ratio of two counters, computed when read; its n is the denominator."""

    name: str
    numerator: str
    denominator: str
    description: str
    where: tuple[str, str] | None = None
    """(dimension, value) that the numerator's measures must have; None: all of them."""
    unit: str = "share"


class Measure(NamedTuple):
    """One event's increment of a metric."""

    name: str
    """A metric of the catalogue."""
    dimensions: tuple[str, ...]
    """A value for each of its dimensions, in their order."""
    value: int
    """1 for a counter, an observation for a quantile, else the increment."""
    time_ms: Millis
    """Event time: it decides the bucket."""


Measures = Sequence[Measure]
