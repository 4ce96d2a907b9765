"""A planted group of customers who can be kept, and the worth of keeping a customer."""

import numpy as np
from msgspec import Struct

from touchstream.simulator.customers import DAYS_PER_YEAR, Floats, Ints, Traits
from touchstream.simulator.habits import ORDER_SPREAD
from touchstream.simulator.segments import SEGMENTS
from touchstream.simulator.treatments import Treatment

ORDERS = "order.placed"


class SaveableGroup(Struct, frozen=True, kw_only=True):
    """The customers of some plans accept what they are offered; the others seldom do.

    A plan is an attribute of each customer, so the group can be learnt from touchpoints.

    >>> group = SaveableGroup(plans=frozenset({"team"}), others=0.2)
    >>> call = Treatment(accepted=0.35, relief=1.0)
    >>> group.treatment_of("team", call).accepted, group.treatment_of("basic", call).accepted
    (0.35, 0.07)
    """

    plans: frozenset[str] = frozenset()
    """Empty: everybody accepts as the treatment says."""
    others: float = 1.0
    """Factor (0..1) of the acceptance of everybody else."""

    def factor_of(self, plan: str) -> float:
        """The acceptance of a customer with this plan, as a share of the group's."""
        return 1.0 if not self.plans or plan in self.plans else self.others

    def treatment_of(self, plan: str, treatment: Treatment) -> Treatment:
        """The treatment as a customer with this plan takes it."""
        return Treatment(
            accepted=round(treatment.accepted * self.factor_of(plan), 9),
            relief=treatment.relief,
            solves_tickets=treatment.solves_tickets,
        )


EVERYONE = SaveableGroup()
"""Nobody is easier to keep than another."""


def plan_of(traits: Traits, index: int) -> str:
    """The name of a customer's plan."""
    return SEGMENTS[int(traits.segment[index])].plans[int(traits.plan[index])][0]


def yearly_values(traits: Traits, prices_minor: Ints) -> Floats:
    r"""The worth of a year of each customer at full interest, in minor units.

    The present price of their terms, and the orders that are expected of them:

    .. math:: 365 (price / term + rate \cdot rhythm \cdot basket \cdot e^{s^2 / 2})

    where :math:`s` is the spread of the logarithm of an order.
    """
    rates = np.array([segment.habits.get(ORDERS, 0.0) for segment in SEGMENTS])[traits.segment]
    orders = rates * traits.rhythm * traits.basket_minor * np.exp(ORDER_SPREAD**2 / 2)
    terms = np.where(traits.term_days > 0, prices_minor / np.maximum(traits.term_days, 1), 0.0)
    values: Floats = DAYS_PER_YEAR * (terms + orders)
    return values
