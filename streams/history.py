"""A customer's history: their applied events in the log."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from touchstream.schemas.envelope import Event
from touchstream.schemas.units import Millis
from touchstream.streams.context import ServingContext
from touchstream.streams.customer import advance
from touchstream.streams.intake.decode import Arrival
from touchstream.streams.learn.ledger import is_activity
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.projection import TimerFired
from touchstream.streams.state import State


class Heard(NamedTuple):
    """A touchpoint of the customer as read from the log."""

    arrival: Arrival
    received_ms: Millis


class Past(NamedTuple):
    """An applied event."""

    event: Event
    active: bool
    """It was a sign of life."""


class History(NamedTuple):
    """A customer's applied events, in order of arrival."""

    events: Sequence[Past]
    profile: Profile | None
    """The profile folded from them."""


def relive(log: Iterable[Heard | TimerFired], models: ServingContext) -> History:
    """Replay a customer's log, step by step as the workers did.

    ``log`` holds the customer's touchpoints and every tick of their partition, in order. Today's
    rules apply, because earlier ones are not kept.
    """
    state: State | None = None
    events: list[Past] = []
    then = models._replace(watermark_ms=None)
    for happening in log:
        if isinstance(happening, TimerFired):
            # As in ``adopt``: the watermark never goes back.
            watermark_ms = max(happening.time_ms, then.watermark_ms or happening.time_ms)
            then = then._replace(watermark_ms=watermark_ms)
            if state is not None and _is_due(state, watermark_ms):
                state = advance(
                    state, happening._replace(time_ms=watermark_ms), then, watermark_ms
                ).state
            continue
        event = happening.arrival.event
        step = advance(state, happening.arrival, then, happening.received_ms)
        state = step.state
        # The stored profile starts over at an erasure, so the history must too.
        if "erased" in step.counters:
            events.clear()
        elif "applied" in step.counters:
            active = is_activity(event, event.by_customer, models.rules.churn)
            events.append(Past(event, active))
    return History(events, None if state is None else state.profile)


def _is_due(state: State, watermark_ms: Millis) -> bool:
    return state.next_timer_ms is not None and state.next_timer_ms <= watermark_ms
