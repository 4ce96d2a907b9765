"""The workload of the benchmarks: a world's events, one tick before them, and a model in force.

Because of the tick every event is scored. The model is made by hand, so that bands are crossed now
and then as with a learnt one, without learning first.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaProducer

from bench.by_hand import by_hand
from touchstream.agents.active_config import LEARNER, version_id
from touchstream.agents.history.lines import parse_line
from touchstream.agents.kafka import client_options, physical_topics
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Commit, Fence, Store
from touchstream.schemas.rules import Rules
from touchstream.schemas.tick import ActiveConfig, Tick, encode_tick
from touchstream.schemas.topics import TOUCHPOINTS_TOPIC
from touchstream.schemas.units import Millis
from touchstream.simulator import START_MS, World
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.learn.snapshot import CHURN, ModelData, Version, seal

VERSION = 1
EVENTS_PER_CUSTOMER_DAY = 0.94
"""Average events per customer and day; measured over 40 days."""

PACKET_BYTES = 256 * 1024
_WEIGHTS = {"silence_days": 1.0, "open_ticket_count": 0.8, "activity_month": -0.6}


class Piece(NamedTuple):
    """A record to publish: its key, its bytes and the partition it belongs on."""

    partition: int
    key: bytes | None
    value: bytes


def world_events(customers: int, count: int, partitions: int, seed: int = 1) -> list[Piece]:
    """``count`` events of a noisy world, each on the partition of its customer."""
    days = int(count / customers / EVENTS_PER_CUSTOMER_DAY * 1.2) + 2
    pieces: list[Piece] = []
    for day in World(seed, customers, days).days():
        for line in day.lines:
            value = line.to_bytes()
            key = parse_line(value).key
            pieces.append(Piece(0 if key is None else partition_of(key, partitions), key, value))
            if len(pieces) == count:
                return pieces
    raise ValueError(f"{customers} customers in {days} days made {len(pieces)} events, not {count}")


def hand_made_model() -> ModelData:
    """A model that scores around the bands, with enough examples to enter them."""
    return by_hand(_WEIGHTS, mean=1.0, other=0.05, examples=10_000, churned=2_000)


def first_tick(rules: Rules) -> Tick:
    """Number 1, before the first event; from it on the model and the rules are in force."""
    active_config = ActiveConfig(
        model_version=VERSION, rules=rules.digest(), features=FEATURES.digest
    )
    return Tick(number=1, time_ms=Millis(START_MS - 1), active_config=active_config)


async def put_in_force(store: Store, rules: Rules, model: ModelData) -> None:
    """Publish rules and model as the learner would, so that workers find the named version."""
    await store.put_text(rules.digest(), rules.to_text())
    states = {version_id(VERSION): seal(Version(models={CHURN: model}))}
    [taken] = await store.commit([Commit(LEARNER, None, Fence(0, 1), b"{}", states)])
    if not taken:
        raise RuntimeError("this namespace has a learner already: want a fresh one")


async def publish(settings: Settings, pieces: Sequence[Piece], *, tick: bool = True) -> None:
    """Write the tick to every partition, then the events in their order."""
    producer = AIOKafkaProducer(
        **client_options(settings.kafka),
        max_batch_size=PACKET_BYTES,
        max_request_size=64 * 1024 * 1024,  # the world's oversized poison goes as it stands
        linger_ms=20,
    )
    await producer.start()
    topic = physical_topics(settings.kafka)[TOUCHPOINTS_TOPIC]
    try:
        pending = []
        for piece in (*_ticks(settings, tick=tick), *pieces):
            sent = await producer.send(topic, piece.value, piece.key, partition=piece.partition)
            pending.append(sent)
        await producer.flush()
        for future in pending:
            await future
    finally:
        await producer.stop()


def _ticks(settings: Settings, *, tick: bool) -> Iterator[Piece]:
    if tick:
        value = encode_tick(first_tick(settings.rules), None)
        yield from (Piece(n, None, value) for n in range(settings.kafka.partitions))
