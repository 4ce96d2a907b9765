"""The true probability of leaving, given the latent state."""

import msgspec
import numpy as np

from touchstream.simulator.customers import Floats, Ints, Traits
from touchstream.simulator.drift import NO_DRIFT, Drift
from touchstream.simulator.hazard import Latent, daily_hazard, evolve
from touchstream.simulator.treatments import MOST_RELIEF, Treatment


def churn_probabilities(
    latent: Latent,
    traits: Traits,
    who: Ints,
    today: int,
    horizon_days: int,
    paths: int,
    rng: np.random.Generator,
    drift: Drift = NO_DRIFT,
) -> Floats:
    """P(leaves within ``horizon_days`` from ``today`` on | latent state then), for each in ``who``.

    ``latent`` is the state at the end of the day before ``today``. The state's future is drawn
    ``paths`` times by the world's own law, without anybody leaving, and along each the chance of
    leaving is exact:

        P = 1 - E[ prod over the days d of (1 - h_d) ]

    which has far less variance than counting who leaves (Rao-Blackwell). Measured over 3,600
    customers and 28 days, 64 paths differ from 512 by 0.0075 (root mean square), 0.07 at most.
    Cost: about 0.2 us for each of ``len(who) * paths * horizon_days``.
    """
    clones = np.repeat(who, paths)
    state, those = latent.take(clones), traits.take(clones)
    staying = np.ones(len(clones))
    for day in range(today, today + horizon_days):
        state, _ = evolve(state, those, day, rng)
        staying *= 1 - daily_hazard(state, those, day, drift)
    leaving: Floats = 1 - staying.reshape(len(who), paths).mean(axis=1)
    return leaving


def relieved(latent: Latent, who: Ints, treatment: Treatment) -> Latent:
    """The state if each of ``who`` accepts the treatment now."""
    relief, open_tickets = latent.relief.copy(), latent.open_tickets.copy()
    relief[who] = np.minimum(relief[who] + treatment.relief, MOST_RELIEF)
    if treatment.solves_tickets:
        open_tickets[who] = 0
    return msgspec.structs.replace(latent, relief=relief, open_tickets=open_tickets)
