"""Answers of reps as touchpoints: ``alert.feedback`` and ``action.outcome`` into Kafka."""

import asyncio
from collections.abc import Mapping
from typing import Protocol
from uuid import uuid4

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from touchstream.agents.feedback import Origin, touchpoint
from touchstream.agents.kafka import new_producer, physical_topics
from touchstream.agents.settings import Settings
from touchstream.schemas.topics import TOUCHPOINTS_TOPIC
from touchstream.schemas.units import Millis

SOURCE = "touchstream/console"
PATIENCE_S = 10.0
"""A rep waits for the broker so long, then is told that nothing was sent."""

log = structlog.get_logger()


class NotPublished(Exception):
    """The broker did not take an event."""


class EventPublisher(Protocol):
    """Takes events about a customer."""

    async def publish(
        self, customer: str, kind: str, data: Mapping[str, object], now_ms: Millis
    ) -> None:
        """Return once the event is durable; raises :class:`NotPublished`."""

    async def close(self) -> None:
        """Close all connections."""


class KafkaPublisher:
    """Implements ``EventPublisher`` with one producer, connected by the first event."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = physical_topics(settings.kafka)[TOUCHPOINTS_TOPIC]
        self._producer: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()

    async def publish(
        self, customer: str, kind: str, data: Mapping[str, object], now_ms: Millis
    ) -> None:
        event = touchpoint(customer, kind, data, Origin(SOURCE, uuid4().hex, now_ms))
        try:
            async with asyncio.timeout(PATIENCE_S):
                producer = await self._connected()
                await producer.send_and_wait(self._topic, event.value, key=event.key)
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("not_published", type=kind, error=type(error).__name__)
            # An idempotent producer that gave up is of no further use.
            await self._drop()
            raise NotPublished(type(error).__name__) from error

    async def close(self) -> None:
        await self._drop()

    async def _connected(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._producer is None:
                producer = new_producer(self._settings)
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def _drop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()
