"""The required result of a deployment: the pure core alone on the log in Kafka."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import orjson

from tests.integration.deployment import Deployment
from touchstream.agents.active_config import LEARNER
from touchstream.agents.settings import Settings
from touchstream.schemas.dead_letter import decode_letter
from touchstream.schemas.emissions.envelope import structured
from touchstream.schemas.tick import Tick
from touchstream.schemas.topics import (
    ALERTS_TOPIC,
    CHURN_RISK_TOPIC,
    CUSTOMER_RISK_TOPIC,
    CUSTOMER_SIGNALS_TOPIC,
    DEAD_LETTERS_TOPIC,
    EXAMPLES_TOPIC,
    NEXT_BEST_ACTION_TOPIC,
)
from touchstream.streams.checkpoint import ShardCheckpoint
from touchstream.streams.intake.decode import Origin, decode
from touchstream.streams.learn.knowledge import Knowledge
from touchstream.streams.local import LocalStream
from touchstream.streams.outbox import Entry
from touchstream.streams.partition import LetterLimit
from touchstream.streams.projections.indexes import INDEXES, queue_index
from touchstream.streams.records import Record
from touchstream.streams.state import State
from touchstream.streams.state import decode as decode_state

LISTS = (*INDEXES, queue_index("support"))

EMITTED = (
    ALERTS_TOPIC,
    CHURN_RISK_TOPIC,
    CUSTOMER_RISK_TOPIC,
    NEXT_BEST_ACTION_TOPIC,
    CUSTOMER_SIGNALS_TOPIC,
)


class Come(NamedTuple):
    """All that is to be compared."""

    checkpoints: list[ShardCheckpoint]
    states: list[dict[str, bytes]]
    timers: list[list[str]]
    shown: dict[tuple[str, str], list[bytes]]
    """(topic, shard) -> emissions and examples, in order."""
    letters: dict[tuple[int, int], str]
    """(partition, offset) -> reason."""
    knowledge: Knowledge
    measures: list[dict[str, dict[str, int]]]
    """By shard: bucket -> field -> sum."""
    indexes: list[dict[str, dict[str, float]]]
    """By shard: index -> customer -> score."""


def differences(deployment: Deployment) -> list[str]:
    """The differences between a deployment and the core on the log in its Kafka."""
    want = expected(deployment.settings, deployment.log_records())
    return differences_between(found(deployment, want.measures), want)


def differences_between(have: Come, want: Come) -> list[str]:
    """A line for everything that differs."""
    return [
        *_unlike("record", enumerate(have.checkpoints), enumerate(want.checkpoints)),
        *_unlike("state", _flat(have.states), _flat(want.states)),
        *_unlike("due", enumerate(have.timers), enumerate(want.timers)),
        *_unlike("dead letter", have.letters.items(), want.letters.items()),
        *_unlike("said", _numbered(have.shown), _numbered(want.shown)),
        *_unlike("indexes", enumerate(have.indexes), enumerate(want.indexes)),
        *_unlike("measures", enumerate(have.measures), enumerate(want.measures)),
        *_unlike("learner", [(0, have.knowledge)], [(0, want.knowledge)]),
    ]


def expected(settings: Settings, log: Sequence[Sequence[Record]]) -> Come:
    """Run the core over the log, tick by tick."""
    limit = LetterLimit(0, settings.worker.dead_letter_window)
    return lived(LocalStream(settings.rules, len(log), limit=limit), log, {})


def lived(
    stream: LocalStream, log: Sequence[Sequence[Record]], sent: Mapping[int, Sequence[Entry]]
) -> Come:
    """Let the core live through the log, from where it stands, tick by tick.

    ``sent`` holds what shards have sent for ticks that the learner has not learnt yet, by tick.
    """
    shown: dict[tuple[str, str], list[bytes]] = {}
    letters: dict[tuple[int, int], str] = {}
    stretches = [
        _stretches(shard.partition, log[shard.partition], len(log), shard.checkpoint.tick)
        for shard in stream.shards
    ]
    for number in range(stream.knowledge.tick + 1, max(map(max, stretches)) + 1):
        for partition, stretch in enumerate(stretches):
            if number in stretch:
                stream.feed(partition, stretch[number])
        for shard in stream.shards:
            _report(shard.name, shard.outbox, shown, letters)
        if all(shard.checkpoint.tick >= number for shard in stream.shards):
            before = len(stream.signals)
            stream.shards[0].outbox.extend(sent.get(number, ()))
            stream.learn(number)
            spoken = len(stream.signals) - before  # it speaks after its shards
            _report(LEARNER, stream.emitted[len(stream.emitted) - spoken :], shown, letters)
    return Come(
        [shard.checkpoint for shard in stream.shards],
        [shard.states for shard in stream.shards],
        [
            [name for _, name in sorted((at, n) for n, at in s.timers.items())]
            for s in stream.shards
        ],
        shown,
        letters,
        _plain(stream.knowledge),
        [shard.measures for shard in stream.shards],
        [{name: shard.indexes.get(name, {}) for name in LISTS} for shard in stream.shards],
    )


def _report(
    shard: str,
    entries: Iterable[Entry],
    shown: dict[tuple[str, str], list[bytes]],
    letters: dict[tuple[int, int], str],
) -> None:
    for entry in entries:
        if entry.topic == DEAD_LETTERS_TOPIC:
            letter = decode_letter(entry.key, entry.event, entry.headers).letter
            letters[letter.partition, letter.offset] = letter.reason
        else:
            shown.setdefault((entry.topic, shard), []).append(entry.event)


def found(deployment: Deployment, measured: Sequence[Mapping[str, object]]) -> Come:
    """What Redis and the emitted topics hold; of what was sent twice the first counts.

    ``measured`` names the buckets of measures to look for, by shard.
    """
    shown: dict[tuple[str, str], list[bytes]] = {}
    for topic in (*EMITTED, EXAMPLES_TOPIC):
        for records in deployment.read(topic).values():
            events = (structured(record.value, record.headers) for record in records)
            _gather(topic, events, shown)
    return Come(
        deployment.checkpoints(),
        [deployment.states(shard) for shard in deployment.shards],
        [_timers(deployment, shard) for shard in deployment.shards],
        shown,
        letters_of(deployment),
        _plain(deployment.checkpoint().knowledge),
        [
            _measures(deployment, shard, list(buckets))
            for shard, buckets in zip(deployment.shards, measured, strict=True)
        ],
        indexes_of(deployment),
    )


def _measures(
    deployment: Deployment, shard: str, buckets: Sequence[str]
) -> dict[str, dict[str, int]]:
    [read] = deployment.ask(lambda store: store.read_measures([shard], buckets))
    return dict(zip(buckets, read, strict=True))


def indexes_of(deployment: Deployment) -> list[dict[str, dict[str, float]]]:
    """By shard: index -> customer -> score."""
    found = deployment.ask(lambda store: store.read_indexes(deployment.shards, LISTS, 1_000_000))
    return [
        {name: dict(members) for name, members in zip(LISTS, of_shard, strict=True)}
        for of_shard in found
    ]


def letters_of(deployment: Deployment) -> dict[tuple[int, int], str]:
    """(partition, offset) -> reason, of every dead letter."""
    letters: dict[tuple[int, int], str] = {}
    for records in deployment.read(DEAD_LETTERS_TOPIC).values():
        for record in records:
            headers = [(name, value) for name, value in record.headers]
            letter = decode_letter(record.key, record.value or b"", headers).letter
            letters[letter.partition, letter.offset] = letter.reason
    return letters


def _unlike(
    what: str, have: Iterable[tuple[Any, Any]], want: Iterable[tuple[Any, Any]]
) -> list[str]:
    """A line for each of the first few that differ, and how many do."""
    mine, theirs = dict(have), dict(want)
    keys = [key for key in {**theirs, **mine} if mine.get(key) != theirs.get(key)]
    lines = [f"{what} {key}: {mine.get(key)} instead of {theirs.get(key)}" for key in keys[:3]]
    return [*lines, f"{len(keys)} of {len(theirs)} differ: {what}"] if keys else []


def _flat(states: Sequence[dict[str, bytes]]) -> Iterator[tuple[tuple[int, str], State]]:
    for shard, found in enumerate(states):
        for customer, data in found.items():
            yield (shard, customer), decode_state(data)


def _numbered(
    shown: Mapping[tuple[str, str], Sequence[bytes]],
) -> Iterator[tuple[tuple[str, str, int], bytes]]:
    for (topic, shard), values in shown.items():
        for number, value in enumerate(values):
            yield (topic, shard, number), value


def _stretches(
    partition: int, records: Sequence[Record], partitions: int, tick: int
) -> dict[int, list[Record]]:
    """Tick -> the records since the one before, up to and with it; under the next one the rest.

    ``tick`` is the last one before the records.
    """
    number = tick + 1
    stretches: dict[int, list[Record]] = {number: []}
    for record in records:
        stretches[number].append(record)
        read = decode(record, Origin(partition, partitions, None))
        if isinstance(read, Tick) and read.number >= number:
            assert read.number == number, f"tick {number} is missing on {partition}"
            number += 1
            stretches[number] = []
    return stretches


def _gather(topic: str, values: Iterable[bytes], shown: dict[tuple[str, str], list[bytes]]) -> None:
    """Sort by shard; drop what came before, byte for byte."""
    seen: set[bytes] = set()
    for value in values:
        if value not in seen:
            seen.add(value)
            shown.setdefault((topic, _shard(topic, value)), []).append(value)


def _shard(topic: str, value: bytes) -> str:
    """Which shard said it; all it says on a topic stands in one partition, in its order."""
    output: Any = orjson.loads(value)
    return str(output["shard"] if topic == EXAMPLES_TOPIC else output["sequence"].partition(":")[0])


def _timers(deployment: Deployment, shard: str) -> list[str]:
    return deployment.ask(lambda store: store.timers_until(shard, 2**53, 1_000_000))


def _plain(knowledge: Knowledge) -> Knowledge:
    """Without the places in the examples topic, which the core knows nothing of."""
    return msgspec.structs.replace(knowledge, passed={})
