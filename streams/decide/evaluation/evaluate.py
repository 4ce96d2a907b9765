"""The value of a policy by every estimator, and what it would have gained over the log's own."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from touchstream.streams.decide.evaluation import rewards, terms
from touchstream.streams.decide.evaluation.intervals import (
    RESAMPLES,
    Bounds,
    always_valid,
    bootstrap,
    by_customer,
)
from touchstream.streams.decide.evaluation.learnt import Learnt, judged, learnt_probabilities
from touchstream.streams.decide.evaluation.logged import (
    DecisionLog,
    Floats,
    LoggedDecision,
    PolicyValue,
    columns,
    part,
)
from touchstream.streams.decide.evaluation.policies import TargetPolicy
from touchstream.streams.decide.evaluation.rewards import RewardModel
from touchstream.streams.decide.evaluation.support import NoSupport, target_probabilities
from touchstream.streams.decide.evaluation.terms import Terms

Policy = TargetPolicy | Learnt | None
"""None: what each decision proposes."""
Interval = Literal["bootstrap", "always-valid"]


class How(NamedTuple):
    """How a policy is evaluated."""

    interval: Interval = "bootstrap"
    """``always-valid`` for a log that was collected adaptively; its decisions in order of time."""
    level: float = 0.95
    """Confidence, 0..1."""
    reward_model: RewardModel = "mean"
    seed: int = 0
    resamples: int = RESAMPLES


DEFAULT = How()


class Evaluation(NamedTuple):
    """What a log says about a policy."""

    decisions: int
    customers: int
    arms: tuple[str, ...]
    chosen: Mapping[str, float]
    """Action -> share of the decisions in which the policy would have chosen it."""
    logged: PolicyValue
    """The mean reward of the log."""
    mean_weight: PolicyValue
    """1 in expectation; an interval without 1 says that the propensities are wrong."""
    values: Mapping[str, PolicyValue]
    """By estimator: replay, ips, snips, dr."""
    gains: Mapping[str, PolicyValue]
    """Each value less the log's mean reward, with the interval of the difference."""


def evaluate(decisions: Sequence[LoggedDecision], policy: Policy, how: How = DEFAULT) -> Evaluation:
    """Evaluate a policy on logged decisions; None: the one that they propose themselves.

    Raises
    ------
    NoSupport
        If the policy may do what the log could not, or the log never did anything of the policy's.
    NothingLearnt
        If the policy is learnt, and the log has too few decisions.
    NoChoice
        If the policy has no distribution for a context.
    BadLog
        If a decision contradicts itself.
    """
    log, target, expected = _prepared(columns(decisions), policy, how)
    w = terms.importance(log, target)
    if not w.any():
        raise NoSupport("no support: the policy would have made none of the log's decisions")
    accepted = terms.replay(log, w, how.seed)
    found = {
        "logged": terms.logged(log),
        "mean_weight": terms.mean_weight(log, w),
        "replay": accepted,
        "ips": terms.ips(log, w),
        "snips": terms.snips(log, w),
        "dr": terms.doubly_robust(log, w, target, expected),
    }
    of_policy = terms.effective_n(log.weight * w)
    effective = dict.fromkeys(found, of_policy)
    effective["logged"] = terms.effective_n(log.weight)
    effective["replay"] = terms.effective_n(accepted.bottom)
    return _evaluation(log, found, effective, _chosen(log, target), how)


class _Prepared(NamedTuple):
    """The decisions that are judged, with what the policy does and what each arm may bring."""

    log: DecisionLog
    target: Floats
    """Probability of each arm, shape (n, k)."""
    expected: Floats
    """Reward of each arm, predicted from other decisions, shape (n, k)."""


def _prepared(log: DecisionLog, policy: Policy, how: How) -> _Prepared:
    in_time = how.interval == "always-valid"
    splits = rewards.past(log) if in_time else rewards.folds(log, how.seed)
    x = rewards.features(log.contexts, how.reward_model)
    expected = rewards.predictions(log, x, splits)
    if not isinstance(policy, Learnt):
        return _Prepared(log, target_probabilities(log, policy), expected)
    keep = judged(log, policy, in_time=in_time)
    linear = rewards.features(log.contexts, "ridge")
    target = learnt_probabilities(log, splits, keep, linear)
    return _Prepared(part(log, keep), target[keep], expected[keep])


def _chosen(log: DecisionLog, target: Floats) -> Mapping[str, float]:
    shares = np.average(target, axis=0, weights=log.weight)
    return {arm: float(share) for arm, share in zip(log.arms, shares, strict=True) if share > 0.0}


def _evaluation(
    log: DecisionLog,
    found: Mapping[str, Terms],
    effective: Mapping[str, float],
    chosen: Mapping[str, float],
    how: How,
) -> Evaluation:
    bounds = _bounds(log, list(found.values()), how)
    n = len(log.action)
    base = found["logged"].estimate
    values, gains = {}, {}
    for number, (name, of) in enumerate(found.items()):
        low, high, low_gain, high_gain = (float(column[number]) for column in bounds)
        values[name] = PolicyValue(of.estimate, low, high, n, effective[name])
        gain = of.estimate - base
        gains[name] = PolicyValue(gain, low_gain, high_gain, n, effective[name])
    logged, mean_weight = values.pop("logged"), values.pop("mean_weight")
    return Evaluation(
        decisions=n,
        customers=len(log.customers),
        arms=log.arms,
        chosen=chosen,
        logged=logged,
        mean_weight=mean_weight,
        values=values,
        gains={name: gains[name] for name in values},
    )


def _bounds(log: DecisionLog, found: Sequence[Terms], how: How) -> Bounds:
    def summed(each: Sequence[Floats]) -> Floats:
        sums = [by_customer(column, log.customer, len(log.customers)) for column in each]
        return np.column_stack(sums)

    tops, bottoms = summed([of.top for of in found]), summed([of.bottom for of in found])
    if how.interval == "always-valid":
        return always_valid(tops, bottoms, how.level)
    return bootstrap(tops, bottoms, how.level, how.seed, how.resamples)
