"""Aggregated measures of one commit, and the names of their buckets and fields in the store.

A bucket is one day of event time at one retention, ``800:2026-11-28``. The name of a field is the
metric, its dimensions, the hour (``07``) of an hourly one, then the logarithmic bucket of a
quantile, or ``n`` for the number of measures in a sum: ``revenue|EUR|n``.

Measures older than their retention are not added, and a bucket is dropped once it is older. Both
are relative to the shard's watermark, so results do not depend on batches or clocks.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from touchstream.schemas.units import DAY_MS, HOUR_MS, Millis
from touchstream.streams.measures.catalogue import METRICS
from touchstream.streams.measures.metric import BUCKET_MS, LARGEST_VALUE, Kind, Measure, Metric
from touchstream.streams.measures.quantiles import bucket_of

SEPARATOR = "|"
COUNT_FIELD = "n"
_COUNTED: frozenset[Kind] = frozenset({"counter", "distinct"})
_HOURS = DAY_MS // HOUR_MS
_EPOCH_DAY = date(1970, 1, 1).toordinal()

Buckets = dict[str, dict[str, int]]
"""Bucket -> field -> increment."""

Cell = tuple[str, tuple[str, ...], int, int | str | None]
"""Metric, dimensions, days or hours since 1970-01-01, and the part: the logarithmic bucket of a
quantile, ``n`` of a sum, or None for the value itself."""


class _Rule(NamedTuple):
    """Properties of a metric that :class:`Tally` reads for each measure."""

    kind: Kind
    bucket_ms: int
    retention_ms: int


_RULES = {
    name: _Rule(metric.kind, BUCKET_MS[metric.bucket], metric.retention_days * DAY_MS)
    for name, metric in METRICS.items()
}


class Tally:
    """Sums of measures, in any order."""

    def __init__(self) -> None:
        self._sums: dict[Cell, int] = {}

    def add(self, measures: Iterable[Measure], as_of_ms: Millis) -> None:
        """Add measures; those past their retention at ``as_of_ms`` are left out.

        ``as_of_ms`` is the watermark; before the first tick, the event's arrival.
        """
        sums = self._sums
        midnight_ms = as_of_ms - as_of_ms % DAY_MS
        for name, dimensions, value, time_ms in measures:
            kind, bucket_ms, retention_ms = _RULES[name]
            # Its bucket may be dropped already, and must not come back.
            if time_ms < midnight_ms - retention_ms:
                continue
            cell: Cell = (name, dimensions, time_ms // bucket_ms, None)
            if kind in _COUNTED:
                sums[cell] = sums.get(cell, 0) + value
                continue
            for part, amount in _parts(kind, value):
                cell = (name, dimensions, time_ms // bucket_ms, part)
                sums[cell] = sums.get(cell, 0) + amount

    def buckets(self) -> Buckets:
        """All sums, by bucket and field."""
        found: Buckets = {}
        for cell, amount in self._sums.items():
            metric = METRICS[cell[0]]
            day = cell[2] if metric.bucket == "day" else cell[2] // _HOURS
            fields = found.setdefault(bucket_name(metric.retention_days, day), {})
            fields[_field(cell, metric)] = amount
        return found

    def oldest_days(self) -> dict[str, int]:
        """Retention (days, as text) -> the oldest day with measures."""
        found: dict[str, int] = {}
        for name, _, period, _ in self._sums:
            _, bucket_ms, retention_ms = _RULES[name]
            day, key = period * bucket_ms // DAY_MS, str(retention_ms // DAY_MS)
            found[key] = min(day, found.get(key, day))
        return found


def bucket_name(retention_days: int, day: int) -> str:
    """The name of a bucket; ``day`` counts from 1970-01-01.

    >>> bucket_name(800, 20_785)
    '800:2026-11-28'
    """
    return f"{retention_days}:{date.fromordinal(_EPOCH_DAY + day).isoformat()}"


def expired(
    oldest_days: Mapping[str, int], watermark_ms: Millis | None
) -> tuple[list[str], dict[str, int]]:
    """The buckets past their retention, and the oldest days that remain.

    >>> expired({"62": 100, "800": 100}, Millis(164 * DAY_MS))
    (['62:1970-04-11', '62:1970-04-12'], {'62': 102, '800': 100})
    """
    if watermark_ms is None:
        return [], dict(oldest_days)
    names: list[str] = []
    left: dict[str, int] = {}
    for retention, oldest in oldest_days.items():
        kept = max(oldest, watermark_ms // DAY_MS - int(retention))
        names.extend(bucket_name(int(retention), day) for day in range(oldest, kept))
        left[retention] = kept
    return names, left


def _parts(kind: Kind, value: int) -> tuple[tuple[int | str | None, int], ...]:
    """Increments by part, of an observation or a summand."""
    if kind == "quantile":
        return ((bucket_of(value), 1),)
    return (None, max(-LARGEST_VALUE, min(LARGEST_VALUE, value))), (COUNT_FIELD, 1)


def _field(cell: Cell, metric: Metric) -> str:
    """The field of a cell, as :func:`touchstream.streams.measures.reading.read` parses it."""
    name, dimensions, period, part = cell
    parts = [name, *dimensions]
    if metric.bucket == "hour":
        parts.append(f"{period % _HOURS:02d}")
    if part is not None:
        parts.append(str(part))
    return SEPARATOR.join(parts)
