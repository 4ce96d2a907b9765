"""The law by which customers leave: a known hazard per day, from a state no event shows whole.

The latent state of a customer at the end of a day is

===========  ============  ======================================================================
interest g   0 < g <= 1    fades by ``FADING`` a day while ``fading``, else heals by ``HEALING``
fading       yes or no     begins with the segment's chance, ends with ``RECOVERY`` a day
open k       0..3          unresolved tickets; one a day is resolved with 1-(1-``RESOLUTION``)^k
owed f       0..3          failed payments not made good; one is paid with ``PAYMENT`` a day
price s      0..1          1 on the day a renewal costs more, then forgotten at ``FORGETTING``
relief u     0..1          effect of an accepted treatment, worn off at ``WEARING`` a day
===========  ============  ======================================================================

and with ``t`` days since arrival, the customer leaves on that day with probability

    h = 1 - exp(-exp(eta))
    eta = ln(churn_per_day of the segment)
          + 5.0 (1 - g) + 0.8 k + 0.9 f + 1.2 s + 0.8 exp(-t / 60) - 2.5 u
          + the addition of a planted ``Drift`` from its day on

the complementary log-log link: ``exp(eta)`` is the hazard of the Cox model, so 0.8 for one more
open ticket multiplies it by 2.2. Tickets and failed payments do not depend on interest: a customer
who keeps visiting may be about to leave, and one who fades quietly is known by silence alone.

The order of one day: :func:`evolve`, then :func:`daily_hazard` of the new state, then the draw.
"""

import numpy as np
from msgspec import Struct

from touchstream.simulator.customers import Flags, Floats, Ints, Traits
from touchstream.simulator.drift import NO_DRIFT, Drift

FADING = 0.94  # interest halves in 11 days: slow enough to be seen coming
HEALING = 0.08
RECOVERY = 0.015
RESOLUTION = 0.12
PAYMENT = 0.15
FORGETTING = 0.95
WEARING = 0.98
MOST_OPEN = 3
MOST_OWED = 3

LOST_INTEREST_WEIGHT = 5.0
TICKET_WEIGHT = 0.8
OWED_WEIGHT = 0.9
PRICE_WEIGHT = 1.2
NEW_WEIGHT = 0.8
NEW_DAYS = 60.0
RELIEF_WEIGHT = 2.5

FIRST_FADING_SHARE = 0.08
FIRST_INTEREST = 0.3  # of those who fade when the world begins, the lowest


class Latent(Struct, frozen=True, eq=False):
    """The state of all customers at the end of a day, one array per coordinate."""

    interest: Floats
    fading: Flags
    open_tickets: Ints
    owed: Ints
    price: Floats
    relief: Floats
    left: Flags

    def take(self, chosen: Ints) -> "Latent":
        """The same customers, or the same one many times."""
        return Latent(*(getattr(self, name)[chosen] for name in self.__struct_fields__))


class Happenings(Struct, frozen=True, eq=False):
    """Events of a day, besides the state it led to."""

    ticket_opened: Flags
    ticket_resolved: Flags
    renewed: Flags
    payment_failed: Flags
    repriced: Flags


def first_latent(rng: np.random.Generator, traits: Traits) -> Latent:
    """The state on the eve of the first day: some old customers already fade, none owes."""
    count = len(traits.segment)
    fading = (rng.random(count) < FIRST_FADING_SHARE) & (traits.start_day < 0)
    interest = np.where(fading, rng.uniform(FIRST_INTEREST, 1.0, count), 1.0)
    none = np.zeros(count, np.int64)
    nothing = np.zeros(count)
    return Latent(interest, fading, none, none, nothing, nothing, np.zeros(count, np.bool_))


def present(latent: Latent, traits: Traits, day: int) -> Flags:
    """Customers on ``day``: arrived and not left."""
    return (traits.start_day <= day) & ~latent.left


def evolve(
    latent: Latent, traits: Traits, day: int, rng: np.random.Generator
) -> tuple[Latent, Happenings]:
    """Advance the state of those present by one day; nobody leaves in here.

    Draws the same number of values whoever is present, so that one customer's fate does not shift
    another's.
    """
    here = present(latent, traits, day)
    chance = rng.random((7, len(here)))
    fading = np.where(
        latent.fading, chance[0] >= RECOVERY, chance[0] < traits.per_segment("fading_per_day")
    )
    interest = np.where(
        fading, latent.interest * FADING, latent.interest + (1 - latent.interest) * HEALING
    )
    resolved = here & (chance[1] < 1 - (1 - RESOLUTION) ** latent.open_tickets)
    still_open = latent.open_tickets - resolved
    opened = here & (chance[2] < traits.per_segment("tickets_per_day")) & (still_open < MOST_OPEN)
    renewed = here & renewal_due(traits, day)
    repriced = renewed & (chance[3] < traits.per_segment("repricing"))
    failed = renewed & (chance[4] < traits.per_segment("payment_failure"))
    paid = (latent.owed > 0) & (chance[5] < PAYMENT)
    after = Latent(
        interest=np.where(here, interest, latent.interest),
        fading=np.where(here, fading, latent.fading),
        open_tickets=still_open + opened,
        owed=np.minimum(latent.owed - paid + failed, MOST_OWED),
        price=np.where(repriced, 1.0, latent.price * FORGETTING),
        relief=latent.relief * WEARING,
        left=latent.left,
    )
    return after, Happenings(opened, resolved, renewed, failed, repriced)


def renewal_due(traits: Traits, day: int) -> Flags:
    """Subscriptions that begin a further term on ``day``; on the first, all are handed over."""
    age = day - traits.start_day
    on_term: Flags = age % np.maximum(traits.term_days, 1) == 0
    return on_term & (traits.term_days > 0) & (age > 0) & (day > 0)


def daily_hazard(latent: Latent, traits: Traits, day: int, drift: Drift = NO_DRIFT) -> Floats:
    """P(leaves on ``day`` | present, state of that day), 0..1; see the module for the formula.

    A content customer of ten years leaves as rarely as their segment does, once in 2,500 days:

    >>> import msgspec
    >>> from touchstream.simulator.customers import draw_traits
    >>> traits = draw_traits(np.random.default_rng(0), customers=1, days=1, growth_per_year=0.0)
    >>> streamer = msgspec.structs.replace(
    ...     traits, segment=np.array([0]), start_day=np.array([-3650])
    ... )
    >>> calm = first_latent(np.random.default_rng(0), streamer)
    >>> round(float(daily_hazard(calm, streamer, day=0)[0]), 6)
    0.0004
    """
    age = np.maximum(day - traits.start_day, 0)
    eta = (
        np.log(traits.per_segment("churn_per_day"))
        + LOST_INTEREST_WEIGHT * (1 - latent.interest)
        + TICKET_WEIGHT * latent.open_tickets
        + OWED_WEIGHT * latent.owed
        + PRICE_WEIGHT * latent.price
        + NEW_WEIGHT * np.exp(-age / NEW_DAYS)
        - RELIEF_WEIGHT * latent.relief
        + drift.hazard_on(day)
    )
    hazard: Floats = -np.expm1(-np.exp(eta))
    return hazard
