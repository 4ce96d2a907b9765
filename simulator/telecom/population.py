"""Who the customers of a telecom are: constant traits, drawn once."""

import numpy as np
from msgspec import Struct

from touchstream.simulator.customers import HOUR_WEIGHTS, HOURS, OLDEST_DAYS, Flags, Floats, Ints
from touchstream.simulator.telecom.law import EXPIRED_SHARE, STATES, at_rest
from touchstream.simulator.telecom.operator import RHYTHMS, SEGMENTS, Operator

TERMS_DAYS = (30, 90, 360)
TERM_SHARES = (0.5, 0.2, 0.3)
PLANS = (("mobile_s", 990), ("mobile_l", 1_990), ("fibre", 2_990))
"""(name, price of 30 days in minor units); the same in every segment, so no plan tells a cause."""


class Cast(Struct, frozen=True, eq=False):
    """One array per trait, one entry per customer, those of later days included."""

    segment: Ints
    """Index into ``SEGMENTS``."""
    contract: Flags
    start_day: Ints
    """Day of arrival; negative before the first day."""
    term_days: Ints
    """0: prepaid."""
    plan: Ints
    """Index into ``PLANS``."""
    rhythm: Ints
    """Index into ``RHYTHMS``."""
    hour: Floats
    """Favourite hour of the day, UTC."""
    expires: Flags
    """Will let the term end instead of cancelling."""
    first_state: Ints
    """State on the eve of the first day, or of the arrival."""


def draw_customers(rng: np.random.Generator, operator: Operator) -> Cast:
    """Draw everybody; those of later days arrive at constant speed over the whole time."""
    count = operator.customers
    newcomers = round(count * operator.newcomers)
    start_day = np.concatenate(
        [
            -rng.integers(1, OLDEST_DAYS, count - newcomers),
            np.sort(rng.integers(1, operator.days, newcomers)),
        ]
    )
    segment = rng.choice(len(SEGMENTS), size=count, p=[kind.share for kind in SEGMENTS])
    contract = np.array([kind.contract for kind in SEGMENTS])[segment]
    return Cast(
        segment=segment,
        contract=contract,
        start_day=start_day,
        term_days=np.where(contract, rng.choice(TERMS_DAYS, size=count, p=TERM_SHARES), 0),
        plan=rng.integers(0, len(PLANS), count),
        rhythm=rng.integers(0, len(RHYTHMS), count),
        hour=rng.choice(HOURS, size=count, p=HOUR_WEIGHTS),
        expires=contract & (rng.random(count) < EXPIRED_SHARE),
        first_state=_first_states(rng, operator, segment, start_day),
    )


def _first_states(
    rng: np.random.Generator, operator: Operator, segment: Ints, start_day: Ints
) -> Ints:
    """Old customers may be in trouble already, new ones never are."""
    upto = np.array([at_rest(operator, kind).cumsum() for kind in SEGMENTS])[segment]
    drawn = (rng.random((len(segment), 1)) > upto).sum(axis=1)
    states: Ints = np.where(start_day < 0, np.minimum(drawn, STATES - 1), 0)
    return states
