"""The notifier's agent on a store of its own: what is sent, and by whom."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import pytest
from prometheus_client import CollectorRegistry

from tests.agents.notifier.harness import NotifierUnderTest, ms
from tests.agents.notifier.test_notifier_rounds import settings
from touchstream.agents.assignment import Batch, Span, TopicPartition
from touchstream.agents.channels.message import Delivery, Kind, Message
from touchstream.agents.fatal import Refusal
from touchstream.agents.metrics import Metrics
from touchstream.agents.notifier.agent import Notifier
from touchstream.agents.outbox import Outbox
from touchstream.agents.stores.base import FenceLost
from touchstream.agents.stores.memory import MemoryStore
from touchstream.schemas.emissions.envelope import Emission, encode_emission

SOURCE = TopicPartition("alerts", 0)
NOW = "2026-12-01 09:00"


class NoOutbox:
    """A notifier emits nothing into Kafka."""

    async def assign(self, shards: Sequence[str]) -> None: ...

    def put(self, shard: str, entries: Sequence[tuple[int, bytes]]) -> None:
        assert not entries


class Kept:
    """A channel that keeps what it is given."""

    name = "hook"
    kind: Kind = "slack"

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, message: Message, address: str | None) -> Delivery:
        self.sent.append(message.id)
        return Delivery("delivered", 200)

    async def close(self) -> None: ...


class Written(NotifierUnderTest):
    """Writes its events down."""

    def __init__(self) -> None:
        super().__init__(settings(), NOW)
        self.events: list[Emission] = []

    def enter(self, emission: Emission) -> None:
        self.events.append(emission)


class Record(NamedTuple):
    offset: int
    value: bytes


def agent(store: MemoryStore, channel: Kept) -> Notifier:
    channels = {"hook": channel, "other": channel}
    metrics, outbox = Metrics(CollectorRegistry()), cast("Outbox", NoOutbox())
    return Notifier("alerts", store, outbox, settings(), channels, metrics, lambda: ms(NOW))


async def read(notifier: Notifier, events: Sequence[Emission], end: int) -> None:
    await notifier.assign({SOURCE: Span(0, end, None)})
    records: list[Any] = [
        Record(number, encode_emission(one, f"p0:{number + 1:016d}"))
        for number, one in enumerate(events)
    ]
    await notifier.work([Batch(SOURCE, records, notifier.epoch, False)])


def raised() -> list[Emission]:
    written = Written()
    written.raise_alert("c1")
    return written.events


async def settled(notifier: Notifier) -> None:
    for task in list(notifier._under_way.values()):
        await task


async def test_an_alert_is_sent_once_all_is_read() -> None:
    channel = Kept()
    notifier = agent(MemoryStore(), channel)
    await read(notifier, raised(), end=2)
    await notifier.tick(lambda _: 2)
    assert channel.sent == []
    await notifier.tick(lambda _: 1)
    await settled(notifier)
    await notifier.tick(lambda _: 1)
    assert len(channel.sent) == 1


async def test_an_event_that_comes_twice_is_entered_once() -> None:
    channel = Kept()
    notifier = agent(MemoryStore(), channel)
    await read(notifier, raised(), end=1)
    await notifier.tick(lambda _: 1)
    await settled(notifier)
    again: list[Any] = [Record(1, encode_emission(raised()[0], f"p0:{1:016d}"))]
    await notifier.work([Batch(SOURCE, again, notifier.epoch, False)])
    await notifier.tick(lambda _: 2)
    await settled(notifier)
    assert len(channel.sent) == 1


async def test_who_has_lost_the_fence_sends_nothing() -> None:
    store, first, second = MemoryStore(), Kept(), Kept()
    old, new = agent(store, first), agent(store, second)
    await read(old, raised(), end=1)
    await new.assign({SOURCE: Span(0, 1, None)})
    await new.tick(lambda _: 1)
    await settled(new)
    with pytest.raises(FenceLost):
        await old.tick(lambda _: 1)
    assert (len(first.sent), len(second.sent)) == (0, 1)


async def test_alerts_in_two_partitions_are_refused_with_what_to_do() -> None:
    with pytest.raises(Refusal, match="delete the topic, and `touchstream topics` makes it anew"):
        await agent(MemoryStore(), Kept()).assign({TopicPartition("alerts", 1): Span(0, 0, None)})
