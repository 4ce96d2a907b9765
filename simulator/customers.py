"""Constant traits of a customer: segment, rhythm, plan, first day."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from touchstream.simulator.segments import SEGMENTS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

RHYTHM_SHAPE = 2.5
"""Gamma shape of the customers' rhythms (mean 1): some are five times as active as others."""

OLDEST_DAYS = 1_000
"""Customers of the first day arrived within this many days before it."""

DAYS_PER_YEAR = 365

BASKET_SPREAD = 0.5
"""Standard deviation of log(basket) between customers."""

HOURS = (8.0, 12.5, 18.0, 20.5)
HOUR_WEIGHTS = (0.15, 0.2, 0.25, 0.4)


class Traits(Struct, frozen=True, eq=False):
    """One array per trait, one entry per customer, those of later days included."""

    segment: Ints
    """Index into ``SEGMENTS``."""
    plan: Ints
    """Index into the segment's plans."""
    start_day: Ints
    """Day of the world on which they became a customer; negative before the first day."""
    term_days: Ints
    rhythm: Floats
    """Factor of all activity, 1 on average."""
    hour: Floats
    """Favourite hour of the day, UTC."""
    basket_minor: Floats
    """Their median order."""
    silent: Flags
    """Will leave without a word."""

    def take(self, chosen: Ints) -> "Traits":
        """The same customers, or the same one many times."""
        return Traits(*(getattr(self, name)[chosen] for name in self.__struct_fields__))

    def per_segment(self, name: str) -> Floats:
        """A number of each customer's segment."""
        return np.array([float(getattr(segment, name)) for segment in SEGMENTS])[self.segment]


def draw_traits(
    rng: np.random.Generator, customers: int, days: int, growth_per_year: float
) -> Traits:
    """Draw ``customers`` of the first day and the new ones of every day after it.

    New customers arrive as a Poisson process of ``customers * growth_per_year / 365`` a day.
    """
    arrivals = rng.poisson(customers * growth_per_year / DAYS_PER_YEAR, max(days - 1, 0))
    start_day = np.concatenate(
        [
            -rng.integers(1, OLDEST_DAYS, customers),
            np.repeat(np.arange(1, days), arrivals),
        ]
    )
    count = len(start_day)
    segment = rng.choice(len(SEGMENTS), size=count, p=[kind.share for kind in SEGMENTS])
    plans = np.array([len(kind.plans) for kind in SEGMENTS])[segment]
    baskets = np.array([kind.basket_minor for kind in SEGMENTS])[segment]
    silent_share = np.array([kind.silent_share for kind in SEGMENTS])[segment]
    return Traits(
        segment=segment,
        plan=(rng.random(count) * plans).astype(np.int64),
        start_day=start_day,
        term_days=np.array([kind.term_days for kind in SEGMENTS])[segment],
        rhythm=rng.gamma(RHYTHM_SHAPE, 1 / RHYTHM_SHAPE, count),
        hour=rng.choice(HOURS, size=count, p=HOUR_WEIGHTS),
        basket_minor=baskets * np.exp(rng.normal(0.0, BASKET_SPREAD, count)),
        silent=rng.random(count) < silent_share,
    )
