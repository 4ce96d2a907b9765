"""The learner's desk: examples in, versions and ticks out, all under one fence.

It waits until every shard has passed tick n, learns that tick's examples in a fixed order, and
publishes a version. Its fence is the offset of the oldest record that is not learnt yet, so what
it holds in memory is always read again after a crash.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from touchstream.agents.active_config import LEARNER, about_id, stored, version_id
from touchstream.agents.checkpoint import (
    POSITION,
    About,
    Checkpoint,
    LearnerProgress,
    Position,
    decode_learner_checkpoint,
)
from touchstream.agents.fatal import Refusal
from touchstream.agents.metrics import Metrics
from touchstream.agents.outbox import Outbox
from touchstream.agents.serving import Serving, named, wanted
from touchstream.agents.stores.base import Commit, Fence, FenceLost, Read, Store, StoreError
from touchstream.agents.transport import Batch, Span
from touchstream.schemas.emissions.envelope import encode_emission
from touchstream.schemas.examples import Example, decode_example
from touchstream.schemas.rules import Rules
from touchstream.schemas.tick import ActiveConfig, Tick, encode_tick
from touchstream.schemas.topics import TOUCHPOINTS_TOPIC
from touchstream.schemas.units import Millis
from touchstream.streams.emit.signal import model_signal
from touchstream.streams.features.catalogue import FEATURES
from touchstream.streams.learn.knowledge import Knowledge
from touchstream.streams.learn.learner import TickCompleted as Learnt
from touchstream.streams.learn.learner import pass_tick, version_of
from touchstream.streams.learn.snapshot import seal
from touchstream.streams.outbox import Entry, encode_entry

GAP_PATIENCE_S = 60.0
BATCHES_IN_FLIGHT = 2
OUTAGE_PAUSE_S = 1.0
MOST_TICKS_AHEAD = 100
"""Ticks that the shards may be behind before the learner writes no further one."""

SCORES = ("log_loss", "roc_auc", "average_precision", "brier", "ece")
SWEEP_EVERY_TICKS = 100
KEPT_TICKS = 3 * MOST_TICKS_AHEAD
"""Versions of so many ticks stay; a tick names one that is at most MOST_TICKS_AHEAD old."""
MILESTONE_EVERY_TICKS = 8_600
"""About a day of ticks, one in 10 s; a multiple of SWEEP_EVERY_TICKS."""
MILESTONES = 30
"""Versions of old that stay to go back to; at most 64 KiB each."""

log = structlog.get_logger()


def sweep(checkpoint: Checkpoint, wish: Collection[int] = ()) -> tuple[Checkpoint, Sequence[int]]:
    """The versions that no tick can name any more, and the record without them.

    Every shard has passed the tick that was just learnt, and later ticks name later versions, or
    one that an operator wishes for. A Redis that is put back brings the versions of its time along.
    """
    now, newest = checkpoint.knowledge.tick, checkpoint.knowledge.version
    versions_by_tick = {**checkpoint.versions_by_tick, now: newest}
    oldest = max((tick for tick in versions_by_tick if tick <= now - KEPT_TICKS), default=0)
    keep_from = versions_by_tick.get(oldest, 0)
    pins = {version: tick for version, tick in checkpoint.pins.items() if tick > now - KEPT_TICKS}
    milestones = checkpoint.milestones
    if newest and now % MILESTONE_EVERY_TICKS == 0:
        milestones = [*milestones[1 - MILESTONES :], newest]
    old = [*checkpoint.spared, *range(checkpoint.swept + 1, keep_from)]
    wish = [version for version in wish if version >= checkpoint.oldest]
    spared = {*wish, *pins, *milestones}
    after = msgspec.structs.replace(
        checkpoint,
        versions_by_tick={
            tick: version for tick, version in versions_by_tick.items() if tick >= oldest
        },
        swept=max(checkpoint.swept, keep_from - 1),
        spared=[version for version in old if version in spared],
        milestones=milestones,
        pins=pins,
    )
    return after, [version for version in old if version not in spared]


class _Place(Struct):
    """What every format of the knowledge has."""

    tick: int = 0
    passed: dict[str, int] = {}
    version: int = 0


class _Older(LearnerProgress):
    """The learner's record, whatever it knew."""

    knowledge: _Place


