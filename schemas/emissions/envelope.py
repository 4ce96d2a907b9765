"""An emission on its way out: the CloudEvent around it, the same bytes every time.

A tombstone removes a customer from a compacted topic. It is a CloudEvent in binary mode: its value
is null, which the broker compacts, and its attributes are ``ce_`` headers. In files it stands in
structured mode with ``"data": null``.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from touchstream.schemas.dead_letter import Header
from touchstream.schemas.emissions.registry import EMITTED, EmittedData, EmittedType
from touchstream.schemas.envelope import JSON_TYPE, OWN_SOURCE, SPECVERSION, format_time, parse_time
from touchstream.schemas.topics import COMPACTED_TOPICS
from touchstream.schemas.units import CustomerId, Millis

_HEADER = "ce_"
_ATTRIBUTES = ("specversion", "id", "source", "type", "subject", "time", "sequence")
_NO_DATA = Raw(b"null")

TOMBSTONE_HEADERS = tuple(_HEADER + name for name in _ATTRIBUTES)
"""The headers of a tombstone, the customer's id and the sequence among them."""


class Emission(Struct, frozen=True, kw_only=True, gc=False):
    """An event about one customer, to be emitted."""

    type: str
    """A key of ``EMITTED``."""
    topic: str
    id: str
    """A hash of the cause: repeated after a crash, it has the same id."""
    subject: CustomerId
    time_ms: Millis
    data: EmittedData | None
    """None: a tombstone, on a compacted topic."""


class _CloudEvent(Struct, frozen=True, kw_only=True, gc=False):
    specversion: Literal["1.0"]
    id: str
    source: Literal["touchstream"]
    type: str
    subject: Annotated[str, Meta(min_length=1)]
    time: str
    datacontenttype: Literal["application/json"]
    sequence: Annotated[str, Meta(min_length=1)]
    data: Raw


def encode_emission(emission: Emission, sequence: str) -> bytes:
    """Write an emission as a structured CloudEvent; equal arguments give equal bytes.

    ``sequence`` is the CloudEvents extension by which a consumer drops what it has seen. The
    numbers in ``data`` must be finite: JSON has no other, they would be written as null.
    """
    return msgspec.json.encode(_event(emission, sequence))


def tombstone_headers(emission: Emission, sequence: str) -> tuple[Header, ...]:
    """The headers of a tombstone, whose value is null; equal arguments give equal headers."""
    event = _event(emission, sequence)
    return tuple((_HEADER + name, str(getattr(event, name)).encode()) for name in _ATTRIBUTES)


def structured(value: bytes | None, headers: Iterable[Header]) -> bytes:
    """A record's CloudEvent in structured mode: its value, or what a tombstone's headers say.

    Raises
    ------
    ValueError
        If a record without a value lacks a header of a tombstone.
    """
    if value is not None:
        return value
    held = {name: (text or b"").decode() for name, text in headers}
    try:
        attributes = {name: held[_HEADER + name] for name in _ATTRIBUTES}
    except KeyError as exc:
        raise ValueError(f"no value, and no header {exc}: want a tombstone's headers") from exc
    event = _CloudEvent(**attributes, datacontenttype=JSON_TYPE, data=_NO_DATA)  # type: ignore[arg-type]
    return msgspec.json.encode(event)


def _event(emission: Emission, sequence: str) -> _CloudEvent:
    data = emission.data
    return _CloudEvent(
        specversion=SPECVERSION,
        id=emission.id,
        source=OWN_SOURCE,
        type=emission.type,
        subject=emission.subject,
        time=format_time(emission.time_ms),
        datacontenttype=JSON_TYPE,
        sequence=sequence,
        data=_NO_DATA if data is None else Raw(msgspec.json.encode(data, order="deterministic")),
    )


def decode_emission(raw: bytes) -> tuple[Emission, str]:
    """Read :func:`encode_emission` or :func:`structured` back: the emission and its sequence.

    Raises
    ------
    ValueError
        If the bytes are no event that touchstream emits.
    """
    event = msgspec.json.decode(raw, type=_CloudEvent)
    kind = EMITTED.get(event.type)
    if kind is None:
        raise ValueError(f"{event.type[:64]!r} is no emitted event type; see docs/events.md")
    emission = Emission(
        type=kind.name,
        topic=kind.topic,
        id=event.id,
        subject=CustomerId(event.subject),
        time_ms=parse_time(event.time),
        data=_decoded(event.data, kind),
    )
    return emission, event.sequence


def _decoded(data: Raw, kind: EmittedType) -> EmittedData | None:
    if kind.topic in COMPACTED_TOPICS and bytes(data) == bytes(_NO_DATA):
        return None
    return msgspec.json.decode(data, type=kind.data)
