"""The figures that ``touchstream metrics`` shows, beside those of the period before."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from typing import NamedTuple

from msgspec import Struct

from touchstream.agents.cli.failures import BadUsage
from touchstream.streams.measures.catalogue import CATALOGUE, METRICS, RATIOS, RATIOS_BY_NAME
from touchstream.streams.measures.metric import DAILY_RETENTION_DAYS, Metric, Ratio
from touchstream.streams.measures.reading import (
    Cells,
    Figure,
    Row,
    bucket_names,
    figures,
    shown_names,
    splits,
)

PERIOD_DAYS = 28
"""The default period: four whole weeks, so that days of the week do not show."""
NO_DATA = "no data"
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_NAMES = (*METRICS, *RATIOS_BY_NAME)
_DURATIONS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))


class Period(NamedTuple):
    """Days since 1970-01-01, both included."""

    first: int
    last: int

    @property
    def days(self) -> int:
        return self.last - self.first + 1

    def earlier(self) -> "Period":
        """The period of the same length that ends the day before."""
        return Period(self.first - self.days, self.first - 1)


class Question(NamedTuple):
    """The request: everything, or one metric by day or by a dimension."""

    wanted: tuple[Metric | Ratio, ...]
    by: str | None
    overview: bool


class Compared(Struct):
    """One figure, and that of the earlier period; null where nothing was measured."""

    metric: str
    unit: str
    day: str | None
    """None: the whole period. The earlier figure is that of the day a period before."""
    by: Mapping[str, str]
    now: Figure | None
    earlier: Figure | None


class Report(Struct):
    """All that is shown."""

    since: str
    until: str
    earlier_since: str
    earlier_until: str
    rows: Sequence[Compared]


def ask(name: str | None, by: str | None) -> Question:
    """The question; raises :class:`BadUsage` for names that the catalogue does not have."""
    if name is None:
        if by is not None:
            raise BadUsage(f"--by={by!r}: want a metric to split; {_choice(_NAMES)}")
        return Question((*CATALOGUE, *RATIOS), None, overview=True)
    wanted: Metric | Ratio | None = METRICS.get(name) or RATIOS_BY_NAME.get(name)
    if wanted is None:
        raise BadUsage(f"NAME={name!r}: no such metric; {_nearest(name, _NAMES)}")
    if by is not None and by not in splits(wanted):
        raise BadUsage(f"--by={by!r}: {name} has no such dimension; {_nearest(by, splits(wanted))}")
    return Question((wanted,), by, overview=False)


def period(since: str | None, until: str | None, newest_day: int | None) -> Period:
    """The days asked for; without an end up to ``newest_day``, the last that the shards reached."""
    last = newest_day if until is None else _day("--until", until)
    if last is None:
        raise BadUsage("--until: want a day (2026-11-28): no tick has named the present day yet")
    first = last - PERIOD_DAYS + 1 if since is None else _day("--since", since)
    if not first <= last < first + DAILY_RETENTION_DAYS:
        raise BadUsage(
            f"--since={_iso(first)!r}: want a day up to {DAILY_RETENTION_DAYS} days before "
            f"{_iso(last)}, the last one, or that day itself"
        )
    if Period(first, last).earlier().first <= -_EPOCH_DAY:
        raise BadUsage(f"--since={_iso(first)!r}: want a day with as many before it as it asks for")
    return Period(first, last)


def buckets(question: Question, days: Period) -> list[str]:
    """The buckets to read for it."""
    needed: list[Metric] = []
    for wanted in question.wanted:
        if isinstance(wanted, Ratio):
            needed += METRICS[wanted.numerator], METRICS[wanted.denominator]
        else:
            needed.append(wanted)
    return bucket_names(needed, days.earlier().first, days.last)


def report(question: Question, days: Period, cells: Cells) -> Report:
    """The answer out of what was read."""
    before = days.earlier()
    rows: list[Compared] = []
    for wanted in question.wanted:
        if not question.overview and question.by is None:
            rows += _by_day(wanted, days, cells)
        rows += _whole(wanted, question.by, days, cells)
    return Report(_iso(days.first), _iso(days.last), _iso(before.first), _iso(before.last), rows)


def lines(shown: Report) -> Iterator[str]:
    """The report for a person."""
    yield f"{shown.since} to {shown.until}; earlier: {shown.earlier_since} to {shown.earlier_until}"
    cells = [
        (row_label(row), figure_text(row, row.now), f"earlier: {figure_text(row, row.earlier)}")
        for row in shown.rows
    ]
    widths = [max((len(each[column]) for each in cells), default=0) for column in range(2)]
    for label, now, earlier in cells:
        yield f"{label:<{widths[0]}}  {now:<{widths[1]}}  {earlier}"


def _whole(wanted: Metric | Ratio, by: str | None, days: Period, cells: Cells) -> list[Compared]:
    now = figures(_within(cells, days), wanted, by=by)
    earlier = figures(_within(cells, days.earlier()), wanted, by=by)
    names = shown_names(wanted, by)
    found = sorted({*now, *earlier}, key=lambda row: row.values)
    if not found:
        return [Compared(wanted.name, wanted.unit, None, {}, None, None)]
    return [
        _compared(wanted, None, dict(zip(names, row.values, strict=True)), now, earlier, row, row)
        for row in found
    ]


def _by_day(wanted: Metric | Ratio, days: Period, cells: Cells) -> list[Compared]:
    found = figures(cells, wanted, per_day=True)
    names = shown_names(wanted, None)
    values = sorted({row.values for row in found})
    return [
        _compared(
            wanted,
            _iso(day),
            dict(zip(names, each, strict=True)),
            found,
            found,
            Row(day, each),
            Row(day - days.days, each),
        )
        for day in range(days.first, days.last + 1)
        for each in values
    ]


def _compared(
    wanted: Metric | Ratio,
    day: str | None,
    by: Mapping[str, str],
    now: Mapping[Row, Figure],
    earlier: Mapping[Row, Figure],
    row: Row,
    row_before: Row,
) -> Compared:
    return Compared(wanted.name, wanted.unit, day, by, now.get(row), earlier.get(row_before))


def _within(cells: Cells, days: Period) -> Cells:
    return {cell: each for cell, each in cells.items() if days.first <= cell.day <= days.last}


def row_label(row: Compared) -> str:
    """Metric, day and split of a row."""
    split = " ".join(f"{name}={value}" for name, value in row.by.items())
    return " ".join(part for part in (row.metric, row.day or "", split) if part)


def figure_text(row: Compared, figure: Figure | None) -> str:
    """A figure with its unit and n."""
    if figure is None:
        return NO_DATA
    if figure.p90 is not None and figure.p99 is not None:
        values = (figure.value, figure.p90, figure.p99)
        shown = " ".join(f"p{q} {duration(v)}" for q, v in zip((50, 90, 99), values, strict=True))
    elif row.unit == "share":
        shown = f"{100 * figure.value:.1f} %"
    else:
        number = f"{figure.value:,}" if isinstance(figure.value, int) else f"{figure.value:,.2f}"
        shown = f"{number} {row.unit}"
    return shown if figure.value == figure.n else f"{shown} (n={figure.n:,})"


def duration(milliseconds: float) -> str:
    """A duration in its largest unit.

    >>> [duration(ms) for ms in (90, 1_500, 5_400_000, 200_000_000)]
    ['90 ms', '1.5 s', '1.5 h', '2.3 d']
    """
    for size, unit in _DURATIONS:
        if milliseconds >= size:
            return f"{milliseconds / size:.1f} {unit}"
    return f"{milliseconds:.0f} ms"


def _day(option: str, text: str) -> int:
    try:
        return date.fromisoformat(text).toordinal() - _EPOCH_DAY
    except ValueError:
        raise BadUsage(f"{option}={text!r}: want a day such as 2026-11-28") from None


def _iso(day: int) -> str:
    return date.fromordinal(day + _EPOCH_DAY).isoformat()


def _nearest(name: str, known: Sequence[str]) -> str:
    if not known:
        return "it has none"
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else _choice(known)


def _choice(known: Sequence[str]) -> str:
    return f"want one of {', '.join(known)}"
