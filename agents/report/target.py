"""The section of the page about one target and the quality of its predictions."""

from collections.abc import Mapping
from html import escape
from typing import NamedTuple

from touchstream.agents.report.calibration import FEWEST_IN_BIN, Checked, checked_bins
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
    checked: list[Checked]
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
        checked=checked_bins(scores),
        periods=periods(scores),
        highest=lifts(ranked),
        lowest=lifts(ranked.reversed()),
    )


def section(target: str, scores: Scores, summary: Summary, everybody: Scores | None = None) -> str:
    """The section of one target: sentences, plots and tables.

    ``everybody``: for churn, the scores with those of customers who had left.
    """
    words = words_for(target)
    evaluation = evaluate(scores)
    found = None if evaluation is None else evaluation.measures
    beside = None
    if evaluation is not None and everybody is not None and len(everybody.risk) > len(scores.risk):
        ranked = ranking(everybody.risk, everybody.label)
        beside = measures(everybody.risk, everybody.label, ranked)
    warnings = cautions(target, scores, found, summary, words, beside)
    parts = [f"<h2>{escape(words.title)}</h2>"]
    if target == CHURN and (result := conclusion(summary.models)) is not None:
        parts.append(notice(result.sentence, "good" if result.better else "warn"))
    parts += [notice(sentence, "warn") for sentence in warnings]
    if evaluation is not None:
        parts += [_headline(evaluation, words), _beside(target, evaluation, summary, words, beside)]
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


def _beside(
    target: str,
    evaluation: Evaluation,
    summary: Summary,
    words: Words,
    everybody: Measures | None,
) -> str:
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
    flattered = "" if everybody is None else _flattered(evaluation.measures, everybody, names)
    models = summary.models or {}
    if target != CHURN or "recency" not in models:
        return side_by_side(exact, flattered)
    sides = [models[name] for name in (CHURN, "recency", "base_rate")]
    whole = table(
        f"Progressive, over the {sides[0].get('n') or 0:,.0f} labels of open customers of the "
        "replay; each side had seen only labels that were known by then.",
        ("", "model", "recency", "base rate"),
        [(name, *(side.get(key) for side in sides)) for key, name in names.items()],
    )
    return side_by_side(exact, whole, flattered)


def _flattered(found: Measures, everybody: Measures, names: Mapping[str, str]) -> str:
    ours, theirs = found._asdict(), everybody._asdict()
    gone = everybody.n - found.n
    return table(
        f"All customers together, flattered by those who were gone: {gone:,} of {everybody.n:,} "
        "scores are of customers who had left, with 1 - P(return) as their risk. Nobody is warned "
        "about them, and they are easy to tell.",
        ("", "open", "all, flattered"),
        [
            ("labels", found.n, everybody.n),
            *((name, ours[k], theirs[k]) for k, name in names.items()),
        ],
    )


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
    beside = side_by_side(
        table(
            f"{words.ones.capitalize()}: highest risk first", head, map(_lift, evaluation.highest)
        ),
        table(
            f"{words.zeros.capitalize()}: lowest risk first", head, map(_lift, evaluation.lowest)
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
    checked = table(
        "Reliability. Scores of one customer are alike, so n counts as fewer (design effect of "
        "customers). Off: the mean risk lies outside the 99 % interval of the rate. Bins of under "
        f"{FEWEST_IN_BIN} scores are not judged.",
        ("risk", "mean risk", "observed rate", "n", "counts as", "99 % interval", ""),
        map(_bin, evaluation.checked),
    )
    return beside + checked


def _bin(row: Checked) -> tuple[Cell, ...]:
    risk = f"{10 * row.number} to {10 * row.number + 10} %".replace(" ", "\N{NO-BREAK SPACE}")
    interval = (
        "-" if row.interval is None else " to ".join(f"{100 * at:.1f}" for at in row.interval)
    )
    return (
        Written(risk),
        percent(row.predicted),
        percent(row.came_true),
        row.n,
        round(row.counts_as),
        Written(interval),
        "off" if row.is_off else "",
    )


def _lift(row: Lift) -> tuple[Cell, ...]:
    lift = Written(f"{row.lift:.2f}")
    return percent(row.share), percent(row.precision), lift, percent(row.found)
