"""The weekly newsletter: delivered, opened, clicked, unsubscribed."""

import numpy as np

from touchstream.simulator.customers import Flags
from touchstream.simulator.event_log import CURRENCY, hours, minutes
from touchstream.simulator.today import Today

WEEKDAY = 1
DAYS_PER_WEEK = 7
DELIVERED_SHARE = 0.97
OPENED_SHARE = 0.45
"""At full interest."""
CLICKED_SHARE = 0.2
UNSUBSCRIBED_SHARE = 0.004
REFUSED_CONSENT_SHARE = 0.5
"""Share of unsubscribers who also withdraw the consent to marketing."""
TO_THE_LEFT_DAYS = 60
"""The newsletter continues for this long after a customer left: it is no sign of life."""


class Mail:
    """The subscribers of the newsletter."""

    def __init__(self, count: int) -> None:
        self._takes_it: Flags = np.ones(count, np.bool_)

    def write(self, today: Today, left_day: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        """Write down the newsletter of the week, on its day."""
        if today.day % DAYS_PER_WEEK != WEEKDAY:
            return
        lately_left = today.latent.left & (today.day - left_day < TO_THE_LEFT_DAYS)
        gets_it = (today.here | lately_left) & self._takes_it
        chance = today.rng.random((4, len(gets_it)))
        delivered = gets_it & (chance[0] < DELIVERED_SHARE)
        opened = today.here & (chance[1] < OPENED_SHARE * today.latent.interest)
        clicked = opened & (chance[2] < CLICKED_SHARE)
        unsubscribed = opened & (chance[3] < UNSUBSCRIBED_SHARE)
        campaign = {"campaign": f"week-{today.day // DAYS_PER_WEEK}"}
        sent_ms = hours(7)
        for index in np.flatnonzero(delivered).tolist():
            name = today.names[index]
            cost = {**campaign, "cost_minor": 1, "currency": CURRENCY}
            today.event_log.note("email.delivered", name, sent_ms, cost)
            if opened[index]:
                read_ms = sent_ms + minutes(today.rng.exponential(240.0))
                self._read(
                    today, index, read_ms, campaign, bool(clicked[index]), bool(unsubscribed[index])
                )

    def _read(
        self,
        today: Today,
        index: int,
        read_ms: int,
        campaign: dict[str, str],
        clicked: bool,
        unsubscribed: bool,
    ) -> None:
        name, event_log = today.names[index], today.event_log
        event_log.note("email.opened", name, read_ms, campaign)
        if clicked:
            event_log.note("email.clicked", name, read_ms + minutes(1), campaign)
        if unsubscribed:
            self._takes_it[index] = False
            event_log.note("email.unsubscribed", name, read_ms + minutes(2), campaign)
            if today.rng.random() < REFUSED_CONSENT_SHARE:
                refusal = {"purpose": "marketing", "granted": False}
                event_log.note("consent.changed", name, read_ms + minutes(3), refusal)
