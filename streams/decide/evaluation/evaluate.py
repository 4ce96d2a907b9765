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
from touchstream.streams.decide.evaluation.logged import (
    DecisionLog,
    Floats,
    LoggedDecision,
    PolicyValue,
    columns,
)
from touchstream.streams.decide.evaluation.policies import TargetPolicy
from touchstream.streams.decide.evaluation.rewards import RewardModel
from touchstream.streams.decide.evaluation.support import NoSupport, target_probabilities
from touchstream.streams.decide.evaluation.terms import Terms

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
    logged: PolicyValue
    """The mean reward of the log."""
    mean_weight: PolicyValue
    """1 in expectation; an interval without 1 says that the propensities are wrong."""
    values: Mapping[str, PolicyValue]
    """By estimator: replay, ips, snips, dr."""
    gains: Mapping[str, PolicyValue]
    """Each value less the log's mean reward, with the interval of the difference."""


def evaluate(
    decisions: Sequence[LoggedDecision], policy: TargetPolicy | None, how: How = DEFAULT
) -> Evaluation:
    """Evaluate a policy on logged decisions; None: the one that they propose themselves.

    Raises
    ------
    NoSupport
        If the policy may do what the log could not, or the log never did anything of the policy's.
    NoChoice
        If the policy has no distribution for a context.
    BadLog
        If a decision contradicts itself.
    """
    log = columns(decisions)
    target = target_probabilities(log, policy)
    w = terms.importance(log, target)
    if not w.any():
        raise NoSupport("no support: the policy would have made none of the log's decisions")
    expected = rewards.predictions(
        log,
        rewards.features(log.contexts, how.reward_model),
        rewards.past(log) if how.interval == "always-valid" else rewards.folds(log, how.seed),
    )
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
    return _evaluation(log, found, effective, how)


def _evaluation(
    log: DecisionLog, found: Mapping[str, Terms], effective: Mapping[str, float], how: How
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
