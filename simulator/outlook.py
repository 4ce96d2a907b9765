"""The next weeks of customers whose state is given: departures, and churn labels.

The label of the ledger (docs/models.md) is not the same as leaving. Customers with a subscription
are labelled when they cancel, so silent departures are not. Customers without one are labelled when
they give no sign of life: quiet customers are, and those who leave in the third week after activity
in the second are not.
"""

from typing import NamedTuple

import numpy as np

from touchstream.simulator.customers import Floats, Traits
from touchstream.simulator.drift import Drift
from touchstream.simulator.habits import CALLS_PER_OPEN_TICKET, INBOUND_SHARE
from touchstream.simulator.hazard import Latent, daily_hazard, evolve
from touchstream.simulator.mail import DAYS_PER_WEEK, DELIVERED_SHARE, OPENED_SHARE, WEEKDAY
from touchstream.simulator.retention_team import REPLY_SHARE
from touchstream.simulator.segments import SEGMENTS

CALLS = "call.ended"
SIGNS = frozenset(
    {
        "content.streamed",
        "web.visit",
        "web.form_submitted",
        "event.attended",
        "store.visited",
        "cart.abandoned",
        "order.placed",
        "review.posted",
        "social.mentioned",
    }
)
"""Habits that fade with interest."""

SIGN_RATES = np.array([sum(kind.habits.get(sign, 0.0) for sign in SIGNS) for kind in SEGMENTS])
CALL_RATES = np.array([kind.habits.get(CALLS, 0.0) for kind in SEGMENTS])
BY_CUSTOMER_SHARE = 0.5
"""Share of the replies to a ticket."""


class Outlook(NamedTuple):
    """Two probabilities of a customer, 0..1."""

    leaves: float
    """P(leaves within the horizon)."""
    labelled: float
    """P(the ledger's label is 1)."""


def draw_outlooks(
    latent: Latent,
    traits: Traits,
    silent: Floats,
    today: int,
    horizon_days: int,
    rng: np.random.Generator,
    drift: Drift,
) -> tuple[Floats, Floats]:
    r"""Draw one future for each of ``n`` customers, nobody leaving, and weigh the departures.

    ``latent`` is the state at the end of the day before ``today``; ``silent`` (0..1, shape n) is
    the probability that a departure is silent. Along the future with hazards
    :math:`h_d` and signs of life expected :math:`a_d`, for a customer without a subscription

    .. math:: P(label) = \sum_d h_d e^{-a_d / 2} \prod_{c<d} (1 - h_c) e^{-a_c}
              + \prod_d (1 - h_d) e^{-a_d}

    (departures fall in the middle of a day); for one with, P(leaves) (1 - silent). Returns
    P(leaves) and P(label), shape n; their means over many futures are an :class:`Outlook`.
    """
    staying, quiet, faded = np.ones(len(silent)), np.ones(len(silent)), np.zeros(len(silent))
    for day in range(today, today + horizon_days):
        latent, _ = evolve(latent, traits, day, rng)
        hazard = daily_hazard(latent, traits, day, drift)
        signs = signs_of_life(latent, traits, day, drift)
        faded += staying * hazard * quiet * np.exp(-signs / 2)
        staying *= 1 - hazard
        quiet *= np.exp(-signs)
    subscribed = traits.term_days > 0
    labelled = np.where(subscribed, (1 - staying) * (1 - silent), faded + staying * quiet)
    return 1 - staying, labelled


def signs_of_life(latent: Latent, traits: Traits, day: int, drift: Drift) -> Floats:
    """Expected signs of life of each customer on ``day``, without renewals and surveys."""
    busy = traits.rhythm * drift.activity_on(day)
    signs = SIGN_RATES[traits.segment] * busy * latent.interest
    calls = CALL_RATES[traits.segment] * busy * (1 + CALLS_PER_OPEN_TICKET * latent.open_tickets)
    tickets = traits.per_segment("tickets_per_day")
    replies = REPLY_SHARE * BY_CUSTOMER_SHARE * (latent.open_tickets > 0)
    expected: Floats = signs + INBOUND_SHARE * calls + tickets + replies
    if day % DAYS_PER_WEEK == WEEKDAY:
        expected = expected + DELIVERED_SHARE * OPENED_SHARE * latent.interest
    return expected
