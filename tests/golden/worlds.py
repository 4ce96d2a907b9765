"""Make a noisy log in which what touchstream recommends is carried out.

    python -m tests.golden.worlds SIZE > events.jsonl

The recommendations come from the pure core, tick by tick; the world answers with
``action.outcome``. On top of the world's own, some customers ask to be forgotten in the middle of
their lives, and some take their consent back or give it again.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from touchstream.agents.history.lines import parse_line
from touchstream.agents.settings import Settings
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.envelope import decode_emission
from touchstream.schemas.envelope import format_time
from touchstream.schemas.rules import Rules
from touchstream.schemas.topics import NEXT_BEST_ACTION_TOPIC
from touchstream.schemas.units import DAY_MS, HOUR_MS, Millis
from touchstream.simulator import START_MS, Drift, Line, Noise, World
from touchstream.streams.local import LocalStream
from touchstream.streams.outbox import Entry
from touchstream.streams.records import Record

RULES_FILE = Path(__file__).with_name("rules.toml")
NOISE = Noise(
    out_of_order=0.05,
    late=0.03,
    too_late=0.01,
    wrong_clock=0.005,
    repeated=0.03,
    conflicting=0.005,
    truncated=0.003,
    wrong_type=0.003,
    not_a_number=0.003,
    without_subject=0.003,
    unknown_type=0.005,
)
ERASED_EVERY, CONSENTS_EVERY = 12, 5
"""One customer in so many asks to be forgotten, or changes a consent."""


class Size(NamedTuple):
    """How much of a world."""

    seed: int
    customers: int
    days: int
    activity: float
    """Factor of the rates of all habits: below 1 the log is thinner."""


SIZES = {
    "large": Size(seed=3, customers=140, days=200, activity=1.0),
    "small": Size(seed=4, customers=60, days=200, activity=0.2),
    "deployment": Size(seed=5, customers=40, days=44, activity=0.4),
}


def rules() -> Rules:
    """The rules of :data:`RULES_FILE`, whatever the environment says."""
    return Settings.load(RULES_FILE, {}).rules


def world_lines(size: Size) -> Iterator[bytes]:
    """Every line in order of arrival."""
    world = World(
        size.seed,
        size.customers,
        size.days,
        noise=NOISE,
        drift=Drift(from_day=0, activity=size.activity),
    )
    wishes = sorted(_wishes(size), key=lambda line: line.received_ms)
    stream, offset = LocalStream(rules()), 0
    stream.tick(START_MS)
    for day in world.days():
        ours = [wish for wish in wishes if day.start_ms <= wish.received_ms < world.now_ms]
        lines = sorted([*day.lines, *ours], key=lambda line: line.received_ms)
        values = [line.to_bytes() for line in lines]
        yield from values
        stream.feed(0, list(_records(offset, lines, values)))
        offset += len(lines)
        emitted = len(stream.emitted)
        stream.tick(world.now_ms)
        _carry_out(world, stream.emitted[emitted:])


def _records(offset: int, lines: Sequence[Line], values: Sequence[bytes]) -> Iterator[Record]:
    for place, (line, value) in enumerate(zip(lines, values, strict=True), offset):
        yield Record(place, Millis(line.received_ms), parse_line(value).key, value)


def _carry_out(world: World, emitted: Sequence[Entry]) -> None:
    for entry in emitted:
        if entry.topic != NEXT_BEST_ACTION_TOPIC:
            continue
        emission, _ = decode_emission(entry.event)
        assert isinstance(emission.data, ActionRecommended)
        with suppress(KeyError):  # somebody only a wish of ours has told of
            choice = emission.data
            world.treat(emission.subject, choice.action, world.now_ms, choice.decision)


def _wishes(size: Size) -> Iterator[Line]:
    for number in range(1, size.customers + 1):
        customer, day = f"c{number:06d}", number * 17 % size.days
        at_ms = START_MS + day * DAY_MS + 11 * HOUR_MS
        if number % ERASED_EVERY == 0:
            yield _wish("customer.erased", customer, at_ms)
            # Older than the request, and later there: nothing may come of it any more.
            yield _wish("web.visit", customer, at_ms - HOUR_MS, late_ms=DAY_MS, page="/before")
        elif number % CONSENTS_EVERY == 0:
            yield _wish("consent.changed", customer, at_ms, purpose="marketing", granted=False)
        elif number % CONSENTS_EVERY == 1:
            # Nobody knows the field "desk": it is passed over.
            yield _wish(
                "consent.changed",
                customer,
                at_ms,
                purpose="marketing",
                granted=True,
                processor="front",
            )


def _wish(kind: str, customer: str, at_ms: int, late_ms: int = 0, **data: object) -> Line:
    event = {
        "specversion": "1.0",
        "id": f"{kind}-{customer}-{at_ms}",
        "source": "/crm",
        "type": kind,
        "subject": customer,
        "time": format_time(Millis(at_ms)),
        "receivedtime": format_time(Millis(at_ms + late_ms)),
        "data": data,
    }
    return Line(at_ms + late_ms, event)


if __name__ == "__main__":
    sys.stdout.buffer.writelines(line + b"\n" for line in world_lines(SIZES[sys.argv[1]]))