class Held:
    """Records read and not learnt yet, and how far each shard is.

    Rebuilt from the topic after a crash.
    """

    def __init__(self, passed: Mapping[str, int], shards: Sequence[str]) -> None:
        self._shards = shards
        self._last = {shard: passed.get(shard, 0) for shard in shards}
        self._passed: dict[str, list[tuple[int, int]]] = {shard: [] for shard in shards}
        self._examples: dict[int, list[Example]] = defaultdict(list)
        self._offsets: dict[str, list[tuple[int, int]]] = {shard: [] for shard in shards}
        self.gap_since: float | None = None

    def offer(self, offset: int, value: bytes, now_s: float) -> None:
        """Take one record. What was seen is dropped.

        What comes too early is dropped too: its shard sends it again.

        Raises :class:`Refusal` when a gap does not close, or for a record that no shard has
        written.
        """
        try:
            record = decode_example(value)
            last = self._last[record.shard]
        except (msgspec.DecodeError, KeyError) as exc:
            raise Refusal(
                f"offset {offset} of the examples was written by no shard: {exc}"
            ) from exc
        if record.sequence <= last:
            return
        if record.sequence > last + 1:
            return self._gap(record.shard, last, record.sequence, now_s)
        self.gap_since = None
        self._last[record.shard] = record.sequence
        self._offsets[record.shard].append((record.sequence, offset))
        if isinstance(record, Example):
            self._examples[record.tick].append(record)
        else:
            self._passed[record.shard].append((record.tick, record.sequence))

    def ready(self, number: int) -> bool:
        """Whether every shard has passed tick ``number``."""
        return all(passed and passed[-1][0] >= number for passed in self._passed.values())

    def take(self, number: int, before: Mapping[str, int]) -> tuple[list[Example], dict[str, int]]:
        """The examples of a tick that is ready.

        And per shard the sequence up to which all is learnt.

        ``before`` is that of the tick before; a shard that skipped the number stays where it was.
        """
        sequences = {}
        for shard, passed in self._passed.items():
            reached = [sequence for tick, sequence in passed if tick <= number]
            sequences[shard] = max(reached, default=before.get(shard, 0))
            self._passed[shard] = [mark for mark in passed if mark[0] > number]
            learnt = sequences[shard]
            self._offsets[shard] = [mark for mark in self._offsets[shard] if mark[0] > learnt]
        return self._examples.pop(number, []), sequences

    def oldest(self, otherwise: int) -> int:
        """Offset of the oldest record that is held; ``otherwise`` when none is."""
        return min(
            (
                versions_by_tick[0][1]
                for versions_by_tick in self._offsets.values()
                if versions_by_tick
            ),
            default=otherwise,
        )

    def _gap(self, shard: str, last: int, found: int, now_s: float) -> None:
        if self.gap_since is None:
            self.gap_since = now_s
            log.warning("examples_gap", shard=shard, last=last, found=found)
        if now_s - self.gap_since > GAP_PATIENCE_S:
            raise Refusal(
                f"examples of shard {shard} after {last} are missing ({found} came) and nobody "
                "sends them: was the topic touchstream.examples cut? It must keep everything"
            )


