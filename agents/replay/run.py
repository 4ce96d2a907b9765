"""Run history through the real agents.

Publish up to a tick, the tick, wait for the learner, go on.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from touchstream.agents.active_config import LEARNER
from touchstream.agents.checkpoint import POSITION, Checkpoint, Position, decode_learner_checkpoint
from touchstream.agents.kafka import client_options, physical_topics
from touchstream.agents.received import RECEIVED_HEADER
from touchstream.agents.replay.collector import Collector, Listener, score_line
from touchstream.agents.replay.history import Step
from touchstream.agents.replay.lines import Line, LinesError
from touchstream.agents.replay.pacer import Publish, TickAt
from touchstream.agents.replay.runtime import Workforce
from touchstream.agents.replay.summary import summary
from touchstream.agents.settings import Settings
from touchstream.agents.state_view import as_json
from touchstream.agents.stores.base import Read, Store
from touchstream.agents.wiring import tick_secret
from touchstream.schemas.rules import Rules
from touchstream.schemas.tick import ActiveConfig, Tick, encode_tick
from touchstream.schemas.topics import TOUCHPOINTS_TOPIC
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.checkpoint import ShardCheckpoint, decode_checkpoint
from touchstream.streams.emit.identity import pseudonym
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.learn.snapshot import CHURN
from touchstream.streams.projections.read import churn_of, targets_of
from touchstream.streams.state import decode as decode_state

POLL_S = 0.004
LOOK_EVERY_S = 1.0
CREW_EVERY_S = 0.5
UNREAD_BYTES = 2 * 1024 * 1024
"""Published and not consumed, per partition: the embedded broker drops what is older than 5 MB."""
PACKET_BYTES = 256 * 1024
LARGEST_LINE = 600 * 1024
"""A longer line is published cut: no broker takes it whole, and as a dead letter it ends anyway.

