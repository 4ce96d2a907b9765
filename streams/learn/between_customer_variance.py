r"""How far customers are from what their features say: the part of an interval no data shrinks.

If a customer's own log-odds lie ``u`` off the model's, the residuals of two of his windows that do
not overlap are, to first order, r = p(1-p) u + noise, and the noises are independent. So

.. math:: \tau^2 = \sum r r' / \sum p(1-p)\,p'(1-p')

estimates the variance of u from pairs of windows (a moment estimator as for random effects in
logistic models; Zeger, Liang & Albert 1988).
"""

from msgspec import Struct, field

from touchstream.schemas.units import Millis

MOST_CUSTOMERS = 1_000
"""Whose last residual is remembered at a time. Where there are more, who has made a pair gives his
place to the next who comes: as many pairs, and of everybody in turn."""
GONE_AFTER = 2
"""Horizons without a label, after which a customer's place is given away: he was erased."""
LEAST_WEIGHT = 5.0
"""Prior weight of no scatter, in units of sum p(1-p) p'(1-p'): a few pairs prove nothing."""
LARGEST = 4.0


class BetweenCustomerVariance(Struct, array_like=True):
    """Sums over pairs, and the last residual of some customers, the oldest first.

    Mutable, and data all through.
    """

    products: float = 0.0
    weights: float = 0.0
    last: dict[str, tuple[Millis, float, float]] = field(default_factory=dict)
    """Pseudonym -> moment scored, residual, p(1-p)."""

    def add(self, customer: str, at_ms: Millis, risk: float, label: int, horizon_ms: float) -> None:
        """Take in one matured example: what was said then, and what came true."""
        residual, spread = label - risk, risk * (1 - risk)
        full = len(self.last) >= MOST_CUSTOMERS
        before = self.last.get(customer)
        if before is not None:
            if at_ms < before[0] + horizon_ms:
                return
            self.products += residual * before[1]
            self.weights += spread * before[2]
            del self.last[customer]  # and behind all others, if he is remembered again
        elif full and not self._forget(at_ms - GONE_AFTER * horizon_ms):
            return
        if before is None or not full:
            self.last[customer] = (at_ms, residual, spread)

    def _forget(self, until_ms: float) -> bool:
        """Give away the oldest place if nothing came for it since ``until_ms``."""
        oldest = next(iter(self.last))
        if self.last[oldest][0] > until_ms:
            return False
        del self.last[oldest]
        return True

    def variance(self) -> float:
        """Of a customer's own log-odds around the model's, 0 to 4."""
        return min(LARGEST, max(0.0, self.products / (self.weights + LEAST_WEIGHT)))
