"""Publishing a history: its lines and the ticks between them, tick by tick with the learner."""

from collections.abc import AsyncIterator, Callable, Sequence

import orjson

from touchstream.agents.history.lines import Line, LinesError
from touchstream.agents.history.pacer import Publish, TickAt
from touchstream.agents.history.steps import Step
from touchstream.agents.replay.phase import Phase, Show
from touchstream.agents.replay.sender import (
    LARGEST_LINE,
    UNREAD_BYTES,
    PublishedPartition,
    Sender,
    open_sender,
    received_headers,
)
from touchstream.agents.replay.waiting import AgentsProgress
from touchstream.agents.settings import Settings
from touchstream.agents.wiring import tick_secret
from touchstream.schemas.tick import ActiveConfig, Tick, encode_tick
from touchstream.schemas.tick import Phase as TickPhase
from touchstream.schemas.units import Millis
from touchstream.streams.checkpoint import ShardCheckpoint
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.intake.log_phase import RECEIVED_HEADER
from touchstream.streams.intake.partitioner import partition_of


class Publisher:
    """Publishes steps to a namespace whose agents run, and goes on where its log ends."""

    def __init__(
        self,
        settings: Settings,
        progress: AgentsProgress,
        show: Show,
        on_key: Callable[[bytes], None] = lambda _: None,
        tick_phase: TickPhase = "live",
    ) -> None:
        self._settings = settings
        self._progress = progress
        self._show = show
        self._on_key = on_key
        self._tick_phase: TickPhase = tick_phase
        self._partitions = settings.kafka.partitions
        self.published = [PublishedPartition() for _ in range(self._partitions)]
        self.tick = 0
        """The last tick that every partition was sent."""
        self._ticks = [0] * self._partitions
        self.records = 0
        self.now_ms: Millis | None = None

    def go_on(self, tick: int, offsets: Sequence[int], records: int = 0) -> None:
        """Begin behind what the log holds: its last tick, the ends of its partitions."""
        self.tick, self._ticks = tick, [tick] * self._partitions
        self.published = [PublishedPartition(offset) for offset in offsets]
        self.records = records

    async def publish(self, steps: AsyncIterator[Step]) -> None:
        """Take the steps one by one; returns when the broker has everything."""
        async with open_sender(self._settings.kafka) as sender:
            async for step in steps:
                match step:
                    case Publish():
                        await self._publish_line(sender, step.line, step.received_ms)
                    case TickAt():
                        if not step.skippable or await self._is_due(sender, step.time_ms):
                            await self.publish_tick(sender, step.time_ms, self._tick_phase)
            await sender.flush()

    async def drained(self) -> None:
        """Wait until everything published is applied, emitted and learnt."""
        await self._progress.wait_drained(self.published)
        await self._progress.wait_learnt(self.tick)

    async def end(self, time_ms: Millis) -> None:
        """Publish a tick behind which the log is live."""
        async with open_sender(self._settings.kafka) as sender:
            await self.publish_tick(sender, time_ms, "live")

    async def repeat_tick(self, newest: ShardCheckpoint, partitions: Sequence[int]) -> None:
        """Send the tick that a shard has finished to the partitions that lack it."""
        assert newest.active_config is not None
        assert newest.watermark_ms is not None
        tick = Tick(
            number=newest.tick,
            time_ms=newest.watermark_ms,
            active_config=newest.active_config,
            phase=newest.phase,
        )
        value = encode_tick(tick, tick_secret(self._settings))
        async with open_sender(self._settings.kafka) as sender:
            for partition in partitions:
                await sender.send(partition, None, value, received_headers(tick.time_ms))
                self.published[partition].add(len(value))
            await sender.flush()

    async def publish_tick(self, sender: Sender, time_ms: Millis, phase: TickPhase) -> None:
        """Publish the next tick, naming the version that the learner made of the one before."""
        await sender.flush()
        await self._progress.wait_learnt(self.tick)
        position = await self._progress.position()
        self.tick += 1
        self.now_ms = time_ms
        active_config = ActiveConfig(
            model_version=position.version,
            rules=self._settings.rules.digest(),
            features=FEATURES.digest,
        )
        tick = Tick(number=self.tick, time_ms=time_ms, active_config=active_config, phase=phase)
        value = encode_tick(tick, tick_secret(self._settings))
        for partition, published in enumerate(self.published):
            await sender.send(partition, None, value, received_headers(time_ms))
            published.add(len(value))
        await sender.flush()
        self._show(Phase("replaying", self.records, self.tick, self.now_ms))

    async def _publish_line(self, sender: Sender, line: Line, received_ms: Millis) -> None:
        partition = placed(line, self.records, self._partitions)
        if line.tick:
            number = int(orjson.loads(line.value)["data"]["number"])
            self._ticks[partition] = max(self._ticks[partition], number)
            self.tick = min(self._ticks)  # a recording may end between two partitions
        if line.key is not None:
            self._on_key(line.key)
        published, value = self.published[partition], line.value[:LARGEST_LINE]
        # The embedded broker would silently drop the oldest unread records.
        if published.unread_bytes + len(value) > UNREAD_BYTES:
            await sender.flush()
            await self._progress.wait_consumed(partition, published)
        # A recording of a replay carries the header already.
        own = [header for header in line.headers if header[0] != RECEIVED_HEADER]
        await sender.send(partition, line.key, value, [*own, *received_headers(received_ms)])
        published.add(len(value))
        self.records += not line.tick

    async def _is_due(self, sender: Sender, time_ms: Millis) -> bool:
        """Whether a tick would find a customer due; without any it changes nothing."""
        await sender.flush()
        await self._progress.wait_applied(self.published)
        return await self._progress.is_due(time_ms)


def placed(line: Line, number: int, partitions: int) -> int:
    """The partition of a line, the ``number``-th of its history."""
    if line.partition is not None:
        if line.partition >= partitions:
            raise LinesError(
                f"recorded on partition {line.partition}, the topic has {partitions}: "
                "replay a recorded log with as many partitions as it had (--partitions)"
            )
        return line.partition
    # Without a key it ends as a dead letter wherever it lies; spread such lines.
    if line.key is None:
        return number % partitions
    return partition_of(line.key, partitions)
