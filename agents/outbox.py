"""Transactional outbox: publish the committed entries in order, then delete them."""

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
    """Maps logical topic names to physical ones."""

    names: Mapping[str, str]

    def physical(self, topic: str) -> str:
        return self.names.get(topic, topic)


class Outbox:
    """Sends the entries of this process's shards; after a failure, the same bytes again."""

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
        """Entries of a shard that the broker has not acknowledged yet."""
        return len(self._waiting.get(shard, ()))

    async def assign(self, shards: Sequence[str]) -> None:
        """Own exactly these shards: read the entries that their last owner left behind."""
        # Read again even if owned before: only the store knows which entries are still unsent.
        self._waiting = {shard: deque(await self._left_behind(shard)) for shard in shards}
        self._work.set()

    def put(self, shard: str, entries: Sequence[tuple[int, bytes]]) -> None:
        """Queue entries that were just committed, in the order of their numbers."""
        if entries:
            self._waiting[shard].extend(entries)
            self._work.set()

    async def run(self) -> None:
        """Send for ever; outages of broker and store are waited out."""
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
                except StoreError as exc:
                    # The entries are at the broker but not deleted, so they are sent again.
                    log.warning("outbox_waits_for_store", reason=str(exc))
                    await asyncio.sleep(RETRY_PAUSE_S)

    async def close(self) -> None:
        """Close the connection; unsent entries stay in the store."""
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
        """One round over all shards: send, await the broker, delete what it acknowledged."""
        producer = await self._running_producer()
        round_of = {
            shard: list(entries)[:READ_AT_ONCE]
            for shard, entries in self._waiting.items()
            if entries
        }
        sending = _Sending(producer, self._topics)
        for shard, entries in round_of.items():
            for number, data in entries:
                await sending.add(shard, number, decode_entry(data))
        failed = await sending.finish()
        upto = {}
        for shard, entries in round_of.items():
            sent = [number for number, _ in entries if number < failed.get(shard, number + 1)]
            if sent:
                upto[shard] = sent[-1]
        # Only now: an entry deleted before its acknowledgement could be lost in a crash.
        await self._store.forget(upto)
        for shard, number in upto.items():
            waiting = self._waiting.get(shard)
            while waiting and waiting[0][0] <= number:  # it may have been read again meanwhile
                waiting.popleft()
        if failed:
            raise KafkaError(f"not acknowledged by the broker: {sorted(failed)}")

    async def _running_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = self._new_producer()
            await self._producer.start()
        return self._producer

    async def _drop_producer(self) -> None:
        """Discard the producer: after an error an idempotent one may refuse all that follows."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                await asyncio.wait_for(producer.stop(), timeout=5)
            except (KafkaError, TimeoutError):
                log.warning("outbox_producer_did_not_stop")


class _Sending:
    """Packs entries into Kafka batches, one after the other for each partition of a topic.

    A partition's next batch waits for the one before: if that one failed and the next succeeded,
    the order would be lost.
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
        """Wait for the broker; return the first unacknowledged number of each failed shard."""
        for place in list(self._open):
            await self._flush(place)
        for place in list(self._sent):
            await self._is_acknowledged(place)
        return self._failed

    async def _flush(self, place: tuple[str, int]) -> None:
        packet = self._open.pop(place)
        if place in self._sent and not await self._is_acknowledged(place):
            return self._fail(packet.first)
        topic, partition = place
        future = await self._producer.send_batch(packet.batch, topic, partition=partition)
        self._sent[place] = future, packet.first

    async def _is_acknowledged(self, place: tuple[str, int]) -> bool:
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
        # The same partitioner as for touchpoints, so a customer has one partition in every topic.
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
