"""The part of the page about one target: what was foreseen, and how well."""

from html import escape
from typing import NamedTuple

from touchstream.agents.report.folder import Summary
from touchstream.agents.report.html import (
    Cell,
    Written,
    figure,
    percent,
    says,
    side_by_side,
    table,
    tiles,
)
from touchstream.agents.report.judgement import cautions, conclusion
from touchstream.agents.report.measures import (
    TENTH,
    Bin,
    Lift,
    Period,
    Ranking,
    constant,
    lifts,
    measures,
    periods,
    ranking,
    reliability,
)
from touchstream.agents.report.plots import (
    gains_plot,
    histogram_plot,
    periods_plot,
    reliability_plot,
)
from touchstream.agents.report.scores import Scores
from touchstream.agents.report.words import Words, words_for
from touchstream.streams.learn.progress import Measures
from touchstream.streams.learn.snapshot import CHURN


class Judged(NamedTuple):
    """All that the page tells about scores that have labels."""

    scores: Scores
    ranked: Ranking
    measures: Measures
    bins: list[Bin]
    periods: list[Period]
    highest: list[Lift]
    lowest: list[Lift]


def apply_risk_band(scores: Scores) -> Judged | None:
    """None where nothing was judged."""
    if not len(scores.risk):
        return None
    ranked = ranking(scores.risk, scores.label)
    return Judged(
        scores=scores,
        ranked=ranked,
        measures=measures(scores.risk, scores.label, ranked),
        bins=reliability(scores.risk, scores.label),
        periods=periods(scores),
        highest=lifts(ranked),
        lowest=lifts(ranked.reversed()),
    )


def section(target: str, scores: Scores, summary: Summary) -> str:
    """One target, from the sentence to the tables."""
    words = words_for(target)
    judged = apply_risk_band(scores)
    found = None if judged is None else judged.measures
    warnings = cautions(target, scores, found, summary, words)
    parts = [f"<h2>{escape(words.title)}</h2>"]
    if target == CHURN and (result := conclusion(summary.models)) is not None:
        parts.append(says(result.sentence, "good" if result.better else "warn"))
    parts += [says(sentence, "warn") for sentence in warnings]
    if judged is not None:
        parts += [_headline(judged, words), _beside(target, judged, summary, words)]
        parts += [_plots(judged, words), _tables(judged, words)]
    return "\n".join(parts)


def _headline(judged: Judged, words: Words) -> str:
    found = judged.measures
    numbers: list[tuple[str, Cell]] = [
        ("labels", found.n),
        (f"{words.ones} (base rate)", percent(found.base_rate)),
        ("ROC AUC", found.roc_auc),
        (f"average precision, {words.ones}", found.average_precision),
        (f"average precision, {words.zeros}", found.average_precision_stays),
        ("log loss", found.log_loss),
        ("Brier score", found.brier),
        ("calibration error (ECE)", found.ece),
    ]
    left = (
        f"{judged.scores.open:,} more scores had no label yet when the history ended; "
        f"{judged.scores.early:,} were said before the first model version and are left out."
    )
    return f'{tiles(numbers)}<p class="quiet">{left}</p>{_in_words(judged, words)}'


def _in_words(judged: Judged, words: Words) -> str:
    found = judged.measures
    predicted = [
        f"of the tenth with the {side} risk {percent(row.precision)} {verb}, of all {percent(base)}"
        for side, rows, verb, base in (
            ("highest", judged.highest, words.ones, found.base_rate),
            ("lowest", judged.lowest, words.zeros, 1 - (found.base_rate or 0.0)),
        )
        for row in rows
        if row.share == TENTH
    ]
    return f"<p>O{escape('; '.join(predicted)[1:])}.</p>" if predicted else ""


def _beside(target: str, judged: Judged, summary: Summary, words: Words) -> str:
    names = {
        "roc_auc": "ROC AUC",
        "average_precision": f"average precision, {words.ones}",
        "average_precision_stays": f"average precision, {words.zeros}",
        "log_loss": "log loss",
        "brier": "Brier score",
        "ece": "calibration error (ECE)",
    }
    ours, rate = judged.measures._asdict(), constant(judged.measures)._asdict()
    exact = table(
        f"Exact, over the {judged.measures.n:,} labels of this page. The base rate is known in "
        "hindsight.",
        ("", "model", "base rate"),
        [(name, ours[key], rate[key]) for key, name in names.items()],
    )
    models = summary.models or {}
    if target != CHURN or "recency" not in models:
        return side_by_side(exact)
    sides = [models[name] for name in (CHURN, "recency", "base_rate")]
    whole = table(
        f"As it went, over all {sides[0].get('n') or 0:,.0f} labels of the replay; each side had "
        "seen only labels that were known by then.",
        ("", "model", "recency", "base rate"),
        [(name, *(side.get(key) for side in sides)) for key, name in names.items()],
    )
    return side_by_side(exact, whole)


def _plots(judged: Judged, words: Words) -> str:
    plots = [
        figure(
            "Reliability",
            reliability_plot(judged.bins, words),
            "Ten equal bins of risk, each with its n. On the dashed line what was said is what "
            "came true.",
        ),
        figure(
            "Risks said",
            histogram_plot(judged.scores, words),
            "How often each risk was said, by what became true.",
        ),
        figure(
            "Cumulative gains",
            gains_plot(judged.ranked, words),
            "How much is found when only part of the list is looked at.",
        ),
    ]
    if len(judged.periods) > 1:
        plots.append(
            figure(
                "Top and bottom tenth over time",
                periods_plot(judged.periods, words),
                "Precision of the tenth with the highest risk beside the base rate and the tenth "
                "with the lowest, ranked within each period.",
            )
        )
    return side_by_side(*plots)


def _tables(judged: Judged, words: Words) -> str:
    head = ("share looked at", "precision", "lift", "found")
    return side_by_side(
        table(f"{words.ones.capitalize()}: highest risk first", head, map(_lift, judged.highest)),
        table(f"{words.zeros.capitalize()}: lowest risk first", head, map(_lift, judged.lowest)),
        table(
            "Reliability",
            ("mean risk said", "came true", "n"),
            [(percent(row.predicted), percent(row.came_true), row.n) for row in judged.bins],
        ),
        table(
            f"Share that {words.ones}, by period (those under 100 scores are left out)",
            ("from", "n", "highest tenth", "all", "lowest tenth"),
            [
                (
                    row.start.isoformat(),
                    row.n,
                    percent(row.highest),
                    percent(row.base_rate),
                    percent(row.lowest),
                )
                for row in judged.periods
            ],
        ),
    )


def _lift(row: Lift) -> tuple[Cell, ...]:
    lift = Written(f"{row.lift:.2f}")
    return percent(row.share), percent(row.precision), lift, percent(row.found)
