"""In a world that carries out recommendations, outcomes name decisions of their customers."""

from collections.abc import Callable

import msgspec
import orjson
import pytest

from tests.make import QUICK
from touchstream.agents.history.lines import parse_line
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.envelope import decode_emission
from touchstream.schemas.rules import LearningRules
from touchstream.schemas.topics import NEXT_BEST_ACTION_TOPIC
from touchstream.schemas.units import Millis
from touchstream.simulator import START_MS, World
from touchstream.streams.local import LocalStream
from touchstream.streams.projections.decisions import UNKNOWN_DECISION
from touchstream.streams.records import Record

CUSTOMERS, WORLD_DAYS = 30, 60
RULES = msgspec.structs.replace(
    QUICK, learning=LearningRules(minimum_examples=3, minimum_of_each=1, widest=1.0)
)


@pytest.mark.parametrize(
    ("sent_as", "share"),
    [(lambda decision: decision, 0), (lambda decision: decision[::-1], 1)],
    ids=["as decided", "garbled"],
)
def test_only_outcomes_of_other_decisions_are_counted(
    sent_as: Callable[[str], str], share: int
) -> None:
    world, stream = World(2, CUSTOMERS, WORLD_DAYS), LocalStream(RULES)
    outcomes: set[str] = set()  # by id: the world repeats some lines
    stream.tick(START_MS)
    for day in world.days():
        records = []
        for line in day.lines:
            value = line.to_bytes()
            if b'"action.outcome"' in value:
                outcomes.add(orjson.loads(value)["id"])
            records.append(Record(0, Millis(line.received_ms), parse_line(value).key, value))
        stream.feed(0, records)
        emitted = len(stream.emitted)
        stream.tick(Millis(world.now_ms))
        for entry in stream.emitted[emitted:]:
            if entry.topic == NEXT_BEST_ACTION_TOPIC:
                emission, _ = decode_emission(entry.value or b"")
                assert isinstance(emission.data, ActionRecommended)
                choice = emission.data
                world.treat(emission.subject, choice.action, world.now_ms, sent_as(choice.decision))
    counters = stream.shards[0].checkpoint.counters
    assert len(outcomes) > 20
    assert counters.get(UNKNOWN_DECISION, 0) == share * len(outcomes)
