"""The notifier's agent: alerts in, messages to people out, all it knows under one fence.

One process of its group works, the others stand by. A message is attempted first and its outcome
committed afterwards, so a crash repeats it, with the same id: a receiver gets it at least once, and
never under another id. Before every attempt the fence was committed, so a process that was replaced
sends at most what it had under way.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec
import structlog

from touchstream.agents.assignment import TopicPartition
from touchstream.agents.channels.message import Channel
from touchstream.agents.channels.message import Delivery as Outcome
from touchstream.agents.channels.sender import Sender
from touchstream.agents.fatal import Refusal, die
from touchstream.agents.fenced import (
    Claim,
    FencedAgent,
    FencedShard,
    LostFencePolicy,
    ShardUpdate,
)
from touchstream.agents.metrics import Metrics
from touchstream.agents.notifier.book import Book, Delivery
from touchstream.agents.notifier.compose import Composer
from touchstream.agents.notifier.directory import Directory
from touchstream.agents.notifier.events import apply
from touchstream.agents.notifier.outcomes import Destinations, after_attempt, ready_at
from touchstream.agents.notifier.record import NOTIFIER, NotifierRecord
from touchstream.agents.notifier.rounds import pass_time
from touchstream.agents.outbox import Outbox
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Read, Store
from touchstream.schemas.emissions.envelope import Emission, decode_emission
from touchstream.schemas.units import MINUTE_MS, Millis

BATCHES_IN_FLIGHT = 2
FOR_EVER_MS = 2**52
PAGE = 10_000
LOST_FENCE = LostFencePolicy(
    "newest",  # what was sent is not known any more, and nobody wants old alerts again
    "Alerts from now on are sent",
    "Alerts from now on are sent",
)

log = structlog.get_logger()


class NotifierShard(FencedShard):
    """The notifier's shard, behind the one partition of the alerts."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(claim)
        record = claim.record
        known = msgspec.json.decode(record, type=NotifierRecord) if record else NotifierRecord()
        self.sequences = dict(known.sequences)
        self.waiting: list[tuple[Emission, str]] = []
        """Events that are read and not entered yet."""
        self.book = Book()

    def record(self) -> bytes:
        """The record to commit."""
        return msgspec.json.encode(NotifierRecord(self.sequences))


