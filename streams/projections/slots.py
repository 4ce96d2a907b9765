"""A customer's slots during a step: decoded on demand, otherwise carried as bytes."""

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from touchstream.schemas.rules import Rules
from touchstream.schemas.units import Millis
from touchstream.streams.projections.registered import Registered
from touchstream.streams.state import Slot


class Slots:
    """The slots of one customer during a step."""

    __slots__ = ("_by_name", "_changed", "_held", "_states")

    def __init__(self, stored: tuple[Slot, ...], by_name: Mapping[str, Registered]) -> None:
        self._held = {slot.number: slot for slot in stored}
        self._by_name = by_name
        self._states: dict[int, Any] = {}
        self._changed: dict[int, Registered] = {}

    def read(self, name: str) -> Any | None:  # noqa: ANN401 - the reader knows the type it names
        """The state of the projection of that name; None if empty."""
        return self.get(self._by_name[name])

    def get(self, registered: Registered) -> Any | None:  # noqa: ANN401
        """The projection's state, decoded at most once."""
        number = registered.slot
        if number in self._states:
            return self._states[number]
        slot = self._held.get(number)
        if slot is None:
            return None
        content = slot.content
        state = registered.decode(content) if type(content) is Raw else content
        self._states[number] = state
        return state

    def before(self, name: str) -> Any | None:  # noqa: ANN401 - like ``read``
        """The state with which the step began; None if it was empty."""
        registered = self._by_name[name]
        slot = self._held.get(registered.slot)
        if slot is None:
            return None
        return registered.decode(slot.content) if type(slot.content) is Raw else slot.content

    def put(self, registered: Registered, state: Any | None) -> None:  # noqa: ANN401
        """Set the projection's state; its timer is computed at the end. None empties the slot."""
        self._states[registered.slot] = state
        self._changed[registered.slot] = registered

    def wrote_any(self, numbers: frozenset[int]) -> bool:
        """Whether one of these slots was set in this step."""
        return not numbers.isdisjoint(self._changed)

    def fired(self, now_ms: Millis) -> set[int]:
        """Numbers of the slots whose timers have passed."""
        return {
            number
            for number, slot in self._held.items()
            if slot.next_timer_ms is not None and slot.next_timer_ms <= now_ms
        }

    def stored(self, rules: Rules) -> tuple[Slot, ...]:
        """All slots in the order of their numbers; changed ones with their next timer."""
        held, grown = self._held, False
        # Timers of unchanged slots are still valid.
        for number, registered in self._changed.items():
            state = self._states[number]
            if state is None:
                held.pop(number, None)
            else:
                grown = grown or number not in held
                held[number] = Slot(number, registered.next_timer_ms(state, rules), state)
        if grown:  # a new slot was appended, whatever its number
            return tuple([held[number] for number in sorted(held)])
        return tuple(held.values())
