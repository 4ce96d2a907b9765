"""A customer's slots during a step: decoded when asked for, all others carried as bytes."""

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from touchstream.schemas.units import Millis
from touchstream.streams.projections.registered import Registered
from touchstream.streams.state import Slot


class Slots:
    """The slots of one customer under way."""

    __slots__ = ("_by_name", "_held")

    def __init__(self, stored: tuple[Slot, ...], by_name: Mapping[str, Registered]) -> None:
        self._held = {slot.number: slot for slot in stored}
        self._by_name = by_name

    def read(self, name: str) -> Any | None:  # noqa: ANN401 - the reader knows the type it names
        """The state of the projection of that name; None where it is empty."""
        return self.get(self._by_name[name])

    def get(self, registered: Registered) -> Any | None:  # noqa: ANN401
        """The projection's state, decoded at most once."""
        slot = self._held.get(registered.slot)
        if slot is None:
            return None
        content = slot.content
        if type(content) is not Raw:
            return content
        state = registered.decode(content)
        self._held[slot.number] = Slot(slot.number, slot.next_timer_ms, state)
        return state

    def put(self, registered: Registered, state: Any | None, timer_ms: Millis | None) -> None:  # noqa: ANN401
        """Keep the projection's state; None empties its slot."""
        if state is None:
            self._held.pop(registered.slot, None)
        else:
            self._held[registered.slot] = Slot(registered.slot, timer_ms, state)

    def timers_until(self, now_ms: Millis) -> set[int]:
        """Numbers of the slots whose timer has passed."""
        return {
            number
            for number, slot in self._held.items()
            if slot.next_timer_ms is not None and slot.next_timer_ms <= now_ms
        }

    def earliest_timer(self) -> Millis | None:
        """When the first of them wants to be woken."""
        timers = [s.next_timer_ms for s in self._held.values() if s.next_timer_ms is not None]
        return min(timers) if timers else None

    def stored(self) -> tuple[Slot, ...]:
        """All of them in the order of their numbers."""
        held = self._held
        return tuple([held[number] for number in sorted(held)])
