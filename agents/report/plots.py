"""Plots as inline SVG: the same numbers give the same bytes, and the page's CSS gives the colours.

Colours are placeholders that become CSS variables, so that one SVG serves light and dark.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from io import StringIO
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from touchstream.agents.report.alarms import Worth
from touchstream.agents.report.measures import Bin, Period, Ranking
from touchstream.agents.report.scores import EPOCH, Scores
from touchstream.agents.report.words import Words

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

INK, FAINT, ONES, ZEROS, EVERY = "#010101", "#010102", "#010103", "#010104", "#010105"
VARIABLES = {INK: "ink", FAINT: "faint", ONES: "ones", ZEROS: "zeros", EVERY: "every"}
SIZE = (5.2, 3.5)  # inches; the page scales it
STYLE: "dict[RcKeyType, Any]" = {
    "svg.fonttype": "none",  # text stays text: small, and to be found
    "font.size": 10.0,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
}
HISTOGRAM_BINS = 50
CURVE_POINTS = 201
BESIDE_FROM = 0.2
"""Further left there is no room for a number beside its point."""

Draw = Callable[[Axes], None]


def reliability_plot(bins: Sequence[Bin], words: Words) -> str:
    """Predicted against observed rate; each point is labelled with its n."""

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=EVERY, linestyle="--", label="as it should be")
        predicted, true = [row.predicted for row in bins], [row.came_true for row in bins]
        axes.plot(predicted, true, color=ONES, marker="o", label="as it was")
        for row in bins:
            axes.annotate(
                f"{row.n:,}",
                (row.predicted, row.came_true),
                xytext=(-3, 6),
                textcoords="offset points",
                ha="right" if row.predicted > BESIDE_FROM else "center",
                fontsize=8,
            )
        _percent(axes, x=True)
        axes.set(xlim=(-0.02, 1.05), ylim=(-0.04, 1.05))
        axes.set(xlabel="mean risk said", ylabel=f"share that {words.ones}")
        axes.legend(loc="upper left")

    return _svg(f"reliability {words.title}", draw)


def gains_plot(ranked: Ranking, words: Words) -> str:
    """Share of the sought label found among the first x % of either ranking."""
    shares = np.linspace(0, 1, CURVE_POINTS)
    sides = [
        (ranked, ONES, f"{words.ones}, highest risk first"),
        (ranked.reversed(), ZEROS, f"{words.zeros}, lowest risk first"),
    ]

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=EVERY, linestyle="--", label="in any order")
        for side, colour, label in sides:
            total = int(side.ones.sum())
            if total:
                axes.plot(shares, side.found(shares) / total, color=colour, label=label)
        _percent(axes, x=True)
        axes.set(xlim=(0, 1), ylim=(0, 1.02))
        axes.set(xlabel="share of all scores looked at", ylabel="share found")
        axes.legend(loc="lower right")

    return _svg(f"gains {words.title}", draw)


def periods_plot(rows: Sequence[Period], words: Words) -> str:
    """Rates of the highest and lowest tenth and of all customers, over time."""
    starts = [row.start for row in rows]

    def draw(axes: Axes) -> None:
        for values, colour, label in (
            ([row.highest for row in rows], ONES, "highest risk, a tenth"),
            ([row.base_rate for row in rows], EVERY, "all"),
            ([row.lowest for row in rows], ZEROS, "lowest risk, a tenth"),
        ):
            style = "--" if colour == EVERY else "-"
            dates: list[date] = starts
            axes.plot(np.array(dates, "datetime64[D]"), values, style, color=colour, label=label)
            axes.lines[-1].set_marker("." if colour != EVERY else "")
        _dates(axes)
        _percent(axes)
        axes.set(ylim=(-0.02, 1.05), ylabel=f"share that {words.ones}")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, fontsize=8)

    return _svg(f"periods {words.title}", draw)


def alarms_plot(found: Worth) -> str:
    """Alarms a day, week by week, beside the capacity."""
    first, last = (day.toordinal() - EPOCH.toordinal() for day in (found.first_day, found.last_day))
    starts = np.arange(first, last + 1, 7)
    lengths = np.minimum(starts + 7, last + 1) - starts
    counts = np.zeros(len(starts))
    for day, count in found.by_day.items():
        counts[(day - first) // 7] += count

    def draw(axes: Axes) -> None:
        dates = starts.astype("datetime64[D]")
        axes.bar(dates, counts / lengths, width=5.5, align="edge", color=ONES, label="alarms")
        if found.capacity is not None:
            axes.axhline(found.capacity, color=EVERY, linestyle="--", label="capacity")
        _dates(axes)
        axes.set(ylabel="a day")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, fontsize=8)

    return _svg("alarms", draw)


def histogram_plot(scores: Scores, words: Words) -> str:
    """Distribution of the predicted risks, by outcome."""
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    every, _ = np.histogram(scores.risk, edges)
    ones, _ = np.histogram(scores.risk[scores.label == 1], edges)

    def draw(axes: Axes) -> None:
        axes.stairs(every, edges, baseline=ones, fill=True, color=ZEROS, label=words.zeros)
        axes.stairs(ones, edges, fill=True, color=ONES, label=words.ones)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set(xlim=(0, 1), xlabel="risk said", ylabel="scores")
        axes.legend(loc="best")

    return _svg(f"histogram {words.title}", draw)


def _dates(axes: Axes) -> None:
    locator = AutoDateLocator(maxticks=7)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _percent(axes: Axes, *, x: bool = False) -> None:
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(visible=True)
    if x:
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def _svg(name: str, draw: Draw) -> str:
    with _our_style(name):
        figure = Figure(figsize=SIZE, layout="constrained")
        draw(figure.add_subplot())
        text = StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(text, format="svg", transparent=True, metadata=nothing)
    return _inline(text.getvalue())


@contextmanager
def _our_style(name: str) -> Iterator[None]:
    """Our style, independent of the user's matplotlib configuration."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({**STYLE, "svg.hashsalt": name})
        yield


def _inline(svg: str) -> str:
    """Prepare an SVG for a page: no prolog, leaking style, fixed size or conflicting ids."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<style.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r' font-family: [^;"]*;', "", svg)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg).replace("xlink:href", "href")
    head, rest = svg.split(">", 1)
    head = re.sub(r' (width|height|version|xmlns:xlink)="[^"]*"', "", head)
    for colour, variable in VARIABLES.items():
        rest = rest.replace(colour, f"var(--{variable})")
    return f'{head} role="img">{rest}'
