from touchstream.schemas.rules import Rules
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.simulator import Line, Noise, World
from touchstream.streams.local import LocalStream
from touchstream.streams.records import Record

TROUBLED = Noise(
    late=0.03,
    too_late=0.02,
    wrong_clock=0.01,
    repeated=0.03,
    conflicting=0.02,
    truncated=0.01,
    wrong_type=0.01,
    not_a_number=0.01,
    without_subject=0.01,
    unknown_type=0.02,
    oversized=0.001,
)


def test_the_core_counts_exactly_what_the_world_expects() -> None:
    world = World(2, 120, 25, noise=TROUBLED)
    stream = LocalStream(Rules())
    days: dict[int, list[Line]] = {}
    for line in world.lines():
        days.setdefault(line.received_ms // DAY_MS, []).append(line)
    for day in range(min(days), max(days) + 1):
        stream.feed(0, [record(line) for line in days.get(day, ())])
        stream.tick((day + 1) * DAY_MS)
    counted = stream.shards[0].checkpoint.counters
    assert {
        "applied": counted["applied"],
        "duplicate": counted["duplicate"],
        "dead_letter": counted["dead"],
        "too_late": counted["dropped.too_late"],
        "unknown_type": counted["dropped.unknown_type"],
    } == world.expected.fates


def record(line: Line) -> Record:
    subject = line.event.get("subject") if isinstance(line.event, dict) else None
    key = subject.encode() if subject else None
    return Record(0, Millis(line.received_ms), key, line.to_bytes())
