"""One customer's state as people read it: every field by its name."""

from typing import Any

import msgspec

from touchstream.schemas.envelope import format_time
from touchstream.streams.learn.ledger import MILLION
from touchstream.streams.state import State


def as_json(customer: str, state: State) -> dict[str, Any]:
    """A state by names, times as RFC 3339, without what only the machine needs."""
    fields = _named(state)
    for machinery in ("memory", "last_emitted_contributions", "next_timer"):
        del fields[machinery]
    fields["remembered_ids"] = len(state.memory) // 16
    return {"customer": customer, **fields}


def _named(value: Any) -> Any:  # noqa: ANN401 - walks any field of a state
    if isinstance(value, msgspec.Struct):
        return dict(_field(name, getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, dict):
        return {key: _named(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_named(inner) for inner in value]
    return value.hex() if isinstance(value, bytes) else value


def _field(name: str, value: Any) -> tuple[str, Any]:  # noqa: ANN401
    """``*_ms`` fields that are moments become RFC 3339 under the name without the unit."""
    if name == "millionths":
        return "risk", value / MILLION
    if not name.endswith("_ms"):
        return name, _named(value)
    return name.removesuffix("_ms"), _moments(value)


def _moments(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {key: _moments(inner) for key, inner in value.items()}
    return format_time(value) if isinstance(value, int) else value
