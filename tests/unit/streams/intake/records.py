"""Records as producers send them, for the tests of intake."""

import orjson

from touchstream.schemas.dead_letter import Header
from touchstream.schemas.units import Millis
from touchstream.streams.intake.decode import Arrival, Origin, decode
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.outcome import Reject
from touchstream.streams.records import Record

NOON_MS = Millis(1_767_355_200_000)  # 2026-01-02T12:00:00Z
PARTITIONS = 4

VISIT: dict[str, object] = {
    "specversion": "1.0",
    "id": "e1",
    "source": "https://shop.example",
    "type": "web.visit",
    "subject": "ada",
    "time": "2026-01-02T12:00:00.000Z",
    "data": {"page": "/pricing", "duration_s": 34.5},
}

VISIT_HEADERS: tuple[Header, ...] = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"e1"),
    ("ce_source", b"https://shop.example"),
    ("ce_type", b"web.visit"),
    ("ce_subject", b"ada"),
    ("ce_time", b"2026-01-02T12:00:00.000Z"),
    ("content-type", b"application/json; charset=utf-8"),
)


def visit(**changed: object) -> bytes:
    """A structured visit of Ada; an attribute set to None is left out."""
    attributes = {**VISIT, **changed}
    return orjson.dumps({name: value for name, value in attributes.items() if value is not None})


def record(
    value: bytes,
    key: bytes | None = b"ada",
    headers: tuple[Header, ...] = (),
    received_ms: Millis = NOON_MS,
) -> Record:
    return Record(offset=0, received_ms=received_ms, key=key, value=value, headers=headers)


def at_home(key: bytes | None) -> Origin:
    """The origin by murmur2 of the key, without a tick secret."""
    partition = 0 if key is None else partition_of(key, PARTITIONS)
    return Origin(partition, PARTITIONS, tick_secret=None)


def arrive(found: Record) -> Arrival:
    """Decode a record that is a touchpoint."""
    arrival = decode(found, at_home(found.key))
    assert isinstance(arrival, Arrival), arrival
    return arrival


def refuse(found: Record) -> Reject:
    """Decode a record that is a dead letter."""
    letter = decode(found, at_home(found.key))
    assert isinstance(letter, Reject), letter
    return letter
