"""A deployment that an earlier build left is gone on with exactly as the core would.

``tests/golden/at_rest.py`` says how it was left: stopped in the middle of a log, with outputs that
the broker had not taken. From there on the core, given the same bytes, is the oracle: states,
checkpoints, timers, indexes, measures, emissions, examples and knowledge are its own. The model of
churn starts anew, because it is about open customers now.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
import pytest

from bench.services.kafka import KafkaServer
from bench.services.redis import RedisServer
from tests.golden.at_rest import (
    AtRest,
    deployed,
    load,
    publish_in_time,
    start,
)
from tests.golden.core import unspelled
from tests.integration.deployment import Deployment, wait_until
from tests.integration.oracle import EMITTED, Come, found, lived
from touchstream.agents.active_config import LEARNER
from touchstream.agents.learner_restore import restore_checkpoint
from touchstream.schemas.examples import decode_example
from touchstream.schemas.topics import (
    CHURN_RISK_TOPIC,
    CUSTOMER_SIGNALS_TOPIC,
    DEAD_LETTERS_TOPIC,
    EXAMPLES_TOPIC,
)
from touchstream.schemas.units import Millis
from touchstream.streams.checkpoint import decode_checkpoint
from touchstream.streams.learn.governance import Signal
from touchstream.streams.learn.learner import version_of
from touchstream.streams.learn.snapshot import CHURN
from touchstream.streams.local import LocalStream
from touchstream.streams.outbox import Entry, decode_entry
from touchstream.streams.partition import LetterLimit
from touchstream.streams.projections.read import relation_of
from touchstream.streams.state import FORMAT, decode

NEW = 40
"""Examples of churn to learn after the upgrade."""
Outputs = Mapping[tuple[str, str], list[bytes]]
"""(topic, shard) -> records in order."""

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]


class Upgraded(NamedTuple):
    """What became of it, and what should have."""

    left: AtRest
    deployment: Deployment
    have: Come
    want: Come


class Resumed(LocalStream):
    """The core with what lies at rest; the next record of every shard is a tick of this build."""

    def __init__(self, left: AtRest, deployment: Deployment) -> None:
        settings = deployment.settings
        limit = LetterLimit(0, settings.worker.dead_letter_window)
        super().__init__(settings.rules, deployment.partitions, limit=limit)
        self.knowledge = restore_checkpoint(_text(left, LEARNER, "record"), self.rules)[0].knowledge
        self.scorers[self.knowledge.version] = self._compiled(version_of(self.knowledge))
        self.signals = [Signal("before", CHURN, 0.0, 0.0, Millis(0))] * _said(left, "", LEARNER)
        for shard in self.shards:
            shard.checkpoint = decode_checkpoint(_text(left, shard.name, "record"))
            shard.states = deployment.states(shard.name)
            shard.timers = {
                name: int(at_ms) for name, at_ms in left.redis[f"{{NAMESPACE:{shard.name}}}:due"]
            }


@pytest.fixture(scope="module")
def upgraded(
    kafka_server: KafkaServer, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Upgraded]:
    left = load()
    folder = tmp_path_factory.mktemp("upgrade") / "run"
    with deployed(kafka_server, redis_server, folder, left.settings) as deployment:
        left.restore(deployment)
        core = Resumed(left, deployment)
        start(deployment, _json(left, LEARNER, "record")["written_ms"])
        deployment.publish(left.unread())
        publish_in_time(deployment, left.touchpoints())
        # Processes take a few days of the fast clock to start, so less is left for new labels.
        learnt = lambda: deployment.checkpoint().knowledge.churn.model.examples >= NEW  # noqa: E731
        wait_until(learnt, "labels of the new definition", 120, deployment.where)
        deployment.drain()
        log = [
            [record for record in records if record.offset >= left.next_offset(f"p{partition}")]
            for partition, records in enumerate(deployment.log_records())
        ]
        want = lived(core, log, _sent(left, core.knowledge.tick))
        yield Upgraded(left, deployment, found(deployment, want.measures), want)


def test_it_was_left_in_the_middle_of_its_work(upgraded: Upgraded) -> None:
    # Otherwise the comparisons below could be true of nothing.
    unsent = [entry.topic for entry in _outbox(upgraded.left)]
    assert CHURN_RISK_TOPIC in unsent
    checkpoint = _json(upgraded.left, "p0", "record")
    assert _json(upgraded.left, LEARNER, "record")["knowledge"]["tick"] < checkpoint["tick"]
    assert checkpoint["in_force"]["model_version"] > 2
    left = [
        unspelled(value) or b""
        for key, value in upgraded.left.redis.items()
        if key.startswith("{NAMESPACE:p") and ":s:" in key
    ]
    assert {data[0] for data in left} == {3}


def test_every_state_is_what_the_core_makes_of_the_bytes_that_were_left(upgraded: Upgraded) -> None:
    assert upgraded.have.states == upgraded.want.states
    for states, timers in zip(upgraded.have.states, upgraded.have.timers, strict=True):
        waiting = [(decode(data).next_timer_ms, name) for name, data in states.items()]
        assert timers == [name for at_ms, name in sorted(w for w in waiting if w[0] is not None)]


def test_everybody_known_has_a_relation_in_the_format_of_today(upgraded: Upgraded) -> None:
    states = [data for of_shard in upgraded.have.states for data in of_shard.values()]
    written = [decode(data) for data in states if data[0] == FORMAT]
    assert len(written) > len(states) / 2
    for state in written:
        assert (state.profile is None) == (relation_of(state) is None)


def test_every_shard_stands_where_the_core_stands(upgraded: Upgraded) -> None:
    assert upgraded.have.checkpoints == upgraded.want.checkpoints
    assert upgraded.have.measures == upgraded.want.measures
    assert upgraded.have.indexes == upgraded.want.indexes


def test_the_learner_knows_what_the_core_knows(upgraded: Upgraded) -> None:
    assert upgraded.have.knowledge == upgraded.want.knowledge


def test_churn_is_learnt_anew_from_rows_scored_after_the_upgrade(upgraded: Upgraded) -> None:
    before = _json(upgraded.left, LEARNER, "record")
    churn = upgraded.have.knowledge.churn
    assert churn.label_definition != before["knowledge"]["targets"][CHURN]["meaning"]
    assert churn.label_definition_since_ms == before["written_ms"]
    assert churn.model.examples >= NEW
    assert churn.model.examples < before["knowledge"]["targets"][CHURN]["model"]["examples"]
    assert churn.model.since_ms is not None
    assert churn.model.since_ms > before["written_ms"]


def test_what_it_says_from_then_on_is_what_the_core_says(upgraded: Upgraded) -> None:
    output = _later(upgraded.have, upgraded.left)
    assert output == {names: values for names, values in upgraded.want.shown.items() if values}
    assert {CUSTOMER_SIGNALS_TOPIC, EXAMPLES_TOPIC} <= {topic for topic, _ in output}
    assert "customer.relation_changed" in {
        str(orjson.loads(one)["type"])
        for (topic, _), values in output.items()
        if topic == CUSTOMER_SIGNALS_TOPIC
        for one in values
    }


def test_its_dead_letters_from_then_on_are_those_of_the_core(upgraded: Upgraded) -> None:
    assert _later_letters(upgraded.have, upgraded.left) == upgraded.want.letters


def test_what_the_broker_had_not_taken_is_sent(upgraded: Upgraded) -> None:
    for topic in (*EMITTED, DEAD_LETTERS_TOPIC):
        left = [entry.value for entry in _outbox(upgraded.left) if entry.topic == topic]
        there = upgraded.deployment.read(topic).values()
        assert set(left) <= {record.value for records in there for record in records}


def _sent(left: AtRest, learnt: int) -> Mapping[int, Sequence[Entry]]:
    """What shards had sent, or had still to send, of ticks that were not learnt yet, by tick."""
    values = [unspelled(record[4]) or b"" for record in left.kafka[EXAMPLES_TOPIC]]
    values += [entry.event for entry in _outbox(left) if entry.topic == EXAMPLES_TOPIC]
    found = defaultdict[int, list[Entry]](list)
    for value in dict.fromkeys(values):
        tick = decode_example(value).tick
        if tick > learnt:
            found[tick].append(Entry(EXAMPLES_TOPIC, b"", value))
    return found


def _later(come: Come, left: AtRest) -> Outputs:
    """What was emitted after the stop."""
    later = {
        (topic, shard): [one for one in values if _sequence(one) > _said(left, topic, shard)]
        for (topic, shard), values in come.shown.items()
    }
    return {names: values for names, values in later.items() if values}


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
        if offset >= left.next_offset(f"p{partition}")
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
