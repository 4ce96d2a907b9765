"""Logged decisions, one by one and as columns."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Context = Mapping[str, str | float]
"""What was known of the customer at the decision: column -> value."""

PROPENSITY_ROUNDING = 1e-6
"""Logs keep few digits."""


class BadLog(ValueError):
    """A logged decision contradicts itself; the message says which and how."""


class LoggedDecision(NamedTuple):
    """A decision, how it was made, and what came of it."""

    customer: str
    context: Context
    action: str
    propensity: float
    """Probability (0..1] with which the logging policy chose the action."""
    probabilities: Mapping[str, float] | None
    """Of every action that could be chosen; None: not logged, so every action of the log could."""
    reward: float
    """Any unit; the value of a policy is in the same."""
    weight: float = 1.0
    """How many decisions this one stands for (> 0), for logs that are samples."""
    proposed: Mapping[str, float] | None = None
    """Probability of every action under the policy to evaluate, if the log brings it."""
    cost: float = 0.0
    """Spent on carrying it out, in the unit of the reward, which is before it."""


class PolicyValue(NamedTuple):
    """Mean reward of a decision, with an interval."""

    estimate: float
    low: float
    high: float
    n: int
    """Decisions in the log."""
    effective_n: float
    """(sum of weights)^2 / sum of weights^2: as many decisions of the policy's own are worth as
    much (Kish 1965)."""


class DecisionLog(NamedTuple):
    """n decisions as columns; k arms."""

    contexts: Sequence[Context]
    """Length n."""
    proposed: Sequence[Mapping[str, float] | None]
    """Length n."""
    arms: tuple[str, ...]
    """Every action that was or could be chosen, sorted; length k."""
    customers: tuple[str, ...]
    """In order of their first decision."""
    customer: Ints
    """Index into ``customers``; shape (n,)."""
    action: Ints
    """Index into ``arms``; shape (n,)."""
    propensity: Floats
    reward: Floats
    weight: Floats
    cost: Floats
    could: Flags
    """Whether the logging policy could have chosen the arm; shape (n, k)."""


def columns(decisions: Sequence[LoggedDecision]) -> DecisionLog:
    """The decisions as columns, in their order.

    Raises
    ------
    BadLog
        For no decisions, a propensity outside (0, 1] or unlike ``probabilities``, a reward that is
        not finite, or a weight that is not > 0.
    """
    if not decisions:
        raise BadLog("no decisions")
    for number, decision in enumerate(decisions, 1):
        _check(number, decision)
    arms = tuple(sorted({arm for one in decisions for arm in _arms(one)}))
    index = {arm: number for number, arm in enumerate(arms)}
    customers: dict[str, int] = {}
    customer = [customers.setdefault(one.customer, len(customers)) for one in decisions]
    return DecisionLog(
        contexts=[one.context for one in decisions],
        proposed=[one.proposed for one in decisions],
        arms=arms,
        customers=tuple(customers),
        customer=np.asarray(customer, np.int64),
        action=np.asarray([index[one.action] for one in decisions], np.int64),
        propensity=np.asarray([one.propensity for one in decisions], np.float64),
        reward=np.asarray([one.reward for one in decisions], np.float64),
        weight=np.asarray([one.weight for one in decisions], np.float64),
        cost=np.asarray([one.cost for one in decisions], np.float64),
        could=_could(decisions, index),
    )


def part(log: DecisionLog, keep: Flags) -> DecisionLog:
    """Some decisions of a log, in their order."""
    rows = [int(row) for row in np.flatnonzero(keep)]
    names, customer = np.unique(log.customer[rows], return_inverse=True)
    return DecisionLog(
        contexts=[log.contexts[row] for row in rows],
        proposed=[log.proposed[row] for row in rows],
        arms=log.arms,
        customers=tuple(log.customers[name] for name in names),
        customer=customer.astype(np.int64),
        action=log.action[rows],
        propensity=log.propensity[rows],
        reward=log.reward[rows],
        weight=log.weight[rows],
        cost=log.cost[rows],
        could=log.could[rows],
    )


def _check(number: int, one: LoggedDecision) -> None:
    if not 0.0 < one.propensity <= 1.0:
        raise BadLog(f"decision {number}: propensity={one.propensity!r}: want 0 < propensity <= 1")
    if not math.isfinite(one.reward):
        raise BadLog(f"decision {number}: reward={one.reward!r}: want a finite number")
    if not 0.0 < one.weight < math.inf:
        raise BadLog(f"decision {number}: weight={one.weight!r}: want a number > 0")
    if one.probabilities is None:
        return
    logged = one.probabilities.get(one.action, 0.0)
    if abs(logged - one.propensity) > PROPENSITY_ROUNDING:
        raise BadLog(
            f"decision {number}: propensity={one.propensity!r} of {one.action!r}, but its "
            f"probability is {logged!r}"
        )


def _arms(one: LoggedDecision) -> tuple[str, ...]:
    if one.probabilities is None:
        return (one.action,)
    return tuple(arm for arm, probability in one.probabilities.items() if probability > 0.0)


def _could(decisions: Sequence[LoggedDecision], index: Mapping[str, int]) -> Flags:
    could = np.zeros((len(decisions), len(index)), np.bool_)
    for row, one in enumerate(decisions):
        if one.probabilities is None:
            could[row] = True
        else:
            could[row, [index[arm] for arm in _arms(one)]] = True
    return could
