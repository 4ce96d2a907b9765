"""The whole page: a function of the folder and the first day, so its bytes are reproducible."""

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from importlib import resources
from pathlib import Path
from typing import TypeVar

from touchstream.agents.replay.collector import score_files
from touchstream.agents.report.alarm_section import alarm_section
from touchstream.agents.report.alarms import read_told, worth
from touchstream.agents.report.capacities import TooLittle, asked_of, foresee
from touchstream.agents.report.findings import troubles
from touchstream.agents.report.folder import (
    Emitted,
    Summary,
    read_emissions,
    read_rules,
    read_summary,
)
from touchstream.agents.report.html import Cell, notice, percent, side_by_side, table, tiles
from touchstream.agents.report.scores import EVER, Rows, read_rows, scores_of, together
from touchstream.agents.report.target import section
from touchstream.streams.learn.snapshot import CHURN, RETURN

HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
"""
MOST_ROWS = 12
"""Rows of a table of counts, the largest first; the tail is of little interest."""

Key = TypeVar("Key", str, tuple[str, str])


def page(folder: Path, since: date = EVER) -> str:
    """Read the folder of a replay; ``since`` is the first day evaluated.

    Raises
    ------
    agents.report.scores.Foreign
        If a replay did not write the folder, or not to its end.
    """
    summary = read_summary(folder)
    title = f"touchstream: {folder.resolve().name}"
    style = resources.files("touchstream.agents.report").joinpath("page.css").read_text()
    parts = [HEAD.format(title=escape(title), style=style), f"<h1>{escape(title)}</h1>"]
    emitted = read_emissions(folder, since)
    index: dict[str, int] = {}
    rows = {
        target: read_rows(folder / name, index)
        for target, name in score_files([each for each in summary.targets if each != CHURN]).items()
    }
    scores = {target: scores_of(its, since) for target, its in rows.items()}
    base_rate = float(scores[CHURN].label.mean()) if len(scores[CHURN].label) else None
    parts.append(_beginning(summary, emitted, since))
    parts.append(_alarms(folder, rows[CHURN], index, since, base_rate))
    everybody = together(scores[CHURN], scores[RETURN]) if RETURN in scores else None
    for target, its in scores.items():
        parts.append(section(target, its, summary, everybody if target == CHURN else None))
    parts += [_emissions(emitted), _treatment(summary), _models(summary, emitted), _notes()]
    return "\n".join(filter(None, parts)) + "\n</body>\n</html>\n"


def _alarms(
    folder: Path, rows: Rows, index: dict[str, int], since: date, base_rate: float | None
) -> str:
    rules = read_rules(folder)
    if rules is None:
        return ""
    emitted = read_told(folder, index, rules.churn.horizon_days)
    try:
        foreseen = foresee(rows, emitted, rules, asked_of(rules))
    except TooLittle:
        foreseen = []
    found = worth(emitted, rows, rules, since)
    return alarm_section(found, foreseen, rules.churn.horizon_days, base_rate)


def _beginning(summary: Summary, emitted: Emitted, since: date) -> str:
    when = "the whole history" if since == EVER else f"{since.isoformat()} and later"
    horizon = emitted.horizon_days
    looked = "" if horizon is None else f" Churn means churn within {horizon} days."
    lead = f"Every risk was predicted before its label was known. Evaluated: {when}.{looked}"
    numbers: list[tuple[str, Cell]] = [
        ("customers", summary.customers),
        ("records read", summary.records.get("in")),
        ("records applied", summary.records.get("applied")),
        ("ticks", summary.ticks),
    ]
    warned = "".join(notice(sentence, "warn") for sentence in troubles(summary))
    return f"<p>{escape(lead)}</p>{tiles(numbers)}{warned}"


def _emissions(emitted: Emitted) -> str:
    return "<h2>What was emitted</h2>" + side_by_side(
        _counts(
            f"{sum(emitted.crossings.values()):,} risks that entered another band",
            ("from", "to", "n"),
            [(before or "none", after, n) for (before, after), n in _most(emitted.crossings)],
        ),
        _counts(
            "The strongest reason of customers who entered the band high",
            ("reason", "n", "for example"),
            [(kind, n, emitted.examples[kind]) for kind, n in _most(emitted.weightiest)],
        ),
        _counts(
            f"{sum(emitted.chosen.values()):,} decisions: the action chosen",
            ("action", "n"),
            _most(emitted.chosen),
        ),
        _counts(
            "Actions left out of a decision, and why",
            ("action", "reason", "n"),
            [(action, reason, n) for (action, reason), n in _most(emitted.left_out)],
        ),
        _counts("Signals about customers", ("signal", "n"), _most(emitted.signals)),
    )


def _treatment(summary: Summary) -> str:
    """Outcomes of treated and untreated customers; not an effect, because treatment is targeted."""
    groups = summary.treatment or {}
    if not groups.get("treated") or not groups["treated"].n:
        return ""
    return "<h2>Treated and untreated</h2>" + table(
        "Treated: an action was carried out within the horizon. Those chosen for it were at other "
        "risk, so the difference is not the effect of the action.",
        ("", "n", "mean predicted risk", "left"),
        [
            (name, group.n, percent(group.mean_risk), percent(group.churned))
            for name, group in groups.items()
        ],
    )


def _models(summary: Summary, emitted: Emitted) -> str:
    served = ", ".join(f"{target}: {name}" for target, name in (summary.served or {}).items())
    serving = f"<p>Serving at the end: {escape(served)}.</p>" if served else ""
    rows = [
        (
            model_signals.day.isoformat(),
            model_signals.target,
            model_signals.signal,
            model_signals.before or None,
            model_signals.after or None,
        )
        for model_signals in emitted.model_signals[-MOST_ROWS:]
    ]
    model_signals = _counts(
        "The learner's signals about its models, the newest last",
        ("day", "target", "signal", "before", "after"),
        rows,
    )
    return f"<h2>Models</h2>{serving}{model_signals}" if serving or model_signals else ""


def _notes() -> str:
    return (
        "<h2>How to read this</h2>"
        "<p>Churn is about open customers: those whose relation had ended or lapsed when they were "
        "scored are in the section on return. Together they look better than either, because "
        "customers who are gone are easy to tell.</p>"
        "<p>A customer is scored again and again, and each score is evaluated by itself: "
        "scores of one customer are alike, so the numbers are less certain than n suggests. "
        "Of ten bins that are right, one is called off on one page in ten (99 % each). "
        "ROC AUC: the "
        "chance that of two scores with different labels the right one is higher; 0.5 is a coin. "
        "Average precision: the mean precision over all cuts of the ranking; compare it with the "
        "base rate. Log loss and Brier score: the lower the better. ECE: the "
        "mean distance between predicted and observed rates, over ten equal bins.</p>"
    )


def _counts(caption: str, head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    return table(caption, head, rows) if rows else ""


def _most(counts: Mapping[Key, int]) -> list[tuple[Key, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_ROWS]
