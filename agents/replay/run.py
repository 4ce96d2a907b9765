"""Run history through the real agents.

Publish up to a tick, publish the tick, wait for the learner, go on.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import orjson
from aiokafka import AIOKafkaConsumer

from touchstream.agents.checkpoint import Checkpoint
from touchstream.agents.history.lines import Line, LinesError
from touchstream.agents.history.pacer import Publish, TickAt
from touchstream.agents.history.steps import Step
from touchstream.agents.kafka import client_options, physical_topics
from touchstream.agents.received import RECEIVED_HEADER
from touchstream.agents.replay.background import running
from touchstream.agents.replay.collector import RULES_FILE, Collector, Listener
from touchstream.agents.replay.outputs import SUMMARY_FILE, fingerprints
from touchstream.agents.replay.phase import Phase, Show
from touchstream.agents.replay.runtime import Workforce
from touchstream.agents.replay.sender import (
    LARGEST_LINE,
    UNREAD_BYTES,
    PublishedPartition,
    Sender,
    open_sender,
    received_headers,
)
from touchstream.agents.replay.states import write_states
from touchstream.agents.replay.summary import alarms_summary, summary
from touchstream.agents.replay.waiting import AgentsProgress
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Store
from touchstream.agents.wiring import tick_secret
from touchstream.schemas.rules import Rules
from touchstream.schemas.shards import shard_names
from touchstream.schemas.tick import ActiveConfig, Tick, encode_tick
from touchstream.schemas.units import Millis
from touchstream.streams.emit.identity import pseudonym
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.intake.partitioner import partition_of

SUPERVISE_EVERY_S = 0.5


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
        more: Mapping[str, object] | None = None,
    ) -> None:
        """``more`` stands in the summary beside what the run found."""
        self._settings = settings
        self._store = store
        self._workforce = workforce
        self._folder = folder
        self._show = show
        self._on_record = on_record
        self._more = more or {}
        self._rules: Rules = settings.rules
        self._partitions = settings.kafka.partitions
        self._progress = AgentsProgress(store, self._partitions)
        self._published = [PublishedPartition() for _ in range(self._partitions)]
        self._customers: dict[str, str] = {}
        """Pseudonym -> customer, of every key published."""
        self._tick = 0
        """The last tick that every partition was sent."""
        self._ticks = [0] * self._partitions
        self._records = 0
        self._now_ms: Millis | None = None

    async def run(self, steps: AsyncIterator[Step]) -> dict[str, object]:
        """Take the steps one by one, write all outputs, return the summary."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / RULES_FILE).write_bytes(self._rules.to_text())
        # The learner stores the rules as well, but the first tick may come earlier.
        await self._store.put_text(self._rules.digest(), self._rules.to_text())
        async with AsyncExitStack() as stack:
            collector = await stack.enter_async_context(self._collector())
            reading = await stack.enter_async_context(running(collector.run()))
            await stack.enter_async_context(running(self._supervise()))
            self._show(Phase("starting", 0, 0, None))
            await self._progress.wait_started()
            started = time.monotonic()
            await self._publish(steps)
            await self._progress.wait_drained(self._published)
            await self._progress.wait_learnt(self._tick)
            seconds = time.monotonic() - started
            # The collector reads the rest itself, up to the present ends.
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
            await collector.finish()
            self._show(Phase("writing", self._records, self._tick, self._now_ms))
            shards = shard_names(self._partitions)
            customers = await write_states(self._store, shards, self._folder, collector)
            collector.flush()
            found = summary(
                await self._progress.shard_checkpoints(),
                await self.checkpoint(),
                seconds=seconds,
                ticks=self._tick,
                customers=customers,
                emissions=collector.counts,
                alarms=alarms_summary(self._folder, self._rules),
            )
        found |= {**self._more, "files": fingerprints(self._folder)}
        (self._folder / SUMMARY_FILE).write_bytes(
            orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        )
        return found

    async def checkpoint(self) -> Checkpoint | None:
        """The learner's checkpoint with all it knows; None before its first commit."""
        return await self._progress.learner_checkpoint()

    async def _publish(self, steps: AsyncIterator[Step]) -> None:
        async with open_sender(self._settings.kafka) as sender:
            async for step in steps:
                match step:
                    case Publish():
                        await self._publish_line(sender, step.line, step.received_ms)
                    case TickAt():
                        if not step.skippable or await self._is_due(sender, step.time_ms):
                            await self._publish_tick(sender, step.time_ms)
            await sender.flush()

    async def _publish_line(self, sender: Sender, line: Line, received_ms: Millis) -> None:
        partition = self._partition(line)
        if line.tick:
            number = int(orjson.loads(line.value)["data"]["number"])
            self._ticks[partition] = max(self._ticks[partition], number)
            self._tick = min(self._ticks)  # a recording may end between two partitions
        if line.key is not None:
            self._remember(line.key)
        published, value = self._published[partition], line.value[:LARGEST_LINE]
        # The embedded broker would silently drop the oldest unread records.
        if published.unread_bytes + len(value) > UNREAD_BYTES:
            await sender.flush()
            await self._progress.wait_consumed(partition, published)
        # A recording of a replay carries the header already.
        own = [header for header in line.headers if header[0] != RECEIVED_HEADER]
        await sender.send(partition, line.key, value, [*own, *received_headers(received_ms)])
        published.add(len(value))
        self._records += not line.tick

    async def _publish_tick(self, sender: Sender, time_ms: Millis) -> None:
        """Publish the next tick, naming the version that the learner made of the one before."""
        await sender.flush()
        await self._progress.wait_learnt(self._tick)
        position = await self._progress.position()
        self._tick += 1
        self._now_ms = time_ms
        active_config = ActiveConfig(
            model_version=position.version, rules=self._rules.digest(), features=FEATURES.digest
        )
        tick = Tick(number=self._tick, time_ms=time_ms, active_config=active_config)
        value = encode_tick(tick, tick_secret(self._settings))
        for partition, published in enumerate(self._published):
            await sender.send(partition, None, value, received_headers(time_ms))
            published.add(len(value))
        await sender.flush()
        self._show(Phase("replaying", self._records, self._tick, self._now_ms))

    async def _is_due(self, sender: Sender, time_ms: Millis) -> bool:
        """Whether a tick would find a customer due; without any it changes nothing."""
        await sender.flush()
        await self._progress.wait_applied(self._published)
        return await self._progress.is_due(time_ms)

    def _partition(self, line: Line) -> int:
        if line.partition is not None:
            if line.partition >= self._partitions:
                raise LinesError(
                    f"recorded on partition {line.partition}, the topic has {self._partitions}: "
                    "replay a recorded log with as many partitions as it had (--partitions)"
                )
            return line.partition
        # Without a key it ends as a dead letter wherever it lies; spread such lines.
        if line.key is None:
            return self._records % self._partitions
        return partition_of(line.key, self._partitions)

    def _remember(self, key: bytes) -> None:
        customer = key.decode(errors="replace")
        self._customers.setdefault(pseudonym(customer, self._rules.seed), customer)

    async def _supervise(self) -> None:
        while True:
            self._workforce.look()
            await asyncio.sleep(SUPERVISE_EVERY_S)

    def _collector(self) -> Collector:
        consumer = AIOKafkaConsumer(
            **client_options(self._settings.kafka), enable_auto_commit=False, fetch_max_wait_ms=100
        )
        return Collector(
            consumer,
            physical_topics(self._settings.kafka),
            self._partitions,
            self._folder,
            lambda name: self._customers.get(name, name),
            list(self._rules.all_targets)[1:],
            self._on_record,
        )
