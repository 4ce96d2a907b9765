"""All projections, in the order in which they process an event: readers after what they read."""

from collections.abc import Mapping, Sequence
from typing import Any

from touchstream.schemas.registry import ACTIVITY_BY_DEFAULT, TOUCHPOINTS
from touchstream.schemas.units import Millis
from touchstream.streams.projections.alerts import Alerts
from touchstream.streams.projections.channel import Channel
from touchstream.streams.projections.churn import Churn
from touchstream.streams.projections.customer_risk import CustomerRisk
from touchstream.streams.projections.decisions import Decisions
from touchstream.streams.projections.engagement import Engagement
from touchstream.streams.projections.measures import Measures
from touchstream.streams.projections.projection import Projection
from touchstream.streams.projections.registered import Registered
from touchstream.streams.projections.relation import Relation
from touchstream.streams.projections.returning import Returning
from touchstream.streams.projections.slots import Slots
from touchstream.streams.projections.targets import Targets
from touchstream.streams.state import State

PROJECTIONS: tuple[Projection[Any], ...] = (
    Relation(),
    Churn(),
    Returning(),
    Targets(),
    Decisions(),
    Engagement(),
    Channel(),
    Measures(),
    CustomerRisk(),
    Alerts(),
)


class RegistryError(ValueError):
    """Duplicate names or slots, or a projection that precedes one that it reads."""


def checked(projections: Sequence[Projection[Any]]) -> tuple[Registered, ...]:
    """The projections ready for use; raises :class:`RegistryError`."""
    seen: set[str] = set()
    slots: set[int] = set()
    for one in projections:
        if one.name in seen or one.slot in slots:
            raise RegistryError(f"projection {one.name}: its name or slot {one.slot} is taken")
        # Only earlier ones count, which rules out cycles.
        unknown = set(one.reads) - seen
        if unknown:
            raise RegistryError(
                f"projection {one.name} reads {', '.join(sorted(unknown))}: list it after these, "
                "so that reading is acyclic"
            )
        seen.add(one.name)
        slots.add(one.slot)
    return tuple(Registered(one) for one in projections)


REGISTERED = checked(PROJECTIONS)
BY_NAME: Mapping[str, Registered] = {one.name: one for one in REGISTERED}
NUMBERS = frozenset(one.slot for one in REGISTERED)
"""Slots that this build can read; others are kept as they are and wake nobody."""
LISTENERS: Mapping[str, tuple[Registered, ...]] = {
    kind: tuple(one for one in REGISTERED if kind in one.projection.listens_to)
    for kind in TOUCHPOINTS
}
"""Built-in event type -> the projections that listen to it."""
OWN_LISTENERS: Mapping[bool, tuple[Registered, ...]] = {
    by_customer: tuple(one for one in REGISTERED if one.projection.listens_to >= whole)
    for by_customer, whole in ((True, frozenset(ACTIVITY_BY_DEFAULT)), (False, TOUCHPOINTS.keys()))
}
"""Whether an own type is by the customer -> the projections that listen to it: those that listen to
everything, and to own types by the customer those that listen to all activity."""
SCORED = tuple(one for one in REGISTERED if one.scored is not None)
DECIDED = tuple(one for one in REGISTERED if one.decided is not None)
CONCLUDING = tuple(
    (one, frozenset(BY_NAME[name].slot for name in one.projection.reads))
    for one in REGISTERED
    if one.concluding is not None
)
"""Projections that look at the finished step, each with the slots that it reads."""


def slots_of(state: State) -> Slots:
    """A customer's slots, decoded on demand."""
    return Slots(state.slots, BY_NAME)


def last_recommended(slots: Slots) -> Mapping[str, Millis]:
    """Action -> when it was last recommended to this customer."""
    state = slots.read(Decisions.name)
    return {} if state is None else state.recommended_ms
