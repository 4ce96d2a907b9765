"""A deployment that an earlier build left goes on as if this build had always been there.

``tests/golden/at_rest.py`` says how it was left: stopped in the middle of a log, with outputs that
the broker had not taken.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
import orjson
import pytest

from bench.services.kafka import KafkaServer
from bench.services.redis import RedisServer
from tests.golden.at_rest import AtRest, deployed, load, publish_in_time, start
from tests.golden.core import unspelled
from tests.integration.deployment import Deployment
from tests.integration.oracle import EMITTED, Come, expected, found
from touchstream.agents.active_config import LEARNER
from touchstream.schemas.topics import CHURN_RISK_TOPIC, CUSTOMER_SIGNALS_TOPIC, DEAD_LETTERS_TOPIC
from touchstream.streams.checkpoint import ShardCheckpoint
from touchstream.streams.outbox import Entry, decode_entry
from touchstream.streams.projections.measures import Measures
from touchstream.streams.state import State, decode

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]


class Upgraded(NamedTuple):
    """What became of it, and what should have."""

    left: AtRest
    deployment: Deployment
    have: Come
    want: Come


@pytest.fixture(scope="module")
def upgraded(
    kafka_server: KafkaServer, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Upgraded]:
    left = load()
    folder = tmp_path_factory.mktemp("upgrade") / "run"
    with deployed(kafka_server, redis_server, folder, left.settings) as deployment:
        left.restore(deployment)
        start(deployment, _json(left, LEARNER, "record")["written_ms"])
        publish_in_time(deployment, left.touchpoints())
        deployment.drain()
        want = expected(deployment.settings, deployment.log_records())
        yield Upgraded(left, deployment, found(deployment, want.measures), want)


def test_it_was_left_in_the_middle_of_its_work(upgraded: Upgraded) -> None:
    # Otherwise the comparisons below could be true of nothing.
    unsent = [entry.topic for entry in _outbox(upgraded.left)]
    assert CHURN_RISK_TOPIC in unsent
    checkpoint = _json(upgraded.left, "p0", "record")
    assert _json(upgraded.left, LEARNER, "record")["knowledge"]["tick"] < checkpoint["tick"]
    assert checkpoint["in_force"]["model_version"] > 2


def test_every_state_is_what_the_core_makes_of_the_whole_log(upgraded: Upgraded) -> None:
    assert _states(upgraded.have) == _states(upgraded.want)
    assert upgraded.have.timers == upgraded.want.timers


def test_every_shard_stands_where_the_core_stands(upgraded: Upgraded) -> None:
    assert _checkpoints(upgraded.have) == _checkpoints(upgraded.want)


def test_the_learner_knows_what_the_core_knows(upgraded: Upgraded) -> None:
    assert upgraded.have.knowledge == upgraded.want.knowledge


def test_what_it_says_from_then_on_is_what_the_core_says(upgraded: Upgraded) -> None:
    output = _later(upgraded.have, upgraded.left)
    assert output == _later(upgraded.want, upgraded.left)
    assert {CHURN_RISK_TOPIC, CUSTOMER_SIGNALS_TOPIC} <= {topic for topic, _ in output}


def test_its_dead_letters_from_then_on_are_those_of_the_core(upgraded: Upgraded) -> None:
    assert _later_letters(upgraded.have, upgraded.left) == _later_letters(
        upgraded.want, upgraded.left
    )


def test_what_the_broker_had_not_taken_is_sent(upgraded: Upgraded) -> None:
    for topic in (*EMITTED, DEAD_LETTERS_TOPIC):
        left = [entry.value for entry in _outbox(upgraded.left) if entry.topic == topic]
        there = upgraded.deployment.read(topic).values()
        assert set(left) <= {record.value for records in there for record in records}


def _checkpoints(come: Come) -> list[ShardCheckpoint]:
    """Measures begin with the build that has them."""
    return [msgspec.structs.replace(one, measured_since={}) for one in come.checkpoints]


def _states(come: Come) -> list[dict[str, State]]:
    return [
        {name: _unmeasured(decode(data)) for name, data in states.items()} for states in come.states
    ]


def _unmeasured(state: State) -> State:
    slots = tuple(slot for slot in state.slots if slot.number != Measures.slot)
    return msgspec.structs.replace(state, slots=slots)


def _later(come: Come, left: AtRest) -> Mapping[tuple[str, str], list[bytes]]:
    """What was said after the stop: the records before it may have been of another format."""
    output = {
        (topic, shard): [one for one in values if _sequence(one) > _said(left, topic, shard)]
        for (topic, shard), values in come.shown.items()
    }
    return {place: values for place, values in output.items() if values}


def _said(left: AtRest, topic: str, shard: str) -> int:
    """The sequence of what was said last before the stop."""
    record = _json(left, shard, "record")
    if shard == LEARNER:
        return int(record["signals"])
    return int(record["sequences"].get(topic, 0))


def _sequence(value: bytes) -> int:
    output = str(orjson.loads(value)["sequence"])  # an example's is a number, an emission's p0:1
    return int(output.rpartition(":")[2])


def _later_letters(come: Come, left: AtRest) -> dict[tuple[int, int], str]:
    return {
        (partition, offset): reason
        for (partition, offset), reason in come.letters.items()
        if offset >= int(_text(left, f"p{partition}", "fence").split(b":")[0])
    }


def _outbox(left: AtRest) -> list[Entry]:
    """What a shard had still to send: its number, a colon, the entry."""
    members = [
        unspelled(member) or b""
        for key, held in left.redis.items()
        if key.endswith(":outbox")
        for member, _ in held
    ]
    return [decode_entry(member.partition(b":")[2]) for member in members]


def _json(left: AtRest, shard: str, key: str) -> Any:  # noqa: ANN401 - JSON
    return orjson.loads(_text(left, shard, key))


def _text(left: AtRest, shard: str, key: str) -> bytes:
    return unspelled(left.redis[f"{{NAMESPACE:{shard}}}:{key}"]) or b""