Above what an event may have and a letter keeps, so the letter is the same (decision 0014).
"""
STALLED_S = 180.0
PAGE = 500


class Stalled(RuntimeError):
    """The agents stopped moving; the message says where."""


class Phase(NamedTuple):
    """How far the replay is."""

    name: str
    records: int
    ticks: int
    time_ms: Millis | None


Show = Callable[[Phase], None]


class Replay:
    """One replay in a namespace of its own, on services that run already."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        workforce: Workforce,
        folder: Path,
        show: Show,
        on_record: Listener | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._workforce = workforce
        self._folder = folder
        self._show = show
        self._on_record = on_record
        self._rules: Rules = settings.rules
        self._topics = physical_topics(settings.kafka)
        self._partitions = settings.kafka.partitions
        self._published = [_Published() for _ in range(self._partitions)]
        self._customers: dict[str, str] = {}
        self._tick = 0
        self._ticks = [0] * self._partitions
        self._records = 0
        self._now_ms: Millis | None = None

    async def run(self, steps: AsyncIterator[Step]) -> dict[str, object]:
        """Take the steps one by one, write all outputs, return the summary."""
        self._folder.mkdir(parents=True, exist_ok=True)
        await self._store.put_text(self._rules.digest(), self._rules.to_text())
        async with AsyncExitStack() as stack:
            collector = await stack.enter_async_context(self._collector())
            reading = await stack.enter_async_context(_beside(collector.run()))
            await stack.enter_async_context(_beside(self._look_after_crew()))
            self._show(Phase("starting", 0, 0, None))
            await self._ready()
            started = time.monotonic()
            await self._publish(steps)
            await self._drain()
            seconds = time.monotonic() - started
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
            await collector.finish()
            self._show(Phase("writing", self._records, self._tick, self._now_ms))
            customers = await self._write_states(collector)
            found = summary(
                [checkpoint for checkpoint in await self._standings()],
                await self.checkpoint(),
                seconds=seconds,
                ticks=self._tick,
                customers=customers,
                emissions=collector.counts,
            )
        (self._folder / "summary.json").write_bytes(
            orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        )
        return found

    async def _publish(self, steps: AsyncIterator[Step]) -> None:
        async with self._producer() as sender:
            async for step in steps:
                await self._step(sender, step)
            await sender.flush()

    async def _step(self, sender: "_Sender", step: Publish | TickAt) -> None:
        if isinstance(step, Publish):
            partition = self._partition(step.line)
            if step.line.tick:
                number = int(orjson.loads(step.line.value)["data"]["number"])
                self._ticks[partition] = max(self._ticks[partition], number)
                self._tick = min(self._ticks)  # a recording may end between two partitions
            await self._line(sender, step.line, partition, step.received_ms)
            return
        await sender.flush()
        await self._learnt(self._tick)
        here = await self._here()
        self._tick += 1
        self._now_ms = step.time_ms
        active_config = ActiveConfig(
            model_version=here.version, rules=self._rules.digest(), features=FEATURES.digest
        )
        tick = Tick(number=self._tick, time_ms=step.time_ms, active_config=active_config)
        value = encode_tick(tick, tick_secret(self._settings))
        for partition in range(self._partitions):
            await sender.send(partition, None, value, _headers(step.time_ms))
            self._published[partition].count(len(value))
        await sender.flush()
        self._show(Phase("replaying", self._records, self._tick, self._now_ms))

    async def _line(
        self, sender: "_Sender", line: Line, partition: int, received_ms: Millis
    ) -> None:
        if line.key is not None:
            self._remember(line.key)
        published, value = self._published[partition], line.value[:LARGEST_LINE]
        if published.unread_bytes(len(value)) > UNREAD_BYTES:
            await sender.flush()
            await self._consumed(partition)
        own = [header for header in line.headers if header[0] != RECEIVED_HEADER]
        headers = [*own, *_headers(received_ms)]
        await sender.send(partition, line.key, value, headers)
        published.count(len(value))
        self._records += not line.tick

    def _partition(self, line: Line) -> int:
        if line.partition is not None:
            if line.partition >= self._partitions:
                raise LinesError(
                    f"recorded on partition {line.partition}, the topic has {self._partitions}: "
                    "replay a recorded log with as many partitions as it had (--partitions)"
                )
            return line.partition
        if line.key is None:
            return self._records % self._partitions
        return partition_of(line.key, self._partitions)

    def _remember(self, key: bytes) -> None:
        customer = key.decode(errors="replace")
        self._customers.setdefault(pseudonym(customer, self._rules.seed), customer)

    async def _ready(self) -> None:
        """The clock of the measured time starts when the crew has started."""
        await self._until(self._has_started, "the workers to start")

    async def _has_started(self) -> bool:
        [checkpoint] = await self._store.read_checkpoints([LEARNER])
        return checkpoint.fence is not None

    async def _consumed(self, partition: int) -> None:
        """Wait until what the partition holds unread is little again."""
        published = self._published[partition]

        async def is_consumed() -> bool:
            [checkpoint] = await self._store.read_checkpoints([f"p{partition}"])
            published.consumed_upto(0 if checkpoint.fence is None else checkpoint.fence.offset)
            return published.unread_bytes(0) <= UNREAD_BYTES / 2

        await self._until(is_consumed, f"partition {partition} to be consumed")

    async def _learnt(self, number: int) -> None:
        async def has_learnt() -> bool:
            return (await self._here()).tick >= number

        if number:
            await self._until(has_learnt, f"tick {number} to be learnt")

    async def _drain(self) -> None:
        """Everything published is applied, learnt, and out of the outboxes."""

        async def is_drained() -> bool:
            checkpoints = await self._store.read_checkpoints(self._shards)
            for published, checkpoint in zip(self._published, checkpoints, strict=True):
                if (checkpoint.fence.offset if checkpoint.fence else 0) < published.next_offset:
                    return False
            left = [await self._store.outbox(shard, 0, 1) for shard in (*self._shards, LEARNER)]
            return not any(left)

        await self._until(is_drained, "everything to be applied")
        await self._learnt(self._tick)

    async def _until(self, reached: Callable[[], Awaitable[bool]], what: str) -> None:
        """Poll, as long as something moves; whether it does is asked seldom, for it costs more."""
        looked = moved = time.monotonic()
        before: object = None
        while not await reached():
            now_s = time.monotonic()
            if now_s - looked > LOOK_EVERY_S:
                looked = now_s
                now = [
                    checkpoint.fence
                    for checkpoint in await self._store.read_checkpoints(self._shards)
                ]
                if now != before:
                    moved, before = now_s, now
                if now_s - moved > STALLED_S:
                    raise Stalled(f"waited {STALLED_S:.0f} s for {what}; fences stand at {now}")
            await asyncio.sleep(POLL_S)

    async def _look_after_crew(self) -> None:
        while True:
            self._workforce.look()
            await asyncio.sleep(CREW_EVERY_S)

    async def _here(self) -> Position:
        [[data]] = await self._store.load([Read(LEARNER, [POSITION])])
        return Position(0, 0) if data is None else msgspec.json.decode(data, type=Position)

    async def checkpoint(self) -> Checkpoint | None:
        """How far the learner is, with all it knows; None before its first commit."""
        [checkpoint] = await self._store.read_checkpoints([LEARNER])
        return None if checkpoint.record is None else decode_learner_checkpoint(checkpoint.record)

    async def _standings(self) -> list[ShardCheckpoint]:
        found = await self._store.read_checkpoints(self._shards)
        return [decode_checkpoint(checkpoint.record) for checkpoint in found]

    @property
    def _shards(self) -> list[str]:
        return [f"p{partition}" for partition in range(self._partitions)]

    async def _write_states(self, collector: Collector) -> int:
        """``profiles.jsonl``, and the scores whose label is not known yet."""
        profiles = []
        async for customer, data in self._states():
            state = decode_state(data)
            profiles.append((customer, orjson.dumps(as_json(customer, state))))
            for target, ledger in {
                CHURN: churn_of(state).ledger,
                **targets_of(state).ledgers,
            }.items():
                for row in ledger:
                    line = score_line(customer, row.at_ms, row.risk, row.model_version, None)
                    collector.scores[target].write(orjson.dumps(line) + b"\n")
        with (self._folder / "profiles.jsonl").open("wb") as file:
            file.writelines(line + b"\n" for _, line in sorted(profiles))
        return len(profiles)

    async def _states(self) -> AsyncIterator[tuple[CustomerId, bytes]]:
        for shard in self._shards:
            seen: set[str] = set()
            cursor = -1
            while cursor:
                cursor, found = await self._store.ids(shard, max(cursor, 0), PAGE)
                fresh = sorted(set(found) - seen)
                seen.update(fresh)
                [states] = await self._store.load([Read(shard, fresh)])
                for customer, state in zip(fresh, states, strict=True):
                    if state is not None:
                        yield CustomerId(customer), state

    def _collector(self) -> Collector:
        consumer = AIOKafkaConsumer(
            **client_options(self._settings.kafka), enable_auto_commit=False, fetch_max_wait_ms=100
        )
        return Collector(
            consumer,
            self._topics,
            self._partitions,
            self._folder,
            lambda name: self._customers.get(name, name),
            [target.name for target in self._rules.targets],
            self._on_record,
        )

    @asynccontextmanager
    async def _producer(self) -> AsyncIterator["_Sender"]:
        producer = AIOKafkaProducer(
            **client_options(self._settings.kafka),
            enable_idempotence=True,
            max_batch_size=PACKET_BYTES,
            max_request_size=2 * LARGEST_LINE,
            linger_ms=0,
        )
        await producer.start()
        try:
            yield _Sender(producer, self._topics[TOUCHPOINTS_TOPIC])
        finally:
            await producer.stop()


