"""Keep, drop or unclear: every action in every segment, weighed against doing nothing."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np

from touchstream.streams.decide.evaluation import rewards
from touchstream.streams.decide.evaluation.logged import (
    BadLog,
    DecisionLog,
    Flags,
    Floats,
    LoggedDecision,
    columns,
    part,
)
from touchstream.streams.decide.policy import DO_NOTHING
from touchstream.streams.decide.practices.differences import (
    Difference,
    after_cost,
    difference,
)
from touchstream.streams.decide.practices.discoveries import discoveries
from touchstream.streams.decide.practices.sample_ratio import (
    SampleRatio,
    constant_probabilities,
    contradicts,
    sample_ratio,
)

Conclusion = Literal["keep", "drop", "unclear"]
Reason = Literal[
    "gains", "loses", "too_few", "same_reward", "no_difference", "one_of_many", "wrong_propensities"
]
MOST_SEGMENTS = 50
BLOCKED_WRONGLY = 0.01
"""Probability that a log with right propensities is ever blocked."""
CAP_QUANTILE = 0.99
MINIMUM_CUSTOMERS = 100


class NotAnswerable(ValueError):
    """The log has nothing to compare; the message says what is missing."""


class How(NamedTuple):
    """What is weighed, and how strictly."""

    by: str | None = None
    """Column of the context whose values are segments; None: no segments."""
    control: str = DO_NOTHING
    """The action that does nothing."""
    cap_quantile: float = CAP_QUANTILE
    """Rewards beyond this quantile of all that are not 0 count as much as it; 0..1."""
    minimum: int = MINIMUM_CUSTOMERS
    """Customers with the action, and as many without, before anything is concluded."""
    alpha: float = 0.05
    """Largest expected share of wrong ones among all practices kept or dropped."""


class Practice(NamedTuple):
    """An action in a segment."""

    action: str
    segment: str | None
    """Value of the column; None: all customers."""


class Finding(NamedTuple):
    """What a log says about a practice."""

    practice: Practice
    difference: Difference
    """Reward after cost of a decision, less that of doing nothing."""
    conclusion: Conclusion
    reason: Reason


class Weighed(NamedTuple):
    """What a log says about all practices."""

    findings: Sequence[Finding]
    """All customers first, then by segment; actions sorted."""
    cap: float
    """Rewards were counted within +-cap."""
    ratio: SampleRatio
    """Of the segment with the strongest evidence that its propensities are wrong."""
    ratio_segment: str | None
    blocked: bool
    """Whether that evidence blocks every conclusion."""


class _Group(NamedTuple):
    segment: str | None
    rows: Flags


def weigh(decisions: Sequence[LoggedDecision], how: How) -> Weighed:
    """Weigh all practices of a log, its decisions in order of time.

    Raises
    ------
    NotAnswerable
        If nothing was ever not done, no action was done, or the segments are too many.
    BadLog
        If a decision contradicts itself.
    """
    log = columns(decisions)
    return weigh_columns(log, _probabilities(decisions, log), how)


def weigh_columns(log: DecisionLog, probabilities: Floats | None, how: How) -> Weighed:
    """:func:`weigh` of columns; probabilities have shape (n, k)."""
    if how.control not in log.arms:
        raise NotAnswerable(f"no decision could choose {how.control!r}: the log has {log.arms}")
    actions = [arm for arm in log.arms if arm != how.control]
    if not actions:
        raise NotAnswerable(f"no action but {how.control!r} could be chosen")
    groups = _groups(log, how.by)
    net, cap = after_cost(log, how.cap_quantile)
    expected = _expected(net, how)
    index = {arm: number for number, arm in enumerate(log.arms)}
    idle = index[how.control]
    pairs = [
        (
            Practice(action, group.segment),
            difference(net, expected, group.rows, index[action], idle, how.alpha),
        )
        for group in groups
        for action in actions
    ]
    ratio, segment, blocked = _ratio(log, probabilities, groups)
    return Weighed(_concluded(pairs, how, blocked=blocked), cap, ratio, segment, blocked)


def _probabilities(decisions: Sequence[LoggedDecision], log: DecisionLog) -> Floats | None:
    if any(one.probabilities is None for one in decisions):
        return constant_probabilities(log)
    rows = [[(one.probabilities or {}).get(arm, 0.0) for arm in log.arms] for one in decisions]
    return np.asarray(rows, np.float64)


def _groups(log: DecisionLog, by: str | None) -> list[_Group]:
    everyone = _Group(None, np.ones(len(log.action), np.bool_))
    if by is None:
        return [everyone]
    missing = next((context for context in log.contexts if by not in context), None)
    if missing is not None:
        raise NotAnswerable(f"no column {by!r} in the log: it has {sorted(missing)}")
    values = np.asarray([str(context[by]) for context in log.contexts])
    kinds = np.unique(values)
    if len(kinds) > MOST_SEGMENTS:
        raise NotAnswerable(
            f"{by!r} has {len(kinds):,} values: want a column with {MOST_SEGMENTS} at most"
        )
    return [everyone, *(_Group(str(kind), values == kind) for kind in kinds)]


def _expected(net: DecisionLog, how: How) -> Floats:
    """Of the past alone, as a log of ours was collected adaptively; by segment, if there are."""
    if how.by is None:
        return rewards.predictions(net, rewards.features(net.contexts, "mean"), rewards.past(net))
    segments = [{how.by: f"={context[how.by]}"} for context in net.contexts]
    return rewards.predictions(net, rewards.features(segments, "ridge"), rewards.past(net))


def _ratio(
    log: DecisionLog, probabilities: Floats | None, groups: Sequence[_Group]
) -> tuple[SampleRatio, str | None, bool]:
    """Half of the error is for all customers, the rest shared by the segments."""
    if probabilities is not None and contradicts(probabilities):
        total = float(probabilities[0].sum())
        raise BadLog(f"the propensities of the {len(log.arms)} actions sum to {total:.4g}, not 1")
    found = []
    for group in groups:
        own = None if probabilities is None else probabilities[group.rows]
        shared = BLOCKED_WRONGLY / 2.0
        alpha = shared if group.segment is None else shared / (len(groups) - 1)
        ratio = sample_ratio(part(log, group.rows), own)
        found.append((ratio.rejects(alpha), ratio.log_evidence, ratio, group.segment))
    blocked, _, ratio, segment = max(found, key=lambda each: each[:2])
    return ratio, segment, blocked


def _concluded(
    pairs: Sequence[tuple[Practice, Difference]], how: How, *, blocked: bool
) -> list[Finding]:
    early = [_obstacle(found, how, blocked=blocked) for _, found in pairs]
    evidence = [
        found.log_e_value if reason is None else -np.inf
        for (_, found), reason in zip(pairs, early, strict=True)
    ]
    discovered = discoveries(evidence, how.alpha)
    return list(_findings(pairs, early, discovered))


def _findings(
    pairs: Sequence[tuple[Practice, Difference]],
    early: Sequence[Reason | None],
    discovered: Sequence[bool],
) -> Iterator[Finding]:
    for (practice, found), reason, sure in zip(pairs, early, discovered, strict=True):
        if reason is not None:
            yield Finding(practice, found, "unclear", reason)
        elif not sure:
            clear = found.low > 0.0 or found.high < 0.0
            why: Reason = "one_of_many" if clear else "no_difference"
            yield Finding(practice, found, "unclear", why)
        elif found.estimate > 0.0:
            yield Finding(practice, found, "keep", "gains")
        else:
            yield Finding(practice, found, "drop", "loses")


def _obstacle(found: Difference, how: How, *, blocked: bool) -> Reason | None:
    if blocked:
        return "wrong_propensities"
    if min(found.acted, found.idle) < max(how.minimum, 2):
        return "too_few"
    return None if found.spread > 0.0 else "same_reward"
