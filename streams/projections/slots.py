"""A customer's slots during a step: decoded when asked for, all others carried as bytes."""

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from touchstream.schemas.rules import Rules
from touchstream.schemas.units import Millis
from touchstream.streams.projections.registered import Registered
from touchstream.streams.state import Slot

_NOT_DECODED = object()


class Slots:
    """The slots of one customer under way."""

    __slots__ = ("_by_name", "_changed", "_states", "_stored")

    def __init__(self, stored: tuple[Slot, ...], by_name: Mapping[str, Registered]) -> None:
        self._stored = stored
        self._by_name = by_name
        self._states: dict[int, Any] = {}
        self._changed: dict[int, Registered] = {}

    def read(self, name: str) -> Any | None:  # noqa: ANN401 - the reader knows the type it names
        """The state of the projection of that name; None where it is empty."""
        return self.get(self._by_name[name])

    def get(self, registered: Registered) -> Any | None:  # noqa: ANN401
        """The projection's state, decoded at most once."""
        number = registered.slot
        state = self._states.get(number, _NOT_DECODED)
        if state is _NOT_DECODED:
            state = self._states[number] = self._decoded(registered)
        return state

    def _decoded(self, registered: Registered) -> Any | None:  # noqa: ANN401
        for slot in self._stored:
            if slot.number == registered.slot:
                content = slot.content
                return registered.decode(content) if type(content) is Raw else content
        return None

    def put(self, registered: Registered, state: Any | None) -> None:  # noqa: ANN401
        """Keep the projection's state, and ask it for its timer in the end; None empties it."""
        self._states[registered.slot] = state
        self._changed[registered.slot] = registered

    def fired(self, now_ms: Millis) -> set[int]:
        """Numbers of the slots whose timer has passed."""
        return {
            slot.number
            for slot in self._stored
            if slot.next_timer_ms is not None and slot.next_timer_ms <= now_ms
        }

    def stored(self, rules: Rules) -> tuple[Slot, ...]:
        """All of them in the order of their numbers, those that were put with their next timer."""
        changed, states = self._changed, self._states
        kept = [slot for slot in self._stored if slot.number not in changed]
        for number, registered in changed.items():
            state = states[number]
            if state is not None:
                timer_ms = registered.projection.next_timer_ms(state, rules)
                kept.append(Slot(number, timer_ms, state))
        if len(kept) > 1:
            kept.sort(key=_number)
        return tuple(kept)


def _number(slot: Slot) -> int:
    return slot.number
