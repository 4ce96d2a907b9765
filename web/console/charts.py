"""Charts as SVG, each with a title, a description and its data as a table.

Colours come from the style sheet by class, so that both colour schemes work and nothing is inline.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH, HEIGHT = 640.0, 220.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 24.0, 12.0, 26.0
GRID_LINES = 4
SPARK_WIDTH, SPARK_HEIGHT = 96.0, 24.0
MOST_LABELS = 7
"""Labels below the x axis; more would run into each other on a phone."""


class Series(NamedTuple):
    """A named row of values, one for each label of the chart; None leaves a gap."""

    name: str
    values: Sequence[float | None]


class Chart(NamedTuple):
    """A drawing and the same data as a table."""

    svg: Markup
    title: str
    description: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


Format = Callable[[float], str]


def count(value: float) -> str:
    """A whole number with separators."""
    return f"{value:,.0f}"


def share(value: float) -> str:
    """A share with two decimals."""
    return f"{value:.2f}"


def bars(
    id_: str,
    title: str,
    description: str,
    labels: Sequence[str],
    series: Sequence[Series],
    shown: Format = count,
) -> Chart:
    """Stacked bars: ``series`` from the bottom up."""
    totals = [sum(one.values[at] or 0.0 for one in series) for at in range(len(labels))]
    top = _round_up(max(totals, default=0.0))
    step = _plot_width() / max(1, len(labels))
    parts = [_grid(top, shown), _x_labels(labels, lambda at: LEFT + (at + 0.5) * step)]
    for at in range(len(labels)):
        below = 0.0
        for number, one in enumerate(series):
            value = one.values[at] or 0.0
            if value:
                y, height = _y(below + value, top), _y(below, top) - _y(below + value, top)
                parts.append(
                    f'<rect class="series-{number}" x="{LEFT + (at + 0.15) * step:.1f}" '
                    f'y="{y:.1f}" width="{0.7 * step:.1f}" height="{height:.1f}"/>'
                )
            below += value
    return _chart(id_, title, description, "".join(parts), labels, series, shown)


def lines(
    id_: str,
    title: str,
    description: str,
    labels: Sequence[str],
    series: Sequence[Series],
    shown: Format = share,
    top: float | None = None,
) -> Chart:
    """One line for each of ``series``; the y axis goes from 0 to ``top``."""
    known = [value for one in series for value in one.values if value is not None]
    top = _round_up(max(known, default=0.0)) if top is None else top
    step = _plot_width() / max(1, len(labels) - 1)
    parts = [_grid(top, shown), _x_labels(labels, lambda at: LEFT + at * step)]
    for number, one in enumerate(series):
        points = [
            (LEFT + at * step, _y(value, top))
            for at, value in enumerate(one.values)
            if value is not None
        ]
        parts.append(_line(points, f"line series-{number}"))
        parts += [
            f'<circle class="series-{number}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>'
            for x, y in points
        ]
    return _chart(id_, title, description, "".join(parts), labels, series, shown)


class Bin(NamedTuple):
    """Predictions of about the same risk."""

    predicted: float
    """Mean, 0..1."""
    happened: float
    """Share that came true, 0..1."""
    n: int


def reliability(
    id_: str, title: str, description: str, head: Sequence[str], bins: Sequence[Bin]
) -> Chart:
    """Predicted against observed: on the diagonal, the risk says how many will leave."""
    side = HEIGHT - TOP - BOTTOM
    most = max((one.n for one in bins), default=1)
    parts = [
        _grid(1.0, share, side),
        _line([(LEFT, _y(0.0, 1.0)), (LEFT + side, _y(1.0, 1.0))], "diagonal"),
    ]
    points = [(LEFT + one.predicted * side, _y(one.happened, 1.0)) for one in bins]
    parts.append(_line(points, "line series-0"))
    for one, (x, y) in zip(bins, points, strict=True):
        radius = 3 + 5 * (one.n / most) ** 0.5
        parts.append(f'<circle class="series-0" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>')
    rows = [(share(one.predicted), share(one.happened), count(one.n)) for one in bins]
    svg = _svg(id_, title, description, "".join(parts), LEFT + side + RIGHT, HEIGHT)
    return Chart(svg, title, description, head, rows)


def sparkline(title: str, values: Sequence[float], top: float = 1.0) -> Markup:
    """A small line without axes; the title says in words what it shows.

    >>> sparkline("risk", [0.2, 0.4]).count("polyline")
    1
    """
    step = SPARK_WIDTH / max(1, len(values) - 1)
    height = SPARK_HEIGHT - 4
    points = " ".join(
        f"{at * step:.1f},{2 + height * (1 - min(1.0, value / top)):.1f}"
        for at, value in enumerate(values)
    )
    return Markup(
        '<svg class="spark" role="img" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        'height="{height:g}"><title>{title}</title>'
        '<polyline class="line series-0" points="{points}"/></svg>'
    ).format(width=SPARK_WIDTH, height=SPARK_HEIGHT, title=title, points=points)


def _chart(
    id_: str,
    title: str,
    description: str,
    inner: str,
    labels: Sequence[str],
    series: Sequence[Series],
    shown: Format,
) -> Chart:
    rows = [
        (
            label,
            *("-" if one.values[at] is None else shown(one.values[at] or 0.0) for one in series),
        )
        for at, label in enumerate(labels)
    ]
    svg = _svg(id_, title, description, inner, WIDTH, HEIGHT)
    return Chart(svg, title, description, ("", *(one.name for one in series)), rows)


def _svg(id_: str, title: str, description: str, inner: str, width: float, height: float) -> Markup:
    # The inner part holds numbers and escaped labels alone.
    return Markup(
        '<svg class="chart" role="img" aria-labelledby="{id}-t {id}-d" '
        'viewBox="0 0 {width:g} {height:g}"><title id="{id}-t">{title}</title>'
        '<desc id="{id}-d">{description}</desc>{inner}</svg>'
    ).format(
        id=id_,
        width=width,
        height=height,
        title=title,
        description=description,
        inner=Markup(inner),
    )


def _grid(top: float, shown: Format, width: float | None = None) -> str:
    right = LEFT + (_plot_width() if width is None else width)
    parts = []
    for number in range(GRID_LINES + 1):
        value = top * number / GRID_LINES
        y = _y(value, top)
        parts.append(
            f'<line class="grid" x1="{LEFT:g}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="axis" x="{LEFT - 6:g}" y="{y + 4:.1f}" text-anchor="end">'
            f"{escape(shown(value))}</text>"
        )
    return "".join(parts)


def _x_labels(labels: Sequence[str], x_of: Callable[[int], float]) -> str:
    every = max(1, -(-len(labels) // MOST_LABELS))
    return "".join(
        f'<text class="axis" x="{x_of(at):.1f}" y="{HEIGHT - 8:g}" text-anchor="middle">'
        f"{escape(label)}</text>"
        for at, label in enumerate(labels)
        if at % every == 0
    )


def _line(points: Sequence[tuple[float, float]], css: str) -> str:
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="{css}" points="{joined}"/>'


def _plot_width() -> float:
    return WIDTH - LEFT - RIGHT


def _y(value: float, top: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top)


def _round_up(value: float) -> float:
    """The next value that a quarter of looks round.

    >>> [_round_up(value) for value in (0.0, 3.0, 27.0, 130.0)]
    [1.0, 4.0, 40.0, 200.0]
    """
    if value <= 0:
        return 1.0
    size = 1.0
    while size * 10 <= value:
        size *= 10
    while size > value:
        size /= 10
    return next(step * size for step in (1.0, 2.0, 4.0, 8.0, 10.0) if step * size >= value)
