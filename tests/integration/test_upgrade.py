"""A deployment that an earlier build left goes on as if this build had always been there.

``tests/golden/at_rest.py`` says how it was left: stopped in the middle of a log, with outputs that
the broker had not taken.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import orjson
import pytest

from bench.services.kafka import KafkaServer
from bench.services.redis import RedisServer
from tests.golden.at_rest import AtRest, deployed, load, publish_in_time, start
from tests.golden.core import unspelled
from tests.golden.test_golden import ADDED
from tests.golden.version3 import as_version_3
from tests.integration.deployment import Deployment
from tests.integration.oracle import EMITTED, Come, expected, found
from touchstream.agents.active_config import LEARNER
from touchstream.schemas.topics import (
    CHURN_RISK_TOPIC,
    CUSTOMER_RISK_TOPIC,
    CUSTOMER_SIGNALS_TOPIC,
    DEAD_LETTERS_TOPIC,
)
from touchstream.streams.checkpoint import ShardCheckpoint
from touchstream.streams.outbox import Entry, decode_entry
from touchstream.streams.projections.measures import Measures
from touchstream.streams.state import State, decode

Outputs = Mapping[tuple[str, str], list[bytes]]
"""(topic, shard) -> records in order."""

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
    # Of the projections that are new since, an upgraded customer has known less than the log.
    have, want = _states(upgraded.have), _states(upgraded.want)
    assert _facts(have) == _facts(want)
    for states, timers in zip(have, upgraded.have.timers, strict=True):
        waiting = [(state.next_timer_ms, name) for name, state in states.items()]
        assert timers == [name for at_ms, name in sorted(w for w in waiting if w[0] is not None)]


def test_every_shard_stands_where_the_core_stands(upgraded: Upgraded) -> None:
    assert _checkpoints(upgraded.have) == _checkpoints(upgraded.want)


def test_the_learner_knows_what_the_core_knows(upgraded: Upgraded) -> None:
    assert upgraded.have.knowledge == upgraded.want.knowledge


def test_what_it_says_from_then_on_is_what_the_core_says(upgraded: Upgraded) -> None:
    output = _known_then(_later(upgraded.have, upgraded.left))
    assert output == _known_then(_later_of_all(upgraded.want, upgraded.left))
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
    """What is newer than the build that left the deployment begins with this one."""
    return [_known_to_both(one) for one in come.checkpoints]


def _known_to_both(checkpoint: ShardCheckpoint) -> ShardCheckpoint:
    counters, sequences = _without_names(checkpoint.counters), dict(checkpoint.sequences)
    later = counters.pop("emitted.customer.risk", 0)
    sequences.pop(CUSTOMER_RISK_TOPIC, None)
    return msgspec.structs.replace(
        checkpoint,
        measured_since={},
        counters=counters,
        sequences=sequences,
        sent=checkpoint.sent - later,
    )


def _without_names(counters: Mapping[str, int]) -> dict[str, int]:
    return {name: n for name, n in counters.items() if not name.startswith("unknown_field.")}


def _states(come: Come) -> list[dict[str, State]]:
    return [
        {name: _unmeasured(decode(data)) for name, data in states.items()} for states in come.states
    ]


def _unmeasured(state: State) -> State:
    slots = tuple(slot for slot in state.slots if slot.number != Measures.slot)
    return msgspec.structs.replace(state, slots=slots)


def _facts(shards: Sequence[Mapping[str, State]]) -> list[dict[str, Any]]:
    """What version 3 knew of everybody."""
    return [{name: as_version_3(state) for name, state in states.items()} for states in shards]


def _later(come: Come, left: AtRest) -> Outputs:
    """What was emitted after the stop: records before it may have been of another format."""
    return {
        (topic, shard): [one for one in values if _sequence(one) > _said(left, topic, shard)]
        for (topic, shard), values in come.shown.items()
    }


def _later_of_all(come: Come, left: AtRest) -> Outputs:
    """The same of a whole log, in which types that are new since take up sequences of their own."""
    later = dict(_later(come, left))
    for (topic, shard), values in come.shown.items():
        if topic == CUSTOMER_SIGNALS_TOPIC:
            kept = [one for one in values if not _is_added(topic, one)]
            later[topic, shard] = kept[_said(left, topic, shard) :]
    return later


def _known_then(outputs: Outputs) -> Outputs:
    """Without types that are new since, and customer by customer.

    A timer of a new projection may call a customer earlier within a tick, so sequences are given
    out in another order; the order of one customer's records stays.
    """
    found: dict[tuple[str, str], list[bytes]] = {}
    for (topic, shard), values in outputs.items():
        kept = [orjson.loads(one) for one in values if not _is_added(topic, one)]
        kept.sort(key=lambda one: one.get("subject") or one.get("customer") or "")
        if kept:
            found[topic, shard] = [orjson.dumps(one | {"sequence": None}) for one in kept]
    return found


def _is_added(topic: str, value: bytes) -> bool:
    if topic == CUSTOMER_RISK_TOPIC:
        return True
    return topic == CUSTOMER_SIGNALS_TOPIC and orjson.loads(value)["type"] in ADDED


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