class Learner:
    """Implements ``Desk`` for the examples topic."""

    def __init__(
        self,
        topic: str,
        store: Store,
        outbox: Outbox,
        rules: Rules,
        partitions: int,
        tick_secret: bytes | None,
        metrics: Metrics,
    ) -> None:
        self.topic = topic
        self.epoch = 0
        self._store = store
        self._outbox = outbox
        self._rules = rules
        self._partitions = partitions
        self._tick_secret = tick_secret
        self._metrics = metrics
        self._serving = Serving(store)
        self._checkpoint = Checkpoint(knowledge=Knowledge.new(FEATURES, rules))
        self._held = Held({}, ())
        self._fence: Fence | None = None
        self._next_offset = 0
        self._in_flight = 0
        self._owner = False
        self._lock = asyncio.Lock()
        self.last_progress = time.monotonic()
        self.joined = False

    async def take(self, spans: Mapping[int, Span]) -> Mapping[int, int]:
        """Own the examples, or nothing: this group has one member at work, the others stand by."""
        async with self._lock:
            self._owner, self._in_flight, self.joined = 0 in spans, 0, True
            if not self._owner:
                self._metrics.forget(LEARNER)
                await self._outbox.take([])
                return {}
            [checkpoint] = await self._store.read_checkpoints([LEARNER])
            self._fence = checkpoint.fence
            self._checkpoint, first = _checkpoint(checkpoint.record, self._rules)
            self._held = Held(
                self._checkpoint.knowledge.passed, [f"p{n}" for n in range(self._partitions)]
            )
            self._next_offset = self._start(spans[0])
            await self._store.put_text(self._rules.digest(), self._rules.to_text())
            await self._outbox.take([LEARNER])
            if first:
                await self._commit(self._checkpoint, self._next_offset, first, ())
            self._show_emitted()
            await self._show_version()
            self.last_progress = time.monotonic()
            return {0: self._next_offset}

    def has_room(self, partition: int) -> bool:
        return self._owner and self._in_flight < BATCHES_IN_FLIGHT

    def expect(self, batch: Batch) -> None:
        self._in_flight += 1

    def durable(self) -> Mapping[int, int]:
        return {0: self._fence.offset} if self._owner and self._fence is not None else {}

    def lag(self, end: Callable[[int], int]) -> int:
        """Records not read yet; those that wait for other shards are no fault of the learner."""
        return max(0, end(0) - self._next_offset) if self._owner else 0

    async def work(self, fetch: Sequence[Batch]) -> None:
        """Take one fetch; pass every tick that is complete with it."""
        async with self._lock:
            for batch in fetch:
                self._in_flight = max(0, self._in_flight - 1)
                if batch.epoch == self.epoch:
                    self._read(batch.records)
            await self._persist(self._pass_ticks)

    async def check_fences(self) -> None:
        """Notice that Redis was put back, or another learner is at work, though nothing arrives."""
        async with self._lock:
            if not self._owner:
                return
            try:
                [checkpoint] = await self._store.read_checkpoints([LEARNER])
            except StoreError as exc:
                log.warning("store_is_out", reason=str(exc))
                return
            if checkpoint.fence != self._fence:
                raise self._lost()

    async def tick(self, now_ms: Millis) -> None:
        """Write the next tick, at ``now_ms`` or just after the last one; time is monotone."""
        async with self._lock:
            behind = self._checkpoint.written - self._checkpoint.knowledge.tick
            if self._owner and behind < MOST_TICKS_AHEAD:
                await self._persist(lambda: self._write_tick(now_ms))

    def _start(self, span: Span) -> int:
        if self._fence is None:
            if span.committed is not None:
                raise Refusal(
                    f"{self.topic}: the group has committed offset {span.committed}, but Redis "
                    "has no fence of the learner: was Redis flushed, or is this another one? "
                    "Restore its data, or replay into a new namespace"
                )
            return span.earliest
        if not span.earliest <= self._fence.offset <= span.end:
            raise Refusal(
                f"{self.topic}: the learner's fence is {self._fence.offset}, the log holds "
                f"{span.earliest} to {span.end}; this topic must keep everything"
            )
        return self._fence.offset

    def _read(self, records: Sequence[Any]) -> None:
        now_s = time.monotonic()
        for record in records:
            if record.offset >= self._next_offset:
                self._held.offer(record.offset, record.value, now_s)
                self._next_offset = record.offset + 1
        self.last_progress = now_s

    async def _pass_ticks(self) -> None:
        while self._held.ready(self._checkpoint.knowledge.tick + 1):
            await self._pass_tick(self._checkpoint.knowledge.tick + 1)

    async def _pass_tick(self, number: int) -> None:
        before = self._checkpoint.knowledge
        examples, passed = self._held.take(number, before.passed)
        known = remembered(examples, self._checkpoint)
        learnt = pass_tick(before, number, passed, known, self._rules, FEATURES)
        checkpoint = msgspec.structs.replace(self._checkpoint, knowledge=learnt.knowledge)
        states = _states(learnt)
        if number % SWEEP_EVERY_TICKS == 0:
            wish = await wanted(self._store)
            checkpoint, gone = sweep(checkpoint, {*wish.keep, wish.serve or 0})
            states.update(dict.fromkeys(id_(n) for n in gone for id_ in (version_id, about_id)))
        entries = self._signals(learnt, number)
        checkpoint.sent += len(entries)
        checkpoint.signals += len(entries)
        await self._commit(checkpoint, self._held.oldest(self._next_offset), states, entries)
        knowledge = learnt.knowledge
        self._metrics.set("model_version", knowledge.version)
        self._metrics.set("model_examples", knowledge.churn.model.examples)
        self._show_scores(knowledge)
        if learnt.published is not None:
            log.info("version_published", version=knowledge.version, tick=number)
            await self._show_version()

    def _signals(self, learnt: Learnt, number: int) -> list[tuple[int, bytes]]:
        """What the learner has to say itself, numbered for its outbox.

        All of it goes to one partition, whatever model it is of: a reader of ours takes the
        learner's records in the order of their numbers, and drops what seems to come too early.
        """
        found = []
        for place, signal in enumerate(learnt.signals, 1):
            log.warning("model_signal", **signal._asdict())
            emission = model_signal(signal, number, self._rules.digest())
            sequence = f"{LEARNER}:{self._checkpoint.signals + place:016d}"
            value = encode_emission(emission, sequence)
            entry = Entry(emission.topic, emission.subject.encode(), value, partition=0)
            found.append((self._checkpoint.sent + place, encode_entry(entry)))
        return found

    def _show_emitted(self) -> None:
        """Signals so far: the record counts them, for their sequence."""
        if self._checkpoint.signals:
            counts = {("emissions", "customer.signal"): self._checkpoint.signals}
            self._metrics.show_durable(LEARNER, counts)

    def _show_scores(self, knowledge: Knowledge) -> None:
        for model, tally in knowledge.tallies().items():
            measures = tally.measures()
            for score in SCORES:
                value = getattr(measures, score)
                if value is not None:
                    self._metrics.set("model_score", value, model=model, score=score)

    async def _show_version(self) -> None:
        """The digest of the newest version, as it lies beside it."""
        version = self._checkpoint.knowledge.version
        [[about]] = await self._store.load([Read(LEARNER, [about_id(version)])])
        if about is not None:
            digest = msgspec.json.decode(about, type=About).digest
            self._metrics.show_info("model_info", {(str(version), digest)})

    async def _write_tick(self, now_ms: Millis) -> None:
        number = self._checkpoint.written + 1
        version = await self._serving.version(self._checkpoint)
        time_ms = max(now_ms, Millis(self._checkpoint.written_ms + 1))
        active_config = ActiveConfig(
            model_version=version, rules=self._rules.digest(), features=FEATURES.digest
        )
        value = encode_tick(
            Tick(number=number, time_ms=time_ms, active_config=active_config), self._tick_secret
        )
        entries = [
            encode_entry(Entry(TOUCHPOINTS_TOPIC, None, value, partition=partition))
            for partition in range(self._partitions)
        ]
        checkpoint = msgspec.structs.replace(
            named(self._checkpoint, version, number),
            written=number,
            written_ms=time_ms,
            sent=self._checkpoint.sent + len(entries),
        )
        numbered = list(enumerate(entries, self._checkpoint.sent + 1))
        offset = self._fence.offset if self._fence else self._held.oldest(self._next_offset)
        await self._commit(checkpoint, offset, {}, numbered)
        self._metrics.set("served_version", version)
        self._metrics.set("version_pinned", version != self._checkpoint.knowledge.version)

    async def _commit(
        self,
        checkpoint: Checkpoint,
        offset: int,
        states: Mapping[str, bytes | None],
        entries: Sequence[tuple[int, bytes]],
    ) -> None:
        commits = 0 if self._fence is None else self._fence.commits
        fence = Fence(offset, commits + 1)
        record = msgspec.json.encode(checkpoint)
        commit = Commit(LEARNER, self._fence, fence, record, states, {}, entries)
        [accepted] = await self._store.commit([commit])
        if not accepted:
            raise self._lost()
        self._fence, self._checkpoint = fence, checkpoint
        self._show_emitted()
        self._outbox.put(LEARNER, entries)
        self.last_progress = time.monotonic()

    def _lost(self) -> FenceLost:
        self._metrics.count("fence_refusals")
        return FenceLost(
            f"the learner's fence is no longer {self._fence}: another learner is at work, "
            "or Redis was put back"
        )

    async def _persist(self, verb: Callable[[], Any]) -> None:
        """Go on through an outage of Redis.

        What was taken from memory is read again by a new process.
        """
        try:
            await verb()
        except FenceLost:
            raise
        except StoreError as exc:
            log.warning("store_is_out", reason=str(exc))
            raise Refusal(f"the learner starts again from its fence: {exc}") from exc


