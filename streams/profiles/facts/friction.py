"""Friction in service: reopened tickets, call transfers, waiting."""

from touchstream.schemas.units import Millis
from touchstream.streams.profiles.decay import remaining
from touchstream.streams.profiles.facts.facts import Changes
from touchstream.streams.profiles.profile import Friction, Profile


def rubbed(
    profile: Profile,
    at_ms: Millis,
    reopened: float = 0.0,
    transfers: float = 0.0,
    wait_s: float = 0.0,
) -> Changes:
    """Add to the friction, in or out of order."""
    held = profile.friction or Friction(at_ms)
    # Both are decayed to the newest, so that the order of arrival does not matter.
    newest_ms = max(held.at_ms, at_ms)
    kept, new = remaining(newest_ms - held.at_ms), remaining(newest_ms - at_ms)
    return {
        "friction": Friction(
            newest_ms,
            held.reopened * kept + reopened * new,
            held.transfers * kept + transfers * new,
            held.wait_s * kept + wait_s * new,
        )
    }
