"""The probabilities of a policy in the contexts of a log, refused where the log cannot tell."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from touchstream.streams.decide.chance import ROUNDING
from touchstream.streams.decide.evaluation.logged import DecisionLog, Floats
from touchstream.streams.decide.evaluation.policies import NoChoice, TargetPolicy


class NoSupport(ValueError):
    """The log says nothing about a part of the policy; the message says which."""

    def __init__(self, message: str, actions: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.actions = tuple(actions)
        """The actions that the log could not choose."""


def target_probabilities(log: DecisionLog, policy: TargetPolicy | None) -> Floats:
    """P(arm) under the policy, shape (n, k): rows as the decisions, columns as ``log.arms``.

    None: as the log proposes.

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
        wanted = log.proposed[row] if policy is None else policy.probabilities(context, could)
        for arm, probability in _checked(wanted).items():
            if probability > 0.0 and arm not in could:
                outside[arm] = outside.get(arm, 0.0) + probability
                decisions[arm] += 1
            elif probability > 0.0:
                found[row, index[arm]] = probability
    if outside:
        raise NoSupport(_refusal(outside, decisions, len(log.contexts)), list(outside))
    return found


def _checked(distribution: Mapping[str, float] | None) -> Mapping[str, float]:
    if distribution is None:
        raise NoChoice("a decision without the probabilities of a policy (columns p:ACTION)")
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