def _checkpoint(record: bytes | None, rules: Rules) -> tuple[Checkpoint, dict[str, bytes | None]]:
    """What to go on from, and the states that have to be in the store first.

    Models of another feature list, or of other targets, cannot be served: empty ones take their
    place, as a version of its own, or the next tick would name one that no worker can read.
    """
    fresh = Knowledge.new(FEATURES, rules)
    if record is None:
        return Checkpoint(knowledge=fresh), position(fresh)
    try:
        checkpoint = decode_learner_checkpoint(record)
    except msgspec.ValidationError:  # written by a build whose knowledge had another shape
        checkpoint = _older(record, fresh)
    if checkpoint.knowledge.fits(fresh):
        return checkpoint, {}
    before = checkpoint.knowledge.targets
    fresh.tick, fresh.passed = checkpoint.knowledge.tick, checkpoint.knowledge.passed
    fresh.version = checkpoint.knowledge.version + 1
    checkpoint.knowledge = fresh.keeping(checkpoint.knowledge, checkpoint.written_ms)
    anew = [name for name, known in fresh.targets.items() if not known.goes_on(before.get(name))]
    log.warning(
        "models_changed", reason="other features, targets or models are asked for", anew=anew
    )
    checkpoint.began = {**checkpoint.began, **dict.fromkeys(anew, fresh.tick)}
    return checkpoint, {**position(fresh), **stored(fresh, seal(version_of(fresh)))}


def _older(record: bytes, fresh: Knowledge) -> Checkpoint:
    """Where the learner stood, whatever it knew then."""
    older = msgspec.json.decode(record, type=_Older)
    knowledge = fresh.copy()
    knowledge.features = ""
    knowledge.tick, knowledge.passed = older.knowledge.tick, older.knowledge.passed
    knowledge.version = older.knowledge.version
    progress = {name: getattr(older, name) for name in LearnerProgress.__struct_fields__}
    return Checkpoint(knowledge=knowledge, **progress)


def remembered(examples: Sequence[Example], checkpoint: Checkpoint) -> list[Example]:
    """Without those of customers who were left out: what matured before stays unlearnt."""
    return [each for each in examples if each.tick > checkpoint.forgotten.get(each.customer, 0)]


def _states(learnt: Learnt) -> dict[str, bytes | None]:
    knowledge = learnt.knowledge
    states = position(knowledge)
    if learnt.published is not None:
        states.update(stored(knowledge, learnt.published))
    return states


def position(knowledge: Knowledge) -> dict[str, bytes | None]:
    """The state that says how far the learner is."""
    return {POSITION: msgspec.json.encode(Position(knowledge.tick, knowledge.version))}
