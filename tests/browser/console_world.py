"""A deployment to look at: a simulated world through the pure core, put into a store."""

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import msgspec

from tests.golden.worlds import rules as golden_rules
from touchstream.agents.active_config import LEARNER, about_id, version_id
from touchstream.agents.checkpoint import About, Checkpoint, position_state
from touchstream.agents.history.lines import parse_line
from touchstream.agents.stores.base import Commit, Fence, Store
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.envelope import decode_emission
from touchstream.schemas.envelope import format_time, parse_time
from touchstream.schemas.rules import AlertRules, BandRules, Rules
from touchstream.schemas.topics import NEXT_BEST_ACTION_TOPIC
from touchstream.schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, Millis
from touchstream.simulator import Line, World
from touchstream.streams.checkpoint import encode_checkpoint
from touchstream.streams.learn.learner import version_of
from touchstream.streams.learn.snapshot import digest, seal
from touchstream.streams.local import LocalStream
from touchstream.streams.records import Record

CUSTOMERS, DAYS = 140, 150
END_MS = parse_time("2026-11-28T00:00:00Z")
OWNED_EVERY = 3
"""One customer in so many belongs to Ada; the others wait in the queue."""
NAMES = ("Mari", "Deniz", "Kaarel", "Ece", "Liis", "Emre")


class Town(NamedTuple):
    """What has become of the world."""

    rules: Rules
    stream: LocalStream


def town_rules() -> Rules:
    """Bands so low that a small town fills a rep's list."""
    rules = golden_rules()
    bands = BandRules(medium_enter=0.1, medium_leave=0.07, high_enter=0.16, high_leave=0.12)
    alerts = AlertRules(bands=("medium", "high"), expires_days=60)
    learning = msgspec.structs.replace(rules.learning, model="bayes", challenger="logistic")
    return msgspec.structs.replace(rules, bands=bands, alerts=alerts, learning=learning)


def lived(customers: int = CUSTOMERS, days: int = DAYS) -> Town:
    """Run the world to its end; recommended actions are carried out."""
    rules = town_rules()
    world = World(7, customers, days, start_ms=Millis(END_MS - days * DAY_MS))
    stream, offset = LocalStream(rules), 0
    stream.tick(END_MS - days * DAY_MS)
    for number, day in enumerate(world.days()):
        own = [] if number else list(_introduced(customers, day.start_ms))
        lines = sorted([*day.lines, *own], key=lambda line: line.received_ms)
        values = [line.to_bytes() for line in lines]
        stream.feed(
            0,
            [
                Record(offset + at, Millis(line.received_ms), parse_line(value).key, value)
                for at, (line, value) in enumerate(zip(lines, values, strict=True))
            ],
        )
        offset += len(lines)
        before = len(stream.emitted)
        stream.tick(world.now_ms)
        _carry_out(world, stream, before)
    # Names the newest version, and too early for another one.
    stream.tick(world.now_ms + MINUTE_MS)
    return Town(rules, stream)


async def put_into(store: Store, town: Town) -> None:
    """Write everything as the agents would have."""
    for shard in town.stream.shards:
        # Of the pure core, but a commit: one for all.
        assert await store.commit(
            [
                Commit(
                    *(shard.name, None, Fence(1, 1), encode_checkpoint(shard.checkpoint)),
                    states=shard.states,
                    measures=shard.measures,
                    indexes={name: {**held} for name, held in shard.indexes.items()},
                )
            ]
        ) == [True]
    knowledge = town.stream.knowledge
    version = version_of(knowledge)
    number = knowledge.version
    about = About(digest(version), knowledge.tick, knowledge.examples)
    states = {
        **position_state(knowledge),
        version_id(number): seal(version),
        about_id(number): msgspec.json.encode(about),
    }
    checkpoint = Checkpoint(
        knowledge=knowledge, served=number, written=knowledge.tick, swept=number - 1
    )
    record = msgspec.json.encode(checkpoint)
    await store.put_text(town.rules.digest(), msgspec.json.encode(town.rules))
    assert await store.commit([Commit(LEARNER, None, Fence(1, 1), record, states=states)]) == [True]


def _introduced(customers: int, at_ms: int) -> Iterator[Line]:
    for number in range(1, customers + 1):
        name = NAMES[number % len(NAMES)]
        attributes = {"name": name, "email": f"{name.lower()}{number}@example.com"}
        attributes |= {"region": ("EE", "TR")[number % 2], "plan": ("basic", "large")[number % 2]}
        if number % OWNED_EVERY == 0:
            attributes["owner"] = "ada"
        moment_ms = at_ms + HOUR_MS
        event = {
            "specversion": "1.0",
            "id": f"introduced-{number}",
            "source": "/crm",
            "type": "customer.updated",
            "subject": f"c{number:06d}",
            "time": format_time(Millis(moment_ms)),
            "receivedtime": format_time(Millis(moment_ms)),
            "data": {"attributes": attributes},
        }
        yield Line(moment_ms, event)


def _carry_out(world: World, stream: LocalStream, before: int) -> None:
    for entry in stream.emitted[before:]:
        if entry.topic == NEXT_BEST_ACTION_TOPIC:
            emission, _ = decode_emission(entry.event)
            assert isinstance(emission.data, ActionRecommended)
            choice = emission.data
            with suppress(KeyError):  # a customer whom the world has not let arrive yet
                world.treat(emission.subject, choice.action, world.now_ms, choice.decision)
