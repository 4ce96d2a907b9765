"""Routing: the rep who owns a customer, and the queue in which their alerts wait."""

from touchstream.schemas.rules import RoutingRules, Rules
from touchstream.schemas.units import Millis
from touchstream.streams.profiles.profile import Profile


def owner_of(profile: Profile) -> str | None:
    """Attribute ``owner``; None without one."""
    return _attribute(profile, "owner") or None


def queue_of(profile: Profile, at_ms: Millis, rules: Rules) -> str:
    """The queue of the first routing that fits, else that of the settings."""
    for routing in rules.routing:
        if _fits(routing, profile, at_ms):
            return routing.queue
    return rules.alerts.queue


def groups_of(profile: Profile, at_ms: Millis) -> dict[str, str]:
    """Segment, region and plan, as a routing names them; empty where not known."""
    return {
        "segment": _attribute(profile, "segment") or "",
        "region": _attribute(profile, "region") or "",
        "plan": _plan(profile, at_ms) or "",
    }


def _fits(routing: RoutingRules, profile: Profile, at_ms: Millis) -> bool:
    wanted = (
        (routing.segment, _attribute(profile, "segment")),
        (routing.region, _attribute(profile, "region")),
        (routing.plan, _plan(profile, at_ms)),
    )
    return all(not values or held in values for values, held in wanted)


def _plan(profile: Profile, at_ms: Millis) -> str | None:
    subscription = profile.subscription
    if subscription is not None and subscription.plan and subscription.running(at_ms):
        return subscription.plan
    return _attribute(profile, "plan")


def _attribute(profile: Profile, name: str) -> str | None:
    fact = profile.attributes.get(name)
    return None if fact is None or fact.value is None else str(fact.value)
