"""Tables from the type of an event's data to its changes of the profile, one per module."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from touchstream.schemas.units import Millis
from touchstream.streams.profiles.profile import Answer, Fact, Profile

Changes = dict[str, Any]
"""Field of a profile -> its new value."""
Facts = Mapping[type, Callable[[Profile, Millis, Any], Changes]]
"""Type of an event's data -> its changes, given the profile before and the event's time."""
T = TypeVar("T", Answer, Fact)


def newest(held: Mapping[str, T], name: str, fact: T, bound: int) -> dict[str, T]:
    """A copy with one more fact; see :func:`settle`."""
    after = dict(held)
    settle(after, name, fact, bound)
    return after


def settle(held: dict[str, T], name: str, fact: T, bound: int) -> None:
    """Keep the newer fact by event time; beyond the bound, drop the oldest.

    Of two facts of the same moment the smaller text wins, whatever their order of arrival. So a
    refusal beats a consent; many systems stamp both with the day alone.
    """
    old = held.get(name)
    if old is not None and _holds(old, fact):
        return
    held[name] = fact
    if len(held) > bound:
        del held[min(held, key=lambda key: (held[key].at_ms, key))]


def _holds(old: T, fact: T) -> bool:
    if old.at_ms == fact.at_ms:
        return str(old) <= str(fact)
    return old.at_ms > fact.at_ms
