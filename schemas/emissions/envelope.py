"""An emission on its way out: the CloudEvent around it, the same bytes every time."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from touchstream.schemas.emissions.registry import EMITTED, EmittedData
from touchstream.schemas.envelope import JSON_TYPE, OWN_SOURCE, SPECVERSION, format_time, parse_time
from touchstream.schemas.units import CustomerId, Millis


class Emission(Struct, frozen=True, kw_only=True, gc=False):
    """An event about one customer, to be emitted."""

    type: str
    """A key of ``EMITTED``."""
    topic: str
    id: str
    """A hash of the cause: repeated after a crash, it has the same id."""
    subject: CustomerId
    time_ms: Millis
    data: EmittedData


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
    event = _CloudEvent(
        specversion=SPECVERSION,
        id=emission.id,
        source=OWN_SOURCE,
        type=emission.type,
        subject=emission.subject,
        time=format_time(emission.time_ms),
        datacontenttype=JSON_TYPE,
        sequence=sequence,
        data=Raw(msgspec.json.encode(emission.data, order="deterministic")),
    )
    return msgspec.json.encode(event)


def decode_emission(raw: bytes) -> tuple[Emission, str]:
    """Read :func:`encode_emission` back: the emission and its sequence.

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
        data=msgspec.json.decode(event.data, type=kind.data),
    )
    return emission, event.sequence
