"""The newest call, and the friction of transfers and waiting."""

from touchstream.schemas.touchpoints.calls import CallEnded
from touchstream.schemas.units import Millis
from touchstream.streams.profiles.facts.facts import Changes, Facts
from touchstream.streams.profiles.facts.friction import rubbed
from touchstream.streams.profiles.profile import BOUNDS, Call, Profile
from touchstream.streams.profiles.recent import noted


def _called(profile: Profile, at_ms: Millis, data: CallEnded) -> Changes:
    longest, transfers = BOUNDS.call_s, data.transfers or 0
    wait_s = min((data.queue_s or 0) + (data.hold_s or 0), longest)
    changes: Changes = {"recent": noted(profile.recent, "call", at_ms)}
    call = Call(at_ms, int(min(data.duration_s, longest)), int(wait_s), transfers)
    if profile.call is None or _when(call) >= _when(profile.call):
        changes["call"] = call
    if wait_s or transfers:
        changes |= rubbed(profile, at_ms, transfers=float(transfers), wait_s=float(wait_s))
    return changes


def _when(call: Call) -> tuple[Millis, int, int, int]:
    """Sort key that also orders calls of the same moment."""
    return call.at_ms, call.duration_s, call.wait_s, call.transfers


FACTS: Facts = {
    CallEnded: _called,
}
