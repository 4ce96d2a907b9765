"""What an action changes: doubly robust differences to doing nothing, with their evidence."""

import math
from typing import NamedTuple

import numpy as np

from touchstream.streams.decide.evaluation import terms
from touchstream.streams.decide.evaluation.intervals import always_valid, by_customer, log_e_value
from touchstream.streams.decide.evaluation.logged import DecisionLog, Flags, Floats, part


class Difference(NamedTuple):
    """Mean reward of an action less that of doing nothing, where both could be chosen."""

    estimate: float
    """Per decision, in the unit of the reward; NaN if there is no decision."""
    low: float
    high: float
    """Always valid: for any number of looks."""
    log_e_value: float
    """Evidence against "no difference"; 0 and less is none."""
    decisions: int
    customers: int
    acted: int
    """Customers with the action at least once."""
    idle: int
    """Customers for whom nothing was done at least once."""
    spread: float
    """Standard deviation of a customer's term; 0 says that every reward was the same."""


NONE = Difference(math.nan, -math.inf, math.inf, -math.inf, 0, 0, 0, 0, 0.0)


def after_cost(log: DecisionLog, quantile: float) -> tuple[DecisionLog, float]:
    """Rewards within +-cap, less the cost of each decision; and the cap.

    The cap is this quantile of the sizes of all rewards that are not 0, over all actions alike, so
    that it favours none: one order of a wholesaler decides nothing.
    """
    sizes = np.abs(log.reward[log.reward != 0.0])
    cap = float(np.quantile(sizes, quantile, method="higher")) if len(sizes) else 0.0
    return log._replace(reward=np.clip(log.reward, -cap, cap) - log.cost), cap


def difference(
    log: DecisionLog, expected: Floats, rows: Flags, arm: int, idle: int, alpha: float
) -> Difference:
    """Of ``arm`` to ``idle`` (indices into ``log.arms``) over the rows in which both could be done.

    Per decision: q_a - q_0 + [A = a] (r - q_a) / p - [A = 0] (r - q_0) / p, with q ``expected``,
    shape (n, k), from earlier decisions alone.
    """
    rows = rows & log.could[:, arm] & log.could[:, idle]
    if not rows.any():
        return NONE
    here, q = part(log, rows), expected[rows]
    top = _value(here, q, arm).top - _value(here, q, idle).top
    n = len(here.customers)
    tops = by_customer(top, here.customer, n)[:, None]
    bottoms = by_customer(here.weight, here.customer, n)[:, None]
    bounds = always_valid(tops, bottoms, 1.0 - alpha)
    estimate = float(tops.sum() / bottoms.sum())
    linear = (tops - estimate * bottoms) / bottoms.mean()
    # Equal rewards have a spread as well, as the first predictions were made of nothing.
    spread = float(linear.std(ddof=1)) if n > 1 and np.ptp(here.reward) > 0.0 else 0.0
    return Difference(
        estimate=estimate,
        low=float(bounds.low[0]),
        high=float(bounds.high[0]),
        log_e_value=log_e_value(n * estimate / spread, n, alpha) if spread > 0.0 else -math.inf,
        decisions=len(here.action),
        customers=n,
        acted=len(np.unique(here.customer[here.action == arm])),
        idle=len(np.unique(here.customer[here.action == idle])),
        spread=spread,
    )


def _value(log: DecisionLog, expected: Floats, arm: int) -> terms.Terms:
    target = np.zeros(log.could.shape)
    target[:, arm] = 1.0
    return terms.doubly_robust(log, terms.importance(log, target), target, expected)
