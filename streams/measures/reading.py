"""Figures of a metric by day and by dimension, from the stored buckets.

Shards and days merge by addition. Nothing measured is None, never 0, and every figure has its n.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from msgspec import Struct

from touchstream.streams.measures.catalogue import METRICS
from touchstream.streams.measures.metric import Metric, Ratio
from touchstream.streams.measures.quantiles import quantile
from touchstream.streams.measures.tally import COUNT_FIELD, SEPARATOR, bucket_name

HOUR = "hour"
"""Further dimension of an hourly metric."""

_EPOCH_DAY = date(1970, 1, 1).toordinal()


class Amount:
    """Aggregate of one metric; for a quantile, counts by logarithmic bucket."""

    __slots__ = ("counts", "days", "n", "total")

    def __init__(self) -> None:
        self.total = 0
        self.n = 0
        self.counts: dict[int, int] = {}
        self.days: set[int] = set()

    def add(self, other: "Amount") -> None:
        self.total += other.total
        self.n += other.n
        self.days |= other.days
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count


class Cell(NamedTuple):
    """The key of an amount."""

    name: str
    values: tuple[str, ...]
    """Values of the dimensions, then the hour of an hourly metric."""
    day: int
    """Days since 1970-01-01."""


Cells = dict[Cell, Amount]


class Figure(Struct, frozen=True, omit_defaults=True):
    """A number to show, with the number of measures behind it."""

    value: int | float
    """Count or total; mean; mean of the days of a distinct count; the median of a quantile."""
    n: int
    """Measures behind it; days of a distinct count, the denominator of a ratio."""
    p90: float | None = None
    p99: float | None = None


class Row(NamedTuple):
    """The key of a group: a day or None for the whole period, and values of its dimensions."""

    day: int | None
    values: tuple[str, ...]


def splits(metric: Metric | Ratio) -> tuple[str, ...]:
    """The names that a metric can be split by; for a ratio, those that both counters have."""
    if isinstance(metric, Ratio):
        other = splits(METRICS[metric.denominator])
        held = "" if metric.where is None else metric.where[0]
        return tuple(
            name for name in splits(METRICS[metric.numerator]) if name in other and name != held
        )
    names = tuple(dimension.name for dimension in metric.dimensions)
    return (*names, HOUR) if metric.bucket == "hour" else names


def bucket_names(metrics: Iterable[Metric], first_day: int, last_day: int) -> list[str]:
    """The buckets that hold these metrics, both days included."""
    retentions = sorted({metric.retention_days for metric in metrics})
    days = range(first_day, last_day + 1)
    return [bucket_name(retention, day) for retention in retentions for day in days]


def read(buckets: Iterable[tuple[str, Mapping[str, int]]]) -> Cells:
    """The amounts in some buckets of any shards; unknown fields are skipped."""
    cells: Cells = {}
    for bucket, fields in buckets:
        retention, _, text = bucket.partition(":")
        day = date.fromisoformat(text).toordinal() - _EPOCH_DAY
        for field, amount in fields.items():
            name, *parts = field.split(SEPARATOR)
            metric = METRICS.get(name)
            width = -1 if metric is None else len(splits(metric))
            if metric is None or str(metric.retention_days) != retention or len(parts) < width:
                continue
            held = cells.setdefault(Cell(name, tuple(parts[:width]), day), Amount())
            held.days.add(day)
            _take(held, metric, parts[width:], amount)
    return cells


def group(
    cells: Mapping[Cell, Amount], metric: Metric, *, by: str | None = None, per_day: bool = False
) -> dict[Row, Amount]:
    """Aggregate a metric's amounts; dimensions that do not add up stay separate."""
    names = shown_names(metric, by)
    kept = [place for place, name in enumerate(splits(metric)) if name in names]
    found: dict[Row, Amount] = {}
    for cell, amount in cells.items():
        if cell.name == metric.name:
            values = tuple(cell.values[place] for place in kept)
            row = Row(cell.day if per_day else None, values)
            found.setdefault(row, Amount()).add(amount)
    return found


def shown_names(metric: Metric | Ratio, by: str | None) -> tuple[str, ...]:
    """The dimensions of a group: the requested one, and those that do not add up."""
    apart: list[str] = []
    if isinstance(metric, Metric):
        apart = [dimension.name for dimension in metric.dimensions if not dimension.adds_up]
    return tuple(name for name in splits(metric) if name == by or name in apart)


def figure(metric: Metric, amount: Amount | None) -> Figure | None:
    """The figure of an amount; None if nothing was measured."""
    if amount is None or not amount.n:
        return None
    match metric.kind:
        case "counter" | "sum":
            return Figure(amount.total, amount.n)
        case "mean":
            return Figure(amount.total / amount.n, amount.n)
        case "distinct":
            return Figure(amount.total / len(amount.days), len(amount.days))
        case "quantile":
            p50, p90, p99 = (quantile(amount.counts, q) for q in (0.5, 0.9, 0.99))
            return Figure(p50 or 0.0, amount.n, p90, p99)


def figures(
    cells: Mapping[Cell, Amount],
    wanted: Metric | Ratio,
    *,
    by: str | None = None,
    per_day: bool = False,
) -> dict[Row, Figure]:
    """The figures of a metric or ratio, for groups in which anything was measured."""
    if isinstance(wanted, Ratio):
        return _shares(cells, wanted, by, per_day)
    groups = group(cells, wanted, by=by, per_day=per_day)
    found = ((row, figure(wanted, amount)) for row, amount in groups.items())
    return {row: each for row, each in found if each is not None}


def _shares(
    cells: Mapping[Cell, Amount], wanted: Ratio, by: str | None, per_day: bool
) -> dict[Row, Figure]:
    metric, parts_of = METRICS[wanted.denominator], METRICS[wanted.numerator]
    parts = group(_where(cells, wanted), parts_of, by=by, per_day=per_day)
    return {
        row: Figure((parts[row].total if row in parts else 0) / amount.total, amount.total)
        for row, amount in group(cells, metric, by=by, per_day=per_day).items()
        if amount.total
    }


def _where(cells: Mapping[Cell, Amount], wanted: Ratio) -> Mapping[Cell, Amount]:
    """The numerator's cells."""
    if wanted.where is None:
        return cells
    name, value = wanted.where
    place = splits(METRICS[wanted.numerator]).index(name)
    return {
        cell: amount
        for cell, amount in cells.items()
        if cell.name == wanted.numerator and cell.values[place] == value
    }


def _take(held: Amount, metric: Metric, rest: list[str], amount: int) -> None:
    match metric.kind, rest:
        case "quantile", [bucket] if bucket.removeprefix("-").isdigit():
            held.counts[int(bucket)] = held.counts.get(int(bucket), 0) + amount
            held.n += amount
        case (("sum" | "mean"), [part]) if part == COUNT_FIELD:
            held.n += amount
        case (("sum" | "mean"), []):
            held.total += amount
        case (("counter" | "distinct"), []):
            held.total += amount
            held.n += amount
        case _:
            pass  # a field written by another build
