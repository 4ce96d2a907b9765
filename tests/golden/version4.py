"""A state as version 4 named it: churn kept the snapshot day, and there was no relation."""

from typing import Any

from tests.golden.core import named
from touchstream.streams.state import State


def as_version_4(state: State) -> dict[str, Any]:
    """The fields that are not at their defaults, without the timers of the slots.

    A relation that says more than the snapshot day is left in: version 4 knew of none.
    """
    whole = named(state)
    whole.pop("timers", None)
    slots = whole.get("slots", {})
    relation = slots.pop("relation", None)
    if relation is not None:
        slots.setdefault("churn", {})["snapshot_due_ms"] = relation.pop("snapshot_due_ms")
    decisions = slots.get("decisions", {})  # what is more in it is newer
    for name in decisions.keys() - {"recommended_ms"}:
        del decisions[name]
    if relation:
        slots["relation"] = relation
    return whole