class Notifier(FencedAgent[NotifierShard]):
    """Keeps the book of alerts, and sends what it says."""

    repeats_work: ClassVar[bool] = False  # the book has changed in memory before the commit

    def __init__(
        self,
        topic: str,
        store: Store,
        outbox: Outbox,
        settings: Settings,
        channels: Mapping[str, Channel],
        metrics: Metrics,
        now_ms: Callable[[], Millis],
    ) -> None:
        super().__init__((topic,), store, outbox, metrics, LOST_FENCE, BATCHES_IN_FLIGHT)
        self._directory = Directory(settings)
        self._composer = Composer(self._directory, console_address(settings))
        self._destinations = Destinations(
            {one.name: digest_of(one.model_dump_json()) for one in settings.channels},
            frozenset(one.name for one in settings.channels if one.kind == "email"),
        )
        self._sender = Sender(channels)
        self._now_ms = now_ms
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._reassigned = -1
        """The minute in which it was last seen to who is away."""

    def shard_name(self, source: TopicPartition) -> str:
        if source.partition:
            raise Refusal(
                f"{source}: the alerts must lie in one partition; nothing was written there before "
                "this version: delete the topic, and `touchstream topics` makes it anew"
            )
        return NOTIFIER

    def restore(self, claim: Claim) -> NotifierShard:
        return NotifierShard(claim)

    async def on_assigned(self) -> None:
        """Read the book, and try at once what may have been under way."""
        await self._stop_sending()
        for shard in self.shards.values():
            shard.book = Book.read(await self._states())

    def accept(self, shard: NotifierShard, records: Sequence[Any]) -> None:
        """Hold the events until they are entered; foreign records are left out."""
        for record in records:
            shard.offset = record.offset + 1
            found = _decoded(record.value)
            if found is not None:
                shard.waiting.append(found)

    async def advance(self) -> None:
        """Enter what was read, and commit it."""
        for shard in self.shards.values():
            for emission, sequence in shard.waiting:
                name = sequence.partition(":")[0]
                if sequence > shard.sequences.get(name, ""):
                    shard.sequences[name] = sequence
                    apply(shard.book, self._directory, emission, self._now_ms())
            shard.waiting.clear()
            await self._commit(shard)

    async def tick(self, end: Callable[[TopicPartition], int]) -> None:
        """Let time pass, and start what is due.

        ``end`` gives the end of a partition: until all is read, an alert may be over already.
        """
        async with self.lock:
            if self.lag(end):
                return
            for shard in self.shards.values():
                now_ms = self._now_ms()
                minute = now_ms // MINUTE_MS
                pass_time(shard.book, self._directory, now_ms, reassign=minute != self._reassigned)
                self._reassigned = minute
                ready = ready_at(
                    shard.book,
                    self._composer,
                    self._destinations,
                    now_ms,
                    self._under_way.keys(),
                )
                # Before anything leaves: who has lost the fence must not send.
                await self.persist(lambda shard=shard: self._commit(shard))  # type: ignore[misc]
                for delivery in ready:
                    self._begin(shard, delivery)
            self.metrics.set("deliveries_waiting", self._count(lambda book: len(book.deliveries)))
            self.metrics.set("alerts_open", self._count(lambda book: len(book.notices)))

    async def close(self) -> None:
        """Give up what is under way: it is sent again after the next start."""
        await self._stop_sending()
        await self._sender.close()

    def _count(self, of: Callable[[Book], int]) -> int:
        return sum(of(shard.book) for shard in self.shards.values())

    def _begin(self, shard: NotifierShard, delivery: Delivery) -> None:
        task = asyncio.create_task(self._deliver(shard, delivery))
        self._under_way[delivery.key] = task
        task.add_done_callback(lambda _: self._under_way.pop(delivery.key, None))

    async def _deliver(self, shard: NotifierShard, delivery: Delivery) -> None:
        try:
            await self._attempt(shard, delivery)
        # As for every other step of an agent: the next start goes on from the fence.
        except Exception as exc:
            die("stopped", exc)

    async def _attempt(self, shard: NotifierShard, delivery: Delivery) -> None:
        assert delivery.message is not None  # by ready_at

        def wanted() -> bool:
            # The turn may come long after: the alert may be over, or the shard another's.
            return shard in self.shards.values() and shard.book.deliveries.get(key) == delivery

        key = delivery.key
        outcome = await self._sender.send_if(
            wanted,
            delivery.message,
            delivery.channel,
            delivery.address,
            attempt=delivery.attempts + 1,
        )
        if outcome is None:
            return
        self.metrics.count("deliveries", channel=delivery.channel, status=outcome.status)
        async with self.lock:
            # A shard that was given away in the meantime has another owner, who repeats this.
            if shard in self.shards.values():
                await self._enter(shard, delivery, outcome)

    async def _enter(self, shard: NotifierShard, delivery: Delivery, outcome: Outcome) -> None:
        after_attempt(
            shard.book, self._directory, self._destinations, delivery, outcome, self._now_ms()
        )
        await self.persist(lambda: self._commit(shard))

    async def _commit(self, shard: NotifierShard) -> None:
        states = shard.book.changes()
        offset = shard.fence.offset if shard.fence else -1
        if not states and offset == shard.offset:
            return
        # Every state has a timer: their sorted set lists them, without a scan of all keys.
        timers = {name: None if data is None else 0 for name, data in states.items()}
        await self.commit([ShardUpdate(shard, shard.offset, shard.record(), states, timers)])

    async def _states(self) -> list[tuple[str, bytes]]:
        names = await self.store.timers_until(NOTIFIER, FOR_EVER_MS, FOR_EVER_MS)
        found: list[tuple[str, bytes]] = []
        for first in range(0, len(names), PAGE):
            page = names[first : first + PAGE]
            [states] = await self.store.load([Read(NOTIFIER, page)])
            found += [(n, data) for n, data in zip(page, states, strict=True) if data is not None]
        return found

    async def _stop_sending(self) -> None:
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def console_address(settings: Settings) -> str:
    """Where the links of messages lead."""
    return settings.notifier.console_url.rstrip("/")


def digest_of(text: str) -> str:
    """A short name for settings that may hold secrets."""
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def _decoded(value: bytes | None) -> tuple[Emission, str] | None:
    """An event and its sequence; None for a record that is none of ours."""
    try:
        return None if value is None else decode_emission(value)
    except (ValueError, msgspec.MsgspecError):
        log.warning("foreign_record")
        return None
