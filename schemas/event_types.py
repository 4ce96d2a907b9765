"""Event types of one deployment (``[[event_types]]``): their rules, and their registry entries.

An own type is decoded, counted and documented like a built-in one. It changes no facts of the
profile beyond the count of its family, and none of its fields is read (docs/own-event-types.md).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct

from touchstream.schemas.registry import (
    INTERNAL_PREFIX,
    TOUCHPOINTS,
    Family,
    OwnData,
    TouchpointType,
    by_customer,
    by_us,
)
from touchstream.schemas.touchpoints.fields import LARGEST_EXACT_INT, FreeText

FieldType = Literal["string", "integer", "number", "boolean", "date", "time"]
"""``time`` is RFC 3339 with an offset, ``date`` a day such as 2026-03-05."""

MOST_TYPES = 100
"""Each is a value of the dimension ``type`` of the metric ``events``."""
MOST_FIELDS = 64

Line = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"^[^\n\r|]*\Z")]
"""A text that fits a cell of the event dictionary."""

Bound = Annotated[float, Meta(ge=-LARGEST_EXACT_INT, le=LARGEST_EXACT_INT)]

_COMPILED = 64
"""Configurations held compiled; a process needs one or two at a time."""


class FieldRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field of the data of an own type."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}\Z")]
    type: FieldType
    required: bool = False
    unit: Line | None = None
    """For readers of the schema and the dictionary: kWh, minutes, minor units."""
    description: Line | None = None
    minimum: Bound | None = None
    maximum: Bound | None = None
    values: Annotated[tuple[Line, ...], Meta(max_length=256)] = ()
    """The only texts allowed; empty: any."""

    def __post_init__(self) -> None:
        bounds = {"minimum": self.minimum, "maximum": self.maximum}
        given = {name: bound for name, bound in bounds.items() if bound is not None}
        for name, bound in given.items():
            if self.type not in ("integer", "number"):
                raise ValueError(f"{name}: want it for integer and number, not for {self.type}")
            if self.type == "integer" and bound % 1:
                raise ValueError(f"{name}: want a whole number for an integer, not {bound}")
        if len(given) == len(bounds) and given["minimum"] > given["maximum"]:
            raise ValueError("minimum: want it not above maximum")
        if self.values and self.type != "string":
            raise ValueError(f"values: want them for string, not for {self.type}")
        if len(set(self.values)) < len(self.values):
            raise ValueError("values: want distinct ones")


class EventTypeRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One own event type."""

    name: Annotated[
        str, Meta(max_length=128, pattern=r"^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*\Z")
    ]
    """The CloudEvents type."""
    family: Family
    by_customer: bool
    """True if the customer does it: then it is activity, unless ``churn.activity`` is changed."""
    description: Line | None = None
    fields: Annotated[tuple[FieldRules, ...], Meta(max_length=MOST_FIELDS)] = ()

    def __post_init__(self) -> None:
        taken = reservation(self.name)
        if taken is not None:
            raise ValueError(f"event_types.name: {self.name!r} {taken}")
        names = [field.name for field in self.fields]
        if len(set(names)) < len(names):
            raise ValueError("event_types.fields: want distinct names")


OwnTypes = Mapping[str, TouchpointType]
"""Own types by name; none of them is built in."""

NO_OWN_TYPES: OwnTypes = MappingProxyType({})


def reservation(name: str) -> str | None:
    """Why an own type may not have this name; None if it may."""
    # The emissions import the rules, so at import time this would be a circle.
    from touchstream.schemas.emissions.registry import EMITTED  # noqa: PLC0415

    if name.startswith(INTERNAL_PREFIX):
        return f"is reserved: {INTERNAL_PREFIX}* is written by touchstream alone"
    if name in TOUCHPOINTS:
        return "is built in; see docs/events.md"
    return "is emitted by touchstream; see docs/events.md" if name in EMITTED else None


@lru_cache(_COMPILED)
def own_types(event_types: tuple[EventTypeRules, ...]) -> OwnTypes:
    """Make the registry's entries, once for each configuration.

    >>> kwh = FieldRules(name="kwh", type="integer", required=True, minimum=0)
    >>> kind = EventTypeRules(name="meter.read", family="web", by_customer=True, fields=(kwh,))
    >>> msgspec.convert({"kwh": 7}, own_types((kind,))["meter.read"].data)
    MeterRead(kwh=7)
    """
    return MappingProxyType({each.name: _compiled(each) for each in event_types})


def known_types(event_types: Iterable[EventTypeRules]) -> tuple[str, ...]:
    """The names of all types: the built-in ones, then these."""
    return (*TOUCHPOINTS, *(each.name for each in event_types))


def own_example(kind: EventTypeRules) -> dict[str, Any]:
    """A whole CloudEvent of the type, with every field."""
    return {
        "specversion": "1.0",
        "id": f"{kind.name}-1",
        "source": "https://producer.example",
        "type": kind.name,
        "subject": "customer-1",
        "time": "2026-03-05T09:30:00Z",
        "data": {field.name: _example(field) for field in kind.fields},
    }


def _compiled(kind: EventTypeRules) -> TouchpointType:
    data = msgspec.defstruct(
        "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", kind.name)),
        [*_struct_fields(kind)],
        bases=(OwnData,),
        module=__name__,
        namespace={"__doc__": kind.description or "An event type of this deployment."},
        frozen=True,
        kw_only=True,
        gc=False,
    )
    whose = by_customer if kind.by_customer else by_us
    return TouchpointType(kind.name, cast("type[OwnData]", data), kind.family, whose)


def _struct_fields(kind: EventTypeRules) -> Iterator[tuple[str, Any] | tuple[str, Any, None]]:
    for field in kind.fields:
        note = Meta(
            description=_description(field),
            extra_json_schema=None if field.unit is None else {"x-unit": field.unit},
        )
        allowed = _python_type(field)
        if field.required:
            yield (field.name, Annotated[allowed, note])
        else:
            yield (field.name, Annotated[allowed | None, note], None)


def _description(field: FieldRules) -> str:
    unit = None if field.unit is None else f"Unit: {field.unit}."
    return " ".join(filter(None, (field.description, unit))) or "Not described."


def _python_type(field: FieldRules) -> Any:  # noqa: ANN401 - a type expression
    if field.values:
        return Literal[field.values]
    if field.type == "integer":
        low, high = _bounds(field, LARGEST_EXACT_INT)
        return Annotated[int, Meta(ge=int(low), le=int(high))]
    if field.type == "number":
        return Annotated[float, Meta(ge=field.minimum, le=field.maximum)]
    return _SIMPLE[field.type]


_SIMPLE: Mapping[FieldType, Any] = {
    "string": FreeText,
    "boolean": bool,
    "date": date,
    "time": Annotated[datetime, Meta(tz=True)],
}


def _bounds(field: FieldRules, largest: float) -> tuple[float, float]:
    low = -largest if field.minimum is None else field.minimum
    return low, largest if field.maximum is None else field.maximum


def _example(field: FieldRules) -> object:
    """A value that the field takes."""
    if field.values:
        return field.values[0]
    if field.type in ("integer", "number"):
        low, high = _bounds(field, LARGEST_EXACT_INT)
        value = min(max(1.0, low), high)
        return int(value) if field.type == "integer" else value
    return _EXAMPLES[field.type]


_EXAMPLES: Mapping[FieldType, object] = {
    "string": "text",
    "boolean": True,
    "date": "2026-03-05",
    "time": "2026-03-05T09:30:00Z",
}
