"""The only module that touches Faust's insides: batches out of Kafka, starting where Redis says.

Stock Faust hands over one message a record (200 us each), acks what raised, and commits past what
was not done. Here a Faust message is the list of records that one fetch brought for one partition;
reading starts at the fence in Redis; and what is committed to Kafka is only what is durable in
Redis, for lag monitors (docs/decisions/0005-batch-transport.md; tested in ``tests/integration``).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import faust
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import OffsetResetStrategy
from aiokafka.errors import OffsetOutOfRangeError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT
from faust.types.tuples import ConsumerMessage

from touchstream.agents.fatal import Refusal, die

FETCH_WAIT_MS = 20
"""How long the broker may hold a fetch open; Faust hard-codes 1,500 with one fetch in flight."""

FETCH_TIMEOUT_S = 0.02
NO_ROOM_PAUSE_S = 0.002
TAKE_PATIENCE_S = 10.0
"""Below Faust's own limit (``broker_request_timeout``), which would leave us half assigned."""


class Span(NamedTuple):
    """A partition that was assigned: what Kafka holds of it, and what the group has committed."""

    earliest: int
    end: int
    committed: int | None


class Batch(NamedTuple):
    """The records that one fetch brought for one partition."""

    partition: int
    records: Sequence[Any]
    """aiokafka ConsumerRecords in the order of their offsets, at least one."""
    epoch: int
    """Which seek it was read after; one of an earlier seek is void."""
    more: bool
    """The same fetch brought a further batch, which follows at once."""


class PartitionProcessor(Protocol):
    """Where batches are worked on.

    It knows where each partition stands, and how much it may hold.
    """

    topic: str
    """The physical topic."""
    epoch: int
    """Rises with every seek."""

    async def take(self, spans: Mapping[int, Span]) -> Mapping[int, int]:
        """Take over these partitions and give back all others.

        Return the offset to read each from.
        """

    def has_room(self, partition: int) -> bool:
        """Whether one more batch of the partition may be fetched now."""

    def expect(self, batch: Batch) -> None:
        """A batch is on its way."""

    def durable(self) -> Mapping[int, int]:
        """Per partition the offset up to which everything is durable in Redis."""


class _Thread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: "driver.Transport") -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer


