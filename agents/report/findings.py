"""Conclusion and cautions about the numbers of a page, in plain sentences."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from touchstream.agents.report.folder import Summary
from touchstream.agents.report.scores import Scores
from touchstream.agents.report.words import Words
from touchstream.streams.learn.progress import Measures
from touchstream.streams.learn.snapshot import CHURN

FEW_OF_A_LABEL = 100
"""With so few an AUC near .8 has a standard error of .02 to .03 (Hanley & McNeil 1982)."""
LARGEST_ECE = 0.05
"""Above five points on average, the risks are a ranking rather than probabilities."""


class Conclusion(NamedTuple):
    """Churn's model against the rule "longest silent leaves first", on the same labels."""

    better: bool
    sentence: str


def conclusion(models: Mapping[str, Mapping[str, float | None]] | None) -> Conclusion | None:
    """By log loss over the whole replay; None before any label."""
    found = models or {}
    ours, rule = found.get(CHURN, {}), found.get("recency", {})
    loss, bound = ours.get("log_loss"), rule.get("log_loss")
    if loss is None or bound is None:
        return None
    numbers = f"log loss {loss:.4f} against {bound:.4f}"
    auc, other = ours.get("roc_auc"), rule.get("roc_auc")
    if auc is not None and other is not None:
        numbers += f", ROC AUC {auc:.4f} against {other:.4f}"
    numbers += f", over all {ours.get('n') or 0:,.0f} labels of the replay"
    if loss < bound:
        return Conclusion(True, f"The model beats the recency rule (silence alone): {numbers}.")
    return Conclusion(
        False,
        f"The model does not beat the recency rule (silence alone): {numbers}. "
        "Rank by silence until it does.",
    )


def cautions(
    target: str, scores: Scores, found: Measures | None, summary: Summary, words: Words
) -> list[str]:
    """Cautions about one target, the most severe first."""
    if found is None:
        return [_why_nothing(scores)]
    return [*_few(found, words), *_poor(found), *_served(target, summary)]


def troubles(summary: Summary) -> list[str]:
    """Sentences about records that were lost, and about names and outcomes that do not fit."""
    lost = [("Dead letters", summary.dead_by_reason), ("Dropped", summary.dropped_by_reason)]
    sums = [
        f"{what}: {sum(reasons.values()):,} of {summary.records.get('in', 0):,} records ("
        + ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items()))
        + ")."
        for what, reasons in lost
        if reasons
    ]
    types = [f"Dropped: {sentence}" for sentence in summary.unknown_types]
    return [*sums, *types, *_misspelt(summary), *_unmatched(summary)]


def _misspelt(summary: Summary) -> list[str]:
    return [
        f"{found.type}: field {found.field} is unknown ({found.events:,} events); did you mean "
        f"{found.did_you_mean}?"
        for found in summary.unknown_fields
        if found.did_you_mean is not None
    ]


def _unmatched(summary: Summary) -> list[str]:
    count = summary.outcome_faults.get("unknown_decision", 0)
    return [f"{count:,} outcomes name a decision that their customer does not have."] * bool(count)


def _why_nothing(scores: Scores) -> str:
    if scores.early:
        return (
            f"All {scores.early:,} labels belong to scores from before the first model version: "
            "there is nothing to evaluate. Replay a longer history."
        )
    if scores.open:
        return (
            f"No label has matured yet ({scores.open:,} scores wait for theirs): the history ends "
            "before horizon and grace are over. Replay a longer history."
        )
    return "No customer was scored in this period."


def _few(found: Measures, words: Words) -> Iterator[str]:
    ones = round(found.n * (found.base_rate or 0.0))
    rarer, verb = min((ones, words.ones), (found.n - ones, words.zeros))
    if not rarer:
        yield f"None of {found.n:,} {verb}: no ranking can be evaluated."
    elif rarer < FEW_OF_A_LABEL:
        yield f"Too few labels: only {rarer:,} of {found.n:,} {verb}; the measures may be chance."


def _poor(found: Measures) -> Iterator[str]:
    if found.roc_auc is not None and found.roc_auc <= 0.5:  # noqa: PLR2004 - a coin's
        yield f"The order is no better than chance: ROC AUC {found.roc_auc:.3f}."
    if found.ece is not None and found.ece > LARGEST_ECE:
        yield (
            f"Predicted and observed rates differ by {100 * found.ece:.1f} points on average: "
            "read the risks as a ranking, not as probabilities."
        )


def _served(target: str, summary: Summary) -> Iterator[str]:
    if (summary.served or {}).get(target) == "recency":
        yield "At the end the recency rule is served, not the model: it was proved to be better."
