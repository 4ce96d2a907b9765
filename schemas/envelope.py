"""The CloudEvents envelope: a decoded touchpoint, its moment in RFC 3339, its data by type."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Literal

import msgspec
from msgspec import Struct

from touchstream.schemas.registry import TOUCHPOINTS, EventData, Family, TouchpointType
from touchstream.schemas.touchpoints.fields import LARGEST_EXACT_INT
from touchstream.schemas.units import CustomerId, Millis

SPECVERSION: Literal["1.0"] = "1.0"
JSON_TYPE: Literal["application/json"] = "application/json"

OWN_SOURCE: Literal["touchstream"] = "touchstream"
"""The ``source`` of everything that touchstream itself writes."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_IN_UTC = datetime(1970, 1, 1)
"""Without the zone, which is written as Z."""
_MILLISECOND = timedelta(milliseconds=1)
_EARLIEST_MS = -62_135_596_800_000  # 0001-01-01T00:00:00Z
_LATEST_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)"
    r"(?:\.[0-9]+)?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_SECOND = slice(17, 19)

# Almost every moment is written in one of two forms, with the hour of many others.
_HOUR = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3])")
_REMEMBERED_HOURS = 4_096
_SECONDS_MS = {f":{at // 60:02}:{at % 60:02}": at * 1000 for at in range(3600)}
_FRACTIONS_MS = {"Z": 0, **{f".{ms:03}Z": ms for ms in range(1000)}}


class Event(Struct, frozen=True, kw_only=True, gc=False):
    """One touchpoint, decoded and valid."""

    id: str
    """Unique within ``source``."""
    source: str
    type: str
    """Built in (``TOUCHPOINTS``) or added by the rules (``event_types``)."""
    subject: CustomerId
    time_ms: Millis
    """Time of the event, by the producer's clock."""
    data: EventData
    family: Family
    """That of the type."""
    by_customer: bool
    """Whether the customer did it, by the type and its data."""


def parse_time(text: str) -> Millis:
    """Read an RFC 3339 moment; digits below a millisecond are cut off, however many.

    >>> parse_time("1970-01-01T01:00:01.0059+01:00")
    1005

    A leap second counts as the second after it, as POSIX has it.

    Raises
    ------
    ValueError
        For any other form, a day or offset that does not exist, and years outside 1..9999 in UTC.
    """
    second_ms, fraction_ms = _SECONDS_MS.get(text[13:19]), _FRACTIONS_MS.get(text[19:])
    if second_ms is None or fraction_ms is None:
        return _parse_rare_form(text)
    return Millis(_hour_ms(text[:13]) + second_ms + fraction_ms)


@lru_cache(_REMEMBERED_HOURS)
def _hour_ms(text: str) -> int:
    """``2026-01-02T03``; raises as :func:`parse_time`."""
    if _HOUR.fullmatch(text) is None:
        raise _unreadable(text)
    return (datetime.fromisoformat(text.upper()) - _EPOCH_IN_UTC) // _MILLISECOND


def format_time(time_ms: int) -> str:
    """Write a moment as RFC 3339 in UTC, always with milliseconds.

    >>> format_time(1005)
    '1970-01-01T00:00:01.005Z'

    Raises
    ------
    ValueError
        Outside the years 1..9999.
    """
    moment = _EPOCH_IN_UTC + _within_years(time_ms) * _MILLISECOND
    return moment.isoformat(timespec="milliseconds") + "Z"


def decode_data(
    kind: str, data: object, types: Mapping[str, TouchpointType] = TOUCHPOINTS
) -> EventData:
    """Turn the decoded JSON ``data`` of an event of type ``kind`` into its struct.

    No data at all (None) serves types that require none. Unknown fields are ignored. An integer
    may be written with a decimal point and zeros: serializers of float64 write 42 as 42.0.

    >>> decode_data("payment.failed", {"amount_minor": 42.0}).amount_minor
    42

    Raises
    ------
    msgspec.ValidationError
        Naming the first field that is wrong or missing.
    KeyError
        If ``kind`` is not among ``types``.
    """
    whole, wanted = {} if data is None else data, types[kind].data
    try:
        return msgspec.convert(whole, wanted)
    except msgspec.ValidationError:
        # Only now, because hardly any producer does it.
        return msgspec.convert(_with_integers(whole), wanted)


def unknown_fields(
    kind: str, data: object, types: Mapping[str, TouchpointType] = TOUCHPOINTS
) -> tuple[str, ...]:
    """Name the top-level fields of ``data`` that the type does not know, in alphabetical order."""
    if not isinstance(data, dict):
        return ()
    known = known_fields(types[kind].data)
    return () if known.issuperset(data) else tuple(sorted(data.keys() - known))


def optional_fields(kind: str) -> frozenset[str]:
    """Name the fields that events of a type may leave out; none for an unknown type."""
    found = TOUCHPOINTS.get(kind)
    if found is None:
        return frozenset()
    fields = msgspec.structs.fields(found.data)
    return frozenset(field.encode_name for field in fields if not field.required)


@cache
def known_fields(data: type[Struct]) -> frozenset[str]:
    """Name the fields that a data struct reads."""
    return frozenset(data.__struct_encode_fields__)


def _with_integers(value: object) -> object:
    """The decoded JSON with integral floats as integers, as far as floats are exact."""
    match value:
        case dict():
            return {name: _with_integers(inner) for name, inner in value.items()}
        case list():
            return [_with_integers(inner) for inner in value]
        case float() if value.is_integer() and abs(value) <= LARGEST_EXACT_INT:
            return int(value)
        case _:
            return value


def _parse_rare_form(text: str) -> Millis:
    form = _RFC3339.fullmatch(text)
    if form is None:
        raise _unreadable(text)
    if form[1] == "60":
        return _leap_second(text)
    moment = datetime.fromisoformat(text.upper())
    return _within_years((moment - _EPOCH) // _MILLISECOND)


def _unreadable(text: str) -> ValueError:
    return ValueError(f"{text[:64]!r}: want an RFC 3339 time such as 2026-01-02T03:04:05Z")


def _leap_second(text: str) -> Millis:
    before_ms = parse_time(text[: _SECOND.start] + "59" + text[_SECOND.stop :])
    if format_time(before_ms)[11:19] != "23:59:59":
        raise ValueError(f"{text!r}: a leap second ends a day in UTC")
    return _within_years(before_ms + 1000)


def _within_years(time_ms: int) -> Millis:
    if not _EARLIEST_MS <= time_ms <= _LATEST_MS:
        raise ValueError(f"{time_ms} ms: want a moment in the years 1 to 9999")
    return Millis(time_ms)