class BatchConsumer(driver.Consumer):
    """Delivers :class:`Batch`, commits only what Redis holds, starts where Redis says."""

    processor: PartitionProcessor
    linger_s: float

    def _new_consumer_thread(self) -> _Thread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """One fetch of all partitions that have room.

        Faust's own pressure valve is never reached.
        """
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        generation = self.app.consumer_generation_id
        started = time.monotonic()
        epoch = self.processor.epoch
        active = {
            tp for tp in self._get_active_partitions() if self.processor.has_room(tp.partition)
        }
        if not active:
            await asyncio.sleep(NO_ROOM_PAUSE_S)
            return
        records = await self._fetch(active)
        if self._is_outdated(generation):
            return
        found = [(tp, batch) for tp, batch in (records or {}).items() if batch]
        for position, (tp, batch) in enumerate(found):
            if self._is_outdated(generation):
                return
            more = position < len(found) - 1
            yield self._message(Batch(tp.partition, batch, epoch, more), tp.topic, generation)
        await asyncio.sleep(max(0.0, self.linger_s - (time.monotonic() - started)))

    async def _fetch(self, active: set[TP]) -> Mapping[TP, Sequence[Any]] | None:
        try:
            found: Mapping[TP, Sequence[Any]] | None = await self._getmany(
                active_partitions=active, timeout=FETCH_TIMEOUT_S
            )
        except OffsetOutOfRangeError as exc:
            die("log_lost", Refusal(f"Kafka no longer holds what is to be read next: {exc}"))
        return found

    def _lose_loudly(self, lose_loudly: bool) -> None:
        """Between seek and rebalance no position may be reset behind our back (retention)."""
        strategy = OffsetResetStrategy.NONE if lose_loudly else OffsetResetStrategy.EARLIEST
        self._thread._ensure_consumer()._fetcher._default_reset_strategy = strategy

    def _is_outdated(self, generation: int) -> bool:
        moved_on = self.app.consumer_generation_id != generation
        return self.should_stop or not self.flow_active or moved_on

    def _message(self, batch: Batch, topic: str, generation: int) -> tuple[TP, ConsumerMessage]:
        self.processor.expect(batch)
        plain, last = TP(topic, batch.partition), batch.records[-1]
        message = ConsumerMessage(
            topic,
            batch.partition,
            last.offset,
            last.timestamp / 1000,
            last.timestamp_type,
            (),
            None,
            batch,
            None,
            0,
            0,
            plain,
            generation_id=generation,
        )
        return plain, message

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Offsets between two batches are not gaps."""

    def _filter_tps_with_pending_acks(self, topics: Iterable[Any] | None = None) -> Iterable[TP]:
        wanted = None if topics is None else set(topics)
        mine = [TP(self.processor.topic, partition) for partition in self.processor.durable()]
        return [tp for tp in mine if wanted is None or tp in wanted or tp.topic in wanted]

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        durable = self.processor.durable()
        return {
            tp: durable[tp.partition]
            for tp in tps
            if (self._committed_offset[tp] or -1) < durable.get(tp.partition, -1)
        }

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Ask the desk where to begin; a refusal ends the process, for Faust would only log it."""
        try:
            committed = dict(await super().seek_to_committed())
            mine = [tp for tp in self.assignment() if tp.topic == self.processor.topic]
            start = await self._take(await self._spans(mine, committed))
            positions = {tp: start[tp.partition] for tp in mine}
            if positions:
                await self.seek_wait(positions)
                self._lose_loudly(True)
        except Exception as exc:
            die("cannot_start", exc)
        self.processor.epoch += 1  # what was fetched before lies elsewhere in the log
        return {**committed, **positions}

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish the round that is under way and give back all, before another owner begins."""
        self._lose_loudly(False)
        await super().on_partitions_revoked(revoked)
        await self._take({})

    async def _take(self, spans: Mapping[int, Span]) -> Mapping[int, int]:
        """Raise the epoch first, or a batch of the old one would meet the new shards.

        A desk held up by an outage starts anew: Faust would log it and go on half assigned.
        """
        self.processor.epoch += 1
        try:
            return await asyncio.wait_for(self.processor.take(spans), TAKE_PATIENCE_S)
        except Exception as exc:
            die("cannot_start", exc)

    async def _spans(self, mine: Sequence[Any], committed: Mapping[Any, Any]) -> dict[int, Span]:
        if not mine:
            return {}
        earliest = await self.earliest_offsets(*mine)
        ends = await self.highwaters(*mine)
        return {
            tp.partition: Span(earliest[tp], ends[tp], _known(committed.get(tp))) for tp in mine
        }


def _known(offset: Any) -> int | None:  # noqa: ANN401 - Faust says None or -1 for "nothing committed"
    return offset if isinstance(offset, int) and offset > 0 else None


def install(app: AppT, processor: PartitionProcessor, linger_ms: int) -> None:
    """Make ``app`` read its topic in batches for ``desk``."""
    consumer = type("Consumer", (BatchConsumer,), {"desk": processor, "linger_s": linger_ms / 1000})
    transport = type("Transport", (driver.Transport,), {"Consumer": consumer})
    app.transport = transport(app.conf.broker_consumer, app)


async def batches(stream: "faust.StreamT[Any]") -> AsyncIterator[list[Batch]]:
    """What the agent iterates over: all batches of one fetch together."""
    fetch: list[Batch] = []
    async for event in stream.events():
        batch: Batch = event.message.value
        fetch.append(batch)
        if not batch.more:
            yield fetch
            fetch = []
