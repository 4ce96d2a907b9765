"""One customer's state as JSON for people: every field under its name."""

from typing import Any

import msgspec

from touchstream.schemas.envelope import format_time
from touchstream.schemas.units import Millis
from touchstream.streams.intake.memory import remembered
from touchstream.streams.learn.ledger import MILLION
from touchstream.streams.projections.read import described
from touchstream.streams.state import IntakeCounts, State


def as_json(customer: str, state: State, now_ms: Millis | None = None) -> dict[str, Any]:
    """A state by names, times as RFC 3339, without what only the machine needs."""
    profile, erased_ms = state.profile, state.erased_ms
    moment_ms = now_ms or (Millis(0) if profile is None else profile.last_seen_ms)
    return {
        "customer": customer,
        "profile": _named(profile),
        "remembered_ids": remembered(state.memory),
        "intake": msgspec.structs.asdict(state.counts or IntakeCounts()),
        "erased": None if erased_ms is None else format_time(erased_ms),
        **{
            name: dict(_field(*field) for field in fields.items())
            for name, fields in described(state, moment_ms).items()
        },
    }


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
