"""The section of the page about one target and the quality of its predictions."""

from html import escape
from typing import NamedTuple

from touchstream.agents.report.findings import cautions, conclusion
from touchstream.agents.report.folder import Summary
from touchstream.agents.report.html import (
    Cell,
    Written,
    figure,
    notice,
    percent,
    side_by_side,
    table,
    tiles,
)
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


class Evaluation(NamedTuple):
    """Everything that the page shows about scores that have labels."""

    scores: Scores
    ranked: Ranking
    measures: Measures
    bins: list[Bin]
    periods: list[Period]
    highest: list[Lift]
    lowest: list[Lift]


def evaluate(scores: Scores) -> Evaluation | None:
    """The evaluation of scores with labels; None if there are none."""
    if not len(scores.risk):
        return None
    ranked = ranking(scores.risk, scores.label)
    return Evaluation(
        scores=scores,
        ranked=ranked,
        measures=measures(scores.risk, scores.label, ranked),
        bins=reliability(scores.risk, scores.label),
        periods=periods(scores),
        highest=lifts(ranked),
        lowest=lifts(ranked.reversed()),
    )


def section(target: str, scores: Scores, summary: Summary) -> str:
    """The section of one target: sentences, plots and tables."""
    words = words_for(target)
    evaluation = evaluate(scores)
    found = None if evaluation is None else evaluation.measures
    warnings = cautions(target, scores, found, summary, words)
    parts = [f"<h2>{escape(words.title)}</h2>"]
    if target == CHURN and (result := conclusion(summary.models)) is not None:
        parts.append(notice(result.sentence, "good" if result.better else "warn"))
    parts += [notice(sentence, "warn") for sentence in warnings]
    if evaluation is not None:
        parts += [_headline(evaluation, words), _beside(target, evaluation, summary, words)]
        parts += [_plots(evaluation, words), _tables(evaluation, words)]
    return "\n".join(parts)


def _headline(evaluation: Evaluation, words: Words) -> str:
    found = evaluation.measures
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
        f"{evaluation.scores.open:,} more scores had no label yet when the history ended; "
        f"{evaluation.scores.early:,} precede the first model version and are left out."
    )
    return f'{tiles(numbers)}<p class="quiet">{left}</p>{_in_words(evaluation, words)}'


def _in_words(evaluation: Evaluation, words: Words) -> str:
    found = evaluation.measures
    predicted = [
        f"of the tenth with the {side} risk {percent(row.precision)} {verb}, of all {percent(base)}"
        for side, rows, verb, base in (
            ("highest", evaluation.highest, words.ones, found.base_rate),
            ("lowest", evaluation.lowest, words.zeros, 1 - (found.base_rate or 0.0)),
        )
        for row in rows
        if row.share == TENTH
    ]
    return f"<p>O{escape('; '.join(predicted)[1:])}.</p>" if predicted else ""


def _beside(target: str, evaluation: Evaluation, summary: Summary, words: Words) -> str:
    names = {
        "roc_auc": "ROC AUC",
        "average_precision": f"average precision, {words.ones}",
        "average_precision_stays": f"average precision, {words.zeros}",
        "log_loss": "log loss",
        "brier": "Brier score",
        "ece": "calibration error (ECE)",
    }
    ours, rate = evaluation.measures._asdict(), constant(evaluation.measures)._asdict()
    exact = table(
        f"Exact, over the {evaluation.measures.n:,} labels of this page. The base rate is known in "
        "hindsight.",
        ("", "model", "base rate"),
        [(name, ours[key], rate[key]) for key, name in names.items()],
    )
    models = summary.models or {}
    if target != CHURN or "recency" not in models:
        return side_by_side(exact)
    sides = [models[name] for name in (CHURN, "recency", "base_rate")]
    whole = table(
        f"Progressive, over all {sides[0].get('n') or 0:,.0f} labels of the replay; each side had "
        "seen only labels that were known by then.",
        ("", "model", "recency", "base rate"),
        [(name, *(side.get(key) for side in sides)) for key, name in names.items()],
    )
    return side_by_side(exact, whole)


def _plots(evaluation: Evaluation, words: Words) -> str:
    plots = [
        figure(
            "Reliability",
            reliability_plot(evaluation.bins, words),
            "Ten equal bins of risk, each with its n. On the dashed line the predicted "
            "rate is the observed one.",
        ),
        figure(
            "Predicted risks",
            histogram_plot(evaluation.scores, words),
            "Distribution of the predicted risks, by outcome.",
        ),
        figure(
            "Cumulative gains",
            gains_plot(evaluation.ranked, words),
            "Share found when only the top of the list is contacted.",
        ),
    ]
    if len(evaluation.periods) > 1:
        plots.append(
            figure(
                "Top and bottom tenth over time",
                periods_plot(evaluation.periods, words),
                "Precision of the tenth with the highest risk beside the base rate and the tenth "
                "with the lowest, ranked within each period.",
            )
        )
    return side_by_side(*plots)


def _tables(evaluation: Evaluation, words: Words) -> str:
    head = ("share contacted", "precision", "lift", "found")
    return side_by_side(
        table(
            f"{words.ones.capitalize()}: highest risk first", head, map(_lift, evaluation.highest)
        ),
        table(
            f"{words.zeros.capitalize()}: lowest risk first", head, map(_lift, evaluation.lowest)
        ),
        table(
            "Reliability",
            ("mean predicted risk", "observed rate", "n"),
            [(percent(row.predicted), percent(row.came_true), row.n) for row in evaluation.bins],
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
                for row in evaluation.periods
            ],
        ),
    )


def _lift(row: Lift) -> tuple[Cell, ...]:
    lift = Written(f"{row.lift:.2f}")
    return percent(row.share), percent(row.precision), lift, percent(row.found)
