r"""Variance between customers with equal features: the part of an interval that no data shrinks.

If a customer's log-odds differ by ``u`` from the model's, the residuals of two of their windows
that do not overlap are, to first order, r = p(1-p) u + noise, with independent noise. So

.. math:: \tau^2 = \sum r r' / \sum p(1-p)\,p'(1-p')

estimates the variance of u from pairs of windows (a moment estimator as for random effects in
logistic models; Zeger, Liang & Albert 1988).
"""

from msgspec import Struct, field

from touchstream.schemas.units import Millis

MOST_CUSTOMERS = 1_000
"""Customers whose last residual is remembered. Beyond that, a customer with a complete pair gives
way to the next one, so that there are as many pairs, from all customers in turn."""
GONE_AFTER = 2
"""Horizons without a label after which a customer counts as erased and gives way."""
LEAST_WEIGHT = 5.0
"""Prior weight of zero variance, in units of sum p(1-p) p'(1-p'): a few pairs prove nothing."""
LARGEST = 4.0


class BetweenCustomerVariance(Struct, array_like=True):
    """Sums over pairs, and the last residual of some customers, the oldest first.

    Mutable plain data.
    """

    products: float = 0.0
    weights: float = 0.0
    last: dict[str, tuple[Millis, float, float]] = field(default_factory=dict)
    """Pseudonym -> moment scored, residual, p(1-p)."""

    def add(self, customer: str, at_ms: Millis, risk: float, label: int, horizon_ms: float) -> None:
        """Add one matured example: the risk predicted then, and the label."""
        residual, spread = label - risk, risk * (1 - risk)
        full = len(self.last) >= MOST_CUSTOMERS
        before = self.last.get(customer)
        if before is not None:
            # Overlapping windows share events, so their noise is not independent.
            if at_ms < before[0] + horizon_ms:
                return
            self.products += residual * before[1]
            self.weights += spread * before[2]
            del self.last[customer]  # if remembered again, the newest of all
        elif full and not self._forget(at_ms - GONE_AFTER * horizon_ms):
            return
        if before is None or not full:
            self.last[customer] = (at_ms, residual, spread)

    def _forget(self, until_ms: float) -> bool:
        """Forget the oldest customer if their residual is no newer than ``until_ms``."""
        oldest = next(iter(self.last))
        if self.last[oldest][0] > until_ms:
            return False
        del self.last[oldest]
        return True

    def variance(self) -> float:
        """Variance of customers' log-odds around the model's, 0 to 4."""
        return min(LARGEST, max(0.0, self.products / (self.weights + LEAST_WEIGHT)))
