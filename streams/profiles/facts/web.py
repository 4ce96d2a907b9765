"""Views of prices and of how to leave."""

from touchstream.schemas.touchpoints.web import WebFormSubmitted, WebVisit
from touchstream.schemas.units import Millis
from touchstream.streams.profiles.decay import add_lately
from touchstream.streams.profiles.facts.facts import Changes, Facts
from touchstream.streams.profiles.leaving import is_leaving
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.profiles.recent import noted


def _visited(profile: Profile, at_ms: Millis, data: WebVisit) -> Changes:
    return _leaving(profile, at_ms, data.page, data.search or "")


def _filled_in(profile: Profile, at_ms: Millis, data: WebFormSubmitted) -> Changes:
    return _leaving(profile, at_ms, data.form)


def _leaving(profile: Profile, at_ms: Millis, *texts: str) -> Changes:
    if any(map(is_leaving, texts)):
        return {
            "leaving": add_lately(profile.leaving, at_ms),
            "recent": noted(profile.recent, "leaving", at_ms),
        }
    return {}


FACTS: Facts = {
    WebVisit: _visited,
    WebFormSubmitted: _filled_in,
}
