"""When a destination that only fails is switched off."""

from typing import Literal, TypeAlias

from msgspec import Struct

from touchstream.agents.channels.attempts import DELAYS_MS
from touchstream.agents.channels.message import Delivery
from touchstream.schemas.units import DAY_MS, Millis

PATIENCE_MS = 5 * DAY_MS
"""Of failures alone; longer than a weekend and all attempts of one message."""
LEAST_FAILURES = len(DELAYS_MS)
"""Two failures a week apart say nothing; these are as many as one message's attempts."""

Disabled: TypeAlias = Literal["gone", "failing"]


class EndpointHealth(Struct, frozen=True):
    """Of one destination: a channel, or a channel and an address. Data, for a store to keep.

    A new one switches the destination on again.
    """

    failures: int = 0
    """Since the last delivery."""
    failing_since_ms: Millis | None = None
    """When the first of them was."""
    disabled: Disabled | None = None
    """Why nothing is sent there; the change from None is when the owner is told."""
    disabled_ms: Millis | None = None

    def after(self, delivery: Delivery, now_ms: Millis) -> "EndpointHealth":
        """Return the health after one more attempt."""
        if delivery.well:
            return EndpointHealth()
        since_ms = now_ms if self.failing_since_ms is None else self.failing_since_ms
        failures = self.failures + 1
        reason = self.disabled or _disabled(delivery, failures, now_ms - since_ms)
        at_ms = None if reason is None else self.disabled_ms or now_ms
        return EndpointHealth(failures, since_ms, reason, at_ms)


def _disabled(delivery: Delivery, failures: int, failing_ms: int) -> Disabled | None:
    if delivery.status == "gone":
        return "gone"
    long = failing_ms >= PATIENCE_MS and failures >= LEAST_FAILURES
    return "failing" if long else None
