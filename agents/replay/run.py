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
from touchstream.agents.history.steps import Step
from touchstream.agents.kafka import client_options, physical_topics
from touchstream.agents.replay.background import running
from touchstream.agents.replay.collector import RULES_FILE, Collector, Listener
from touchstream.agents.replay.outputs import SUMMARY_FILE, fingerprints
from touchstream.agents.replay.phase import Phase, Show
from touchstream.agents.replay.publisher import Publisher
from touchstream.agents.replay.runtime import Workforce, supervise
from touchstream.agents.replay.states import write_states
from touchstream.agents.replay.summary import alarms_summary, summary
from touchstream.agents.replay.waiting import AgentsProgress
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Store
from touchstream.schemas.rules import Rules
from touchstream.schemas.shards import shard_names
from touchstream.streams.emit.identity import pseudonym


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
        self._publisher = Publisher(settings, self._progress, show, self._remember)
        self._customers: dict[str, str] = {}
        """Pseudonym -> customer, of every key published."""

    async def run(self, steps: AsyncIterator[Step]) -> dict[str, object]:
        """Take the steps one by one, write all outputs, return the summary."""
        publisher = self._publisher
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / RULES_FILE).write_bytes(self._rules.to_text())
        # The learner stores the rules as well, but the first tick may come earlier.
        await self._store.put_text(self._rules.digest(), self._rules.to_text())
        async with AsyncExitStack() as stack:
            collector = await stack.enter_async_context(self._collector())
            reading = await stack.enter_async_context(running(collector.run()))
            await stack.enter_async_context(running(supervise(self._workforce)))
            self._show(Phase("starting", 0, 0, None))
            await self._progress.wait_started()
            started = time.monotonic()
            await publisher.publish(steps)
            await publisher.drained()
            seconds = time.monotonic() - started
            # The collector reads the rest itself, up to the present ends.
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
            await collector.finish()
            self._show(Phase("writing", publisher.records, publisher.tick, publisher.now_ms))
            shards = shard_names(self._partitions)
            customers = await write_states(self._store, shards, self._folder, collector)
            collector.flush()
            found = summary(
                await self._progress.shard_checkpoints(),
                await self.checkpoint(),
                seconds=seconds,
                ticks=publisher.tick,
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

    def _remember(self, key: bytes) -> None:
        customer = key.decode(errors="replace")
        self._customers.setdefault(pseudonym(customer, self._rules.seed), customer)

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
