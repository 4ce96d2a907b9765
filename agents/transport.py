"""Batches out of Kafka, from the fence on; the only module that relies on Faust's internals.

Stock Faust delivers one message per record (200 us each), acknowledges records whose agent raised,
and commits offsets past unprocessed ones. Here a Faust message is the list of records that one
fetch brought for one partition, and reading starts at the fence in Redis. Kafka's committed offsets
follow the fences, for lag monitors (decision 0005; the proof is ``tests/integration``).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import OffsetResetStrategy
from aiokafka.errors import OffsetOutOfRangeError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT
from faust.types.tuples import ConsumerMessage

from touchstream.agents.assignment import Batch, PartitionProcessor, Span, TopicPartition
from touchstream.agents.fatal import Refusal, die

FETCH_WAIT_MS = 20
"""How long the broker may hold a fetch open; Faust hard-codes 1,500 with one fetch in flight."""

EMBEDDED_FETCH_WAIT_MS = 4
"""The embedded broker sees new records only when the wait is over: a tick pays for it twice."""

FETCH_TIMEOUT_S = 0.02
NO_ROOM_PAUSE_S = 0.002
ASSIGN_TIMEOUT_S = 10.0
"""Below Faust's own limit (``broker_request_timeout``), after which it goes on half assigned."""


class _Thread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: "driver.Transport") -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # aiokafka has a public option for this, but Faust passes a fixed value.
        consumer._fetch_max_wait_ms = self.consumer.fetch_wait_ms
        return consumer


class BatchConsumer(driver.Consumer):
    """Delivers :class:`Batch`, starts at the fences, and commits no offset above them."""

    processor: PartitionProcessor
    linger_s: float
    fetch_wait_ms: int

    def _new_consumer_thread(self) -> _Thread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """One fetch of all partitions that have room."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        generation = self.app.consumer_generation_id
        started = time.monotonic()
        # Read before the fetch: a seek during it makes the batch void.
        epoch = self.processor.epoch
        # Faust's own flow control, at stream_buffer_maxsize, would block the other partitions.
        active = {
            tp for tp in self._get_active_partitions() if self.processor.has_room(_source(tp))
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
            yield self._message(Batch(_source(tp), batch, epoch, more), generation)
        # A small batch costs as much as a large one, so wait for the next to grow.
        await asyncio.sleep(max(0.0, self.linger_s - (time.monotonic() - started)))

    async def _fetch(self, active: set[TP]) -> Mapping[TP, Sequence[Any]] | None:
        try:
            found: Mapping[TP, Sequence[Any]] | None = await self._getmany(
                active_partitions=active, timeout=FETCH_TIMEOUT_S
            )
        except OffsetOutOfRangeError as exc:
            die("log_lost", Refusal(f"Kafka no longer holds the next record to read: {exc}"))
        return found

    def _lose_loudly(self, lose_loudly: bool) -> None:
        """Fail, instead of silently resetting a position that retention has overtaken."""
        strategy = OffsetResetStrategy.NONE if lose_loudly else OffsetResetStrategy.EARLIEST
        self._thread._ensure_consumer()._fetcher._default_reset_strategy = strategy

    def _is_outdated(self, generation: int) -> bool:
        moved_on = self.app.consumer_generation_id != generation
        return self.should_stop or not self.flow_active or moved_on

    def _message(self, batch: Batch, generation: int) -> tuple[TP, ConsumerMessage]:
        # Counted here rather than in work(): batches queue up inside Faust in between.
        self.processor.expect(batch)
        tp, last = TP(*batch.source), batch.records[-1]
        message = ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000,
            last.timestamp_type,
            (),
            None,
            batch,
            None,
            0,
            0,
            tp,
            generation_id=generation,
        )
        return tp, message

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Do nothing: offsets missing between two batches are not gaps to wait for."""

    def _filter_tps_with_pending_acks(self, topics: Iterable[Any] | None = None) -> Iterable[TP]:
        wanted = None if topics is None else set(topics)
        mine = [TP(*source) for source in self.processor.durable()]
        return [tp for tp in mine if wanted is None or tp in wanted or tp.topic in wanted]

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        # Faust would commit past a record that was not processed, so it may commit the fences only.
        durable = self.processor.durable()
        return {
            tp: durable[_source(tp)]
            for tp in tps
            if (self._committed_offset[tp] or -1) < durable.get(_source(tp), -1)
        }

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek to the fences; a refusal ends the process, because Faust would only log it."""
        try:
            # Only to learn the committed offsets: the positions are set again below.
            committed = dict(await super().seek_to_committed())
            mine = [tp for tp in self.assignment() if tp.topic in self.processor.topics]
            start = await self._assign(await self._spans(mine, committed))
            positions = {tp: start[_source(tp)] for tp in mine}
            if positions:
                await self.seek_wait(positions)
                self._lose_loudly(True)
        except Exception as exc:
            die("cannot_start", exc)
        self.processor.epoch += 1  # batches fetched before the seek come from elsewhere in the log
        return {**committed, **positions}

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish the current round and release all partitions before another owner begins."""
        # A rebalance resets positions by itself; that must not count as lost records.
        self._lose_loudly(False)
        await super().on_partitions_revoked(revoked)
        await self._assign({})

    async def _assign(self, spans: Mapping[TopicPartition, Span]) -> Mapping[TopicPartition, int]:
        """Hand the assignment to the processor; the process ends if that fails or takes too long.

        Faust would log the failure and go on with half an assignment.
        """
        self.processor.epoch += 1  # first, or a batch of the old epoch would meet the new shards
        try:
            return await asyncio.wait_for(self.processor.assign(spans), ASSIGN_TIMEOUT_S)
        except Exception as exc:
            die("cannot_start", exc)

    async def _spans(
        self, mine: Sequence[Any], committed: Mapping[Any, Any]
    ) -> dict[TopicPartition, Span]:
        if not mine:
            return {}
        earliest = await self.earliest_offsets(*mine)
        ends = await self.highwaters(*mine)
        return {_source(tp): Span(earliest[tp], ends[tp], _known(committed.get(tp))) for tp in mine}


def _source(tp: Any) -> TopicPartition:  # noqa: ANN401 - Faust's TP, or aiokafka's own
    return TopicPartition(tp.topic, tp.partition)


def _known(offset: Any) -> int | None:  # noqa: ANN401 - Faust says None or -1 for "nothing committed"
    return offset if isinstance(offset, int) and offset > 0 else None


def install(
    app: AppT, processor: PartitionProcessor, linger_ms: int, *, embedded: bool = False
) -> None:
    """Make ``app`` read the processor's topics in batches, from Kafka or the embedded broker."""
    attributes = {
        "processor": processor,
        "linger_s": linger_ms / 1000,
        "fetch_wait_ms": EMBEDDED_FETCH_WAIT_MS if embedded else FETCH_WAIT_MS,
    }
    consumer = type("Consumer", (BatchConsumer,), attributes)
    transport = type("Transport", (driver.Transport,), {"Consumer": consumer})
    app.transport = transport(app.conf.broker_consumer, app)


async def batches(stream: "faust.StreamT[Any]") -> AsyncIterator[list[Batch]]:
    """Yield all batches of one fetch together."""
    fetch: list[Batch] = []
    async for event in stream.events():
        batch: Batch = event.message.value
        fetch.append(batch)
        if not batch.more:
            yield fetch
            fetch = []
