"""What was committed with the state is produced, in order.

And then forgotten (docs/delivery.md).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from touchstream.agents.stores.base import Store, StoreError
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.outbox import Entry, decode_entry

READ_AT_ONCE = 5_000
RETRY_PAUSE_S = 0.5

log = structlog.get_logger()


class TopicNames(NamedTuple):
    """Logical topic names to physical ones."""

    names: Mapping[str, str]

    def physical(self, topic: str) -> str:
        return self.names.get(topic, topic)


class Outbox:
    """Sends the entries of this process's shards.

    After a failure from the oldest again, the same bytes.
    """

    def __init__(
        self, store: Store, new_producer: Callable[[], AIOKafkaProducer], topics: TopicNames
    ) -> None:
        self._store = store
        self._new_producer = new_producer
        self._topics = topics
        self._producer: AIOKafkaProducer | None = None
        self._waiting: dict[str, deque[tuple[int, bytes]]] = {}
        self._work = asyncio.Event()

    def size(self, shard: str) -> int:
        """Entries of a shard that the broker has not taken yet."""
        return len(self._waiting.get(shard, ()))

    async def assign(self, shards: Sequence[str]) -> None:
        """Own exactly these shards: read the entries that their last owner left behind."""
        self._waiting = {shard: deque(await self._left_behind(shard)) for shard in shards}
        self._work.set()

    def put(self, shard: str, entries: Sequence[tuple[int, bytes]]) -> None:
        """Entries that were just committed, in the order of their numbers."""
        if entries:
            self._waiting[shard].extend(entries)
            self._work.set()

    async def run(self) -> None:
        """Send for ever; connection trouble is waited out, nothing is lost by it."""
        while True:
            await self._work.wait()
            self._work.clear()
            while any(self._waiting.values()):
                try:
                    await self._send_all()
                except KafkaError as exc:
                    log.warning("outbox_waits_for_broker", reason=str(exc) or type(exc).__name__)
                    await self._drop_producer()
                    await asyncio.sleep(RETRY_PAUSE_S)
                except StoreError as exc:  # taken by the broker and not forgotten: sent again
                    log.warning("outbox_waits_for_store", reason=str(exc))
                    await asyncio.sleep(RETRY_PAUSE_S)

    async def close(self) -> None:
        """Give the connection back; what is not sent stays in the store."""
        await self._drop_producer()

    async def _left_behind(self, shard: str) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        while True:
            after = found[-1][0] if found else 0
            page = await self._store.outbox(shard, after, READ_AT_ONCE)
            found.extend(page)
            if len(page) < READ_AT_ONCE:
                return found

    async def _send_all(self) -> None:
        """One round over all shards: send, await the broker, forget what it has taken."""
        producer = await self._running_producer()
        taken = {
            shard: list(entries)[:READ_AT_ONCE]
            for shard, entries in self._waiting.items()
            if entries
        }
        sending = _Sending(producer, self._topics)
        for shard, entries in taken.items():
            for number, data in entries:
                await sending.add(shard, number, decode_entry(data))
        failed = await sending.finish()
        upto = {}
        for shard, entries in taken.items():
            sent = [number for number, _ in entries if number < failed.get(shard, number + 1)]
            if sent:
                upto[shard] = sent[-1]
        await self._store.forget(upto)
        for shard, number in upto.items():
            waiting = self._waiting.get(shard)
            while waiting and waiting[0][0] <= number:
                waiting.popleft()
        if failed:
            raise KafkaError(f"not taken by the broker: {sorted(failed)}")

    async def _running_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = self._new_producer()
            await self._producer.start()
        return self._producer

    async def _drop_producer(self) -> None:
        """A producer that met an error may be of no use any more: the next round has a new one."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                await asyncio.wait_for(producer.stop(), timeout=5)
            except (KafkaError, TimeoutError):
                log.warning("outbox_producer_did_not_stop")


class _Sending:
    """Entries packed into one Kafka batch after the other, a partition of a topic each.

    A partition's next packet waits for the one before: one that went through after one that did not
    would turn their order round.
    """

    def __init__(self, producer: AIOKafkaProducer, topics: TopicNames) -> None:
        self._producer = producer
        self._topics = topics
        self._open: dict[tuple[str, int], _Packet] = {}
        self._sent: dict[tuple[str, int], tuple[Awaitable[RecordMetadata], Mapping[str, int]]] = {}
        self._failed: dict[str, int] = {}

    async def add(self, shard: str, number: int, entry: Entry) -> None:
        topic = self._topics.physical(entry.topic)
        place = topic, await self._partition(topic, entry)
        packet = self._open.get(place)
        if packet is None or not packet.append(entry, shard, number):
            if packet is not None:
                await self._flush(place)
            packet = self._open[place] = _Packet(self._producer)
            if not packet.append(entry, shard, number):
                raise KafkaError(f"an outbox entry for {topic} is larger than a Kafka batch")

    async def finish(self) -> dict[str, int]:
        """Wait for the broker; per shard the number of the first entry that it did not take."""
        for place in list(self._open):
            await self._flush(place)
        for place in list(self._sent):
            await self._taken(place)
        return self._failed

    async def _flush(self, place: tuple[str, int]) -> None:
        packet = self._open.pop(place)
        if place in self._sent and not await self._taken(place):
            return self._fail(packet.first)
        topic, partition = place
        future = await self._producer.send_batch(packet.batch, topic, partition=partition)
        self._sent[place] = future, packet.first

    async def _taken(self, place: tuple[str, int]) -> bool:
        future, first = self._sent[place]
        try:
            await future
        except KafkaError:
            self._fail(first)
            return False
        return True

    def _fail(self, first: Mapping[str, int]) -> None:
        for shard, number in first.items():
            self._failed[shard] = min(number, self._failed.get(shard, number))

    async def _partition(self, topic: str, entry: Entry) -> int:
        if entry.partition is not None:
            return entry.partition
        partitions = await self._producer.partitions_for(topic)
        return partition_of(entry.key or b"", len(partitions))


class _Packet:
    def __init__(self, producer: AIOKafkaProducer) -> None:
        self.batch = producer.create_batch()
        self.first: dict[str, int] = {}
        """Shard -> number of its first entry in here."""

    def append(self, entry: Entry, shard: str, number: int) -> bool:
        appended = self.batch.append(
            key=entry.key, value=entry.value, timestamp=None, headers=list(entry.headers)
        )
        if appended is None:
            return False
        self.first.setdefault(shard, number)
        return True
