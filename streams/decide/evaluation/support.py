"""The probabilities of a policy in the contexts of a log, refused where the log cannot tell."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from touchstream.streams.decide.chance import ROUNDING
from touchstream.streams.decide.evaluation.logged import DecisionLog, Floats
from touchstream.streams.decide.evaluation.policies import NoChoice, TargetPolicy


class NoSupport(ValueError):
    """The log says nothing about a part of the policy; the message says which."""


def target_probabilities(log: DecisionLog, policy: TargetPolicy) -> Floats:
    """P(arm) under the policy, shape (n, k): rows as the decisions, columns as ``log.arms``.

    Raises
    ------
    NoSupport
        If it may choose an arm whose propensity was 0: no weight makes up for what never happened.
    NoChoice
        If it has no distribution for a context.
    """
    index = {arm: number for number, arm in enumerate(log.arms)}
    found = np.zeros(log.could.shape)
    outside: dict[str, float] = {}
    decisions: Counter[str] = Counter()
    for row, context in enumerate(log.contexts):
        could = [arm for arm, possible in zip(log.arms, log.could[row], strict=True) if possible]
        for arm, probability in _distribution(policy, context, could).items():
            if probability > 0.0 and arm not in could:
                outside[arm] = outside.get(arm, 0.0) + probability
                decisions[arm] += 1
            elif probability > 0.0:
                found[row, index[arm]] = probability
    if outside:
        raise NoSupport(_refusal(outside, decisions, len(log.contexts)))
    return found


def _distribution(
    policy: TargetPolicy, context: Mapping[str, str | float], arms: Sequence[str]
) -> Mapping[str, float]:
    distribution = policy.probabilities(context, arms)
    total = sum(distribution.values())
    if abs(total - 1.0) > ROUNDING or min(distribution.values()) < 0.0:
        raise NoChoice(f"not a probability distribution: {dict(distribution)}")
    return distribution


def _refusal(outside: Mapping[str, float], decisions: Mapping[str, int], n: int) -> str:
    share = 100.0 * sum(outside.values()) / n
    named = ", ".join(f"{arm!r} in {decisions[arm]:,} of {n:,} decisions" for arm in outside)
    return (
        f"no support: the policy puts {share:.3g} % of its probability on actions that the log "
        f"could not choose: {named}"
    )
