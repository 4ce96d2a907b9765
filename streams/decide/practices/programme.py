"""What all actions together brought and cost, compared with doing nothing."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from touchstream.streams.decide.evaluation import rewards, terms
from touchstream.streams.decide.evaluation.intervals import always_valid, by_customer
from touchstream.streams.decide.evaluation.logged import Floats, LoggedDecision, columns
from touchstream.streams.decide.practices.practices import How


class Programme(NamedTuple):
    """The whole programme; amounts in the unit of the reward, for all decisions together."""

    decisions: int
    """Of customers who were not held out, whatever was chosen."""
    exposed: int
    """Those with an action."""
    customers: int
    holdout_decisions: int
    holdout_customers: int
    compared_with: str
    """``holdout``, or the control's name: what is taken for "nothing was done"."""
    cost: float
    revenue: float
    """Incremental: reward of the decisions less that of doing nothing."""
    low: float
    high: float
    """Always-valid interval of ``revenue``."""

    def roi(self, revenue: float) -> float | None:
        """(revenue - cost) / cost; None without any cost."""
        return (revenue - self.cost) / self.cost if self.cost > 0.0 else None


def programme(
    decisions: Sequence[LoggedDecision], held_out: Sequence[LoggedDecision], how: How
) -> Programme:
    """Compare with the holdout, or with the decisions that did nothing (doubly robust).

    The latter if fewer than ``how.minimum`` customers were held out.

    Raises
    ------
    BadLog
        For no decisions, or one that contradicts itself.
    """
    holdout_customers = len({one.customer for one in held_out})
    use_holdout = holdout_customers >= how.minimum
    tops, bottoms = (
        _against_holdout(decisions, held_out) if use_holdout else (_against_control(decisions, how))
    )
    bounds = always_valid(tops, bottoms, 1.0 - how.alpha)
    of_nothing, of_policy = tops.sum(axis=0) / bottoms.sum(axis=0)
    scale = sum(one.weight for one in decisions)
    acted = [one for one in decisions if one.action != how.control]
    return Programme(
        decisions=len(decisions),
        exposed=len(acted),
        customers=len({one.customer for one in decisions}),
        holdout_decisions=len(held_out),
        holdout_customers=holdout_customers,
        compared_with="holdout" if use_holdout else how.control,
        cost=sum(one.weight * one.cost for one in acted),
        revenue=float(of_policy - of_nothing) * scale,
        low=float(bounds.low_gain[1]) * scale,
        high=float(bounds.high_gain[1]) * scale,
    )


def _against_holdout(
    decisions: Sequence[LoggedDecision], held_out: Sequence[LoggedDecision]
) -> tuple[Floats, Floats]:
    """Sums of rewards and of decisions per customer, one column for each group."""
    both = [*held_out, *decisions]
    # A customer may have been held out in one period and not in another.
    customers = {
        name: number for number, name in enumerate(dict.fromkeys(x.customer for x in both))
    }
    customer = np.asarray([customers[one.customer] for one in both], np.int64)
    group = np.repeat([0, 1], [len(held_out), len(decisions)])
    weight = np.asarray([one.weight for one in both], np.float64)
    reward = np.asarray([one.reward for one in both], np.float64)
    n = len(customers)
    tops = [by_customer(weight * reward * (group == each), customer, n) for each in (0, 1)]
    bottoms = [by_customer(weight * (group == each), customer, n) for each in (0, 1)]
    return np.column_stack(tops), np.column_stack(bottoms)


def _against_control(decisions: Sequence[LoggedDecision], how: How) -> tuple[Floats, Floats]:
    """The doubly robust value of doing nothing, beside what was done."""
    log = columns(decisions)
    target = np.zeros(log.could.shape)
    target[:, log.arms.index(how.control)] = 1.0
    expected = rewards.predictions(log, rewards.features(log.contexts, "mean"), rewards.past(log))
    w = terms.importance(log, target)
    found = (terms.doubly_robust(log, w, target, expected), terms.logged(log))
    n = len(log.customers)
    tops = [by_customer(of.top, log.customer, n) for of in found]
    bottoms = [by_customer(of.bottom, log.customer, n) for of in found]
    return np.column_stack(tops), np.column_stack(bottoms)