class _Published:
    """What one partition was sent, and how much of it may still be unread."""

    def __init__(self) -> None:
        self.next_offset = 0
        self._bytes_upto: list[tuple[int, int]] = []
        self._unread = 0

    def count(self, size: int) -> None:
        self.next_offset += 1
        self._unread += size
        self._bytes_upto.append((self.next_offset, size))

    def unread_bytes(self, more: int) -> int:
        return self._unread + more

    def consumed_upto(self, offset: int) -> None:
        done = 0
        for upto, size in self._bytes_upto:
            if upto > offset:
                break
            self._unread -= size
            done += 1
        del self._bytes_upto[:done]


class _Sender:
    """Sends in order, a packet a partition, awaiting the broker at each flush."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self._pending: list[asyncio.Future[object]] = []

    async def send(
        self,
        partition: int,
        key: bytes | None,
        value: bytes,
        headers: list[tuple[str, bytes | None]],
    ) -> None:
        self._pending.append(
            await self._producer.send(self._topic, value, key, partition=partition, headers=headers)
        )

    async def flush(self) -> None:
        await self._producer.flush()
        for future in self._pending:
            future.result()
        self._pending.clear()


def _headers(received_ms: int) -> list[tuple[str, bytes | None]]:
    return [(RECEIVED_HEADER, str(received_ms).encode())]


@asynccontextmanager
async def _beside(
    work: Coroutine[None, None, None],
) -> AsyncIterator["asyncio.Task[None]"]:
    """Run ``work`` beside the block; should it fail, the block ends with its error."""
    owner = asyncio.current_task()
    task: asyncio.Task[None] = asyncio.create_task(work)
    failures: list[BaseException] = []

    def ended(done: "asyncio.Task[None]") -> None:
        if not done.cancelled() and done.exception() is not None and owner is not None:
            failures.append(done.exception())  # type: ignore[arg-type]
            owner.cancel()

    task.add_done_callback(ended)
    try:
        yield task
    except asyncio.CancelledError:
        if failures:
            raise failures[0] from None
        raise
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task
