"""Conclusion and cautions about the numbers of a page, in plain sentences."""

from collections.abc import Iterator, Mapping
from math import sqrt
from typing import NamedTuple

import numpy as np

from touchstream.agents.report.alarms import Worth
from touchstream.agents.report.calibration import checked_bins, off_by_more_than_chance
from touchstream.agents.report.folder import Summary
from touchstream.agents.report.scores import Scores
from touchstream.agents.report.words import Words
from touchstream.streams.learn.progress import Measures
from touchstream.streams.learn.snapshot import CHURN

FEW_OF_A_LABEL = 100
"""With so few an AUC near .8 has a standard error of .02 to .03 (Hanley & McNeil 1982)."""
FEW_LEAVERS = 30
"""With so few, the share that was warned is known to 18 points either way at best (95 %)."""
FLATTERED_BY = 0.03
"""Difference of the ROC AUC of all customers to that of open ones from which the page warns."""
MORE_THAN_CAPACITY = 1.2
"""Alarms a day over the capacity from which the page warns; it is an average, not a limit."""
MOST_BINS = 3
"""Bins named in sentences; the table has all."""
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
    numbers += f", over the {ours.get('n') or 0:,.0f} labels of open customers"
    if loss < bound:
        return Conclusion(True, f"The model beats the recency rule (silence alone): {numbers}.")
    return Conclusion(
        False,
        f"The model does not beat the recency rule (silence alone): {numbers}. "
        "Rank by silence until it does.",
    )


def cautions(
    target: str,
    scores: Scores,
    found: Measures | None,
    summary: Summary,
    words: Words,
    everybody: Measures | None = None,
) -> list[str]:
    """Cautions about one target, the most severe first.

    ``everybody``: churn's measures with the customers who had left.
    """
    if found is None:
        return [_why_nothing(scores)]
    flattered = () if everybody is None else _flattered(found, everybody)
    return [
        *_few(scores, found, words),
        *flattered,
        *_poor(found),
        *_off(scores, words),
        *_served(target, summary),
    ]


def alarm_cautions(found: Worth) -> list[str]:
    """Cautions about the alarms of a replay, the most severe first."""
    return [*_too_late(found), *_too_many(found), *_few_leavers(found)]


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
    return [*sums, *types, *_misspelt(summary), *_unmatched(summary), *_odd(summary)]


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


def _odd(summary: Summary) -> Iterator[str]:
    if clamped := summary.odd_events.get("clamped", 0):
        yield f"{clamped:,} events are dated after they were received: a producer's clock is wrong."
    if forgot := summary.odd_events.get("memory_full", 0):
        yield (
            f"{forgot:,} events made their customer's memory forget an older id, which would count "
            "again if it were sent again: raise intake.ids_per_customer."
        )


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


def _few(scores: Scores, found: Measures, words: Words) -> Iterator[str]:
    ones = int(scores.label.sum())
    rarer, verb, label = min((ones, words.ones, 1), (found.n - ones, words.zeros, 0))
    if not rarer:
        yield f"None of {found.n:,} {verb}: no ranking can be evaluated."
    elif rarer < FEW_OF_A_LABEL:
        customers = len(np.unique(scores.customer[scores.label == label]))
        known = ""
        if found.roc_auc is not None:
            reach = 1.96 * auc_error(found.roc_auc, ones, found.n - ones)
            known = f": ROC AUC {found.roc_auc:.3f} may be off by {reach:.3f} either way (95 %)"
        yield (
            f"Few labels: only {rarer:,} of {found.n:,} scores, of {customers:,} "
            f"customer{'s' * (customers > 1)}, {verb}{known}. Do not compare models by these "
            "measures; replay a longer history."
        )


def auc_error(auc: float, ones: int, zeros: int) -> float:
    """Standard error of a ROC AUC (Hanley & McNeil 1982), all scores taken as independent.

    >>> round(auc_error(0.8, 50, 50), 3)
    0.045
    """
    one, other = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    square = (auc * (1 - auc) + (ones - 1) * (one - auc**2) + (zeros - 1) * (other - auc**2)) / (
        ones * zeros
    )
    return sqrt(max(0.0, square))


def _flattered(found: Measures, everybody: Measures) -> Iterator[str]:
    if found.roc_auc is None or everybody.roc_auc is None:
        return
    if everybody.roc_auc - found.roc_auc >= FLATTERED_BY:
        yield (
            f"Do not quote the ROC AUC of all customers, {everybody.roc_auc:.3f}: it is made by "
            f"{everybody.n - found.n:,} scores of customers who had left already, and they are "
            f"easy to tell. Among customers who could still be kept it is {found.roc_auc:.3f}."
        )


def _off(scores: Scores, words: Words) -> Iterator[str]:
    off = off_by_more_than_chance(checked_bins(scores))
    for one in off[:MOST_BINS]:
        low, high = one.interval or (0.0, 1.0)
        yield (
            f"Off by more than chance: of {one.n:,} scores of {10 * one.number} to "
            f"{10 * one.number + 10} % ({100 * one.predicted:.1f} % on average), "
            f"{100 * one.came_true:.1f} % {words.ones}. They count as {one.counts_as:,.0f}, "
            f"because customers recur: 99 % interval {100 * low:.1f} to {100 * high:.1f} %."
        )
    if len(off) > MOST_BINS:
        yield f"{len(off) - MOST_BINS} more bins are off by more than chance: see Reliability."


def _too_late(found: Worth) -> Iterator[str]:
    if found.after_end:
        yield (
            f"{found.after_end:,} of {found.found.alarms:,} alarms were about customers who had "
            "left by then: the cancellation arrived later than it happened."
        )


def _too_many(found: Worth) -> Iterator[str]:
    per_day, capacity = found.found.alarms_per_day, found.capacity
    if per_day is not None and capacity and per_day > MORE_THAN_CAPACITY * capacity:
        yield (
            f"More alarms than capacity: {per_day:.1f} a day, wanted at most {capacity:.1f}. "
            "The thresholds follow over weeks: look at the newest ones."
        )


def _few_leavers(found: Worth) -> Iterator[str]:
    leavers = found.found.leavers
    if leavers < FEW_LEAVERS:
        yield (
            f"Only {leavers:,} customers left in the time that can be judged: the share that was "
            "warned may be chance. Replay a longer history."
        )


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
