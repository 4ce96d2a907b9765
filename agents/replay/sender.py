"""Publishing to the touchpoints topic, with a bound on what a partition may hold unread."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer

from touchstream.agents.kafka import client_options, physical_topics
from touchstream.agents.settings import KafkaSettings
from touchstream.schemas.topics import TOUCHPOINTS_TOPIC
from touchstream.schemas.units import Millis
from touchstream.streams.intake.log_phase import RECEIVED_HEADER

UNREAD_BYTES = 2 * 1024 * 1024
"""Bound on unread bytes per partition: the embedded broker silently drops all above 5 MB."""
PACKET_BYTES = 256 * 1024
LARGEST_LINE = 600 * 1024
"""A longer line is published truncated: no broker takes it whole, and it ends as a dead letter.

It is above an event's limit and above what a dead letter keeps, so the letter is the same
(decision 0014).
"""

Headers = list[tuple[str, bytes | None]]


class Sender:
    """Sends in order, one packet per partition, and awaits the broker at each flush."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self._pending: list[asyncio.Future[object]] = []

    async def send(self, partition: int, key: bytes | None, value: bytes, headers: Headers) -> None:
        """Hand a record to the producer; it may not be at the broker yet."""
        self._pending.append(
            await self._producer.send(self._topic, value, key, partition=partition, headers=headers)
        )

    async def flush(self) -> None:
        """Wait until the broker has everything; raises the first error it answered."""
        await self._producer.flush()
        for future in self._pending:
            future.result()
        self._pending.clear()


@asynccontextmanager
async def open_sender(kafka: KafkaSettings) -> AsyncIterator[Sender]:
    """A sender to the touchpoints topic with a producer of its own."""
    producer = AIOKafkaProducer(
        **client_options(kafka),
        enable_idempotence=True,
        max_batch_size=PACKET_BYTES,
        max_request_size=2 * LARGEST_LINE,
        # flush() is called often, and lingering would delay each one.
        linger_ms=0,
    )
    await producer.start()
    try:
        yield Sender(producer, physical_topics(kafka)[TOUCHPOINTS_TOPIC])
    finally:
        await producer.stop()


def received_headers(received_ms: Millis) -> Headers:
    """The header from which the workers of a replay take the time of receipt."""
    return [(RECEIVED_HEADER, str(received_ms).encode())]


class PublishedPartition:
    """Counts the records sent to a partition, and the bytes that may still be unread."""

    def __init__(self, next_offset: int = 0) -> None:
        self.next_offset = next_offset
        self.unread_bytes = 0
        self._sizes: list[tuple[int, int]] = []
        """(offset after the record, its bytes) of each record that may be unread."""

    def add(self, size: int) -> None:
        """Count a record that was sent."""
        self.next_offset += 1
        self.unread_bytes += size
        self._sizes.append((self.next_offset, size))

    def read_to(self, offset: int) -> None:
        """Count everything below ``offset`` as read."""
        done = 0
        for following, size in self._sizes:
            if following > offset:
                break
            self.unread_bytes -= size
            done += 1
        del self._sizes[:done]
