"""One day of the world as the chapters of its story see it."""

from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from touchstream.schemas.units import DAY_MS, HOUR_MS
from touchstream.simulator.customers import Flags, Floats, Ints, Traits
from touchstream.simulator.event_log import EventLog
from touchstream.simulator.hazard import Happenings, Latent

HOURS_AROUND_FAVOURITE = 2.5
"""Standard deviation of the hour at which a customer does something."""

TICKET_ON_MOOD = 0.2
DEBT_ON_MOOD = 0.15
PRICE_ON_MOOD = 0.3


class Today(Struct, frozen=True, eq=False):
    """The state at the end of the day, its events, and the log to write them to."""

    day: int
    names: list[str]
    traits: Traits
    latent: Latent
    happenings: Happenings
    here: Flags
    """Customers when the day began."""
    rng: np.random.Generator
    event_log: EventLog
    activity: float = 1.0
    """Factor of the rates of all habits."""

    def moments(self, who: Ints) -> Ints:
        """Moment of each one's activity today: ms since midnight, around their favourite hour."""
        hour = self.traits.hour[who] + self.rng.normal(0.0, HOURS_AROUND_FAVOURITE, len(who))
        moments: Ints = (hour % 24 * HOUR_MS).astype(np.int64) % DAY_MS
        return moments

    def mood(self) -> Floats:
        """Each one's rating of us today, 0..1; surveys and reviews show it with noise."""
        latent = self.latent
        blame = (
            TICKET_ON_MOOD * latent.open_tickets
            + DEBT_ON_MOOD * latent.owed
            + PRICE_ON_MOOD * latent.price
        )
        mood: Floats = np.clip(0.25 + 0.75 * latent.interest - blame, 0.0, 1.0)
        return mood

    def some(self, chance: float | NDArray[np.floating[Any]]) -> Ints:
        """Customers of today to whom something of this probability happens."""
        drawn: Ints = np.flatnonzero(self.here & (self.rng.random(len(self.here)) < chance))
        return drawn
