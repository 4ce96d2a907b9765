"""A history into a live namespace, before its first live tick (docs/decisions/0037-backfill.md).

The lines and ticks go through the deployment's own topics, workers and learner. While ticks name
the phase ``history`` the workers take the time of receipt from our header and withhold emissions;
the last tick names ``live``. What was published shows in the shards' checkpoints, so a killed
backfill goes on where it was.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from touchstream.agents.history.pacer import Publish, TickAt
from touchstream.agents.history.reading import History
from touchstream.agents.history.steps import Step, steps
from touchstream.agents.replay.phase import Show
from touchstream.agents.replay.publisher import Publisher, placed
from touchstream.agents.replay.sender import PublishedPartition
from touchstream.agents.replay.waiting import AgentsProgress
from touchstream.agents.serving import Backfill, want, wanted
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Store
from touchstream.schemas.shards import shard_names
from touchstream.schemas.units import Millis
from touchstream.streams.checkpoint import ShardCheckpoint


class BackfillRefused(RuntimeError):
    """The namespace cannot take this history; the message gives the reason and the remedy."""


class Begun(NamedTuple):
    """The part of a history that the shards have."""

    tick: int
    """The newest tick that any shard has finished; 0: none."""
    tick_ms: Millis | None
    taken: Sequence[int]
    """Lines by partition."""
    lacking: Sequence[int]
    """Partitions that the newest tick has not reached."""
    is_live: bool
    """The newest tick is the one that ends the history."""


async def require_room(store: Store, settings: Settings, ends: Sequence[int]) -> None:
    """Raise :class:`BackfillRefused` if the namespace is live, or holds anything but a history.

    ``ends`` are the ends of the topic's partitions. A long history need not be read for that.
    """
    before, namespace = (await wanted(store)).backfill, settings.namespace
    if before is None and not await _is_empty(store, settings, ends):
        raise BackfillRefused(
            f"namespace {namespace!r} holds {sum(ends):,} records already, and a history comes "
            "before everything else: choose a new namespace and topic prefix"
        )
    if before is not None and before.finished:
        raise BackfillRefused(
            f"namespace {namespace!r} was backfilled with {before.lines:,} lines and is live: "
            "choose a new namespace and topic prefix"
        )


async def begin(store: Store, settings: Settings, ends: Sequence[int], found: Backfill) -> None:
    """Mark the namespace, which has room, as being backfilled with this history.

    Raises :class:`BackfillRefused` if part of another one is there; nothing is changed then.
    """
    wish = await wanted(store)
    before = wish.backfill
    if before not in (None, found) and not await _is_empty(store, settings, ends):
        assert before is not None
        raise BackfillRefused(
            f"namespace {settings.namespace!r} was begun with another history of "
            f"{before.lines:,} lines, this one has {found.lines:,}: go on with the same files, or "
            "choose a new namespace"
        )
    await want(store, msgspec.structs.replace(wish, backfill=found))


async def _is_empty(store: Store, settings: Settings, ends: Sequence[int]) -> bool:
    checkpoints = await store.read_checkpoints(shard_names(settings.kafka.partitions))
    return not any(ends) and all(one.fence is None for one in checkpoints)


async def run(
    settings: Settings,
    store: Store,
    history: History,
    ends: Sequence[int],
    now_ms: Millis,
    show: Show,
) -> Publisher:
    """Publish what is missing of the history, end it with a live tick, wait until all is learnt.

    ``ends`` are the ends of the topic's partitions; its agents are running.
    """
    progress = AgentsProgress(store, settings.kafka.partitions)
    await progress.wait_started()
    await progress.wait_applied([PublishedPartition(end) for end in ends])
    checkpoints = await progress.shard_checkpoints()
    begun = begun_by(checkpoints)
    publisher = Publisher(settings, progress, show, tick_phase="history")
    publisher.go_on(begun.tick, ends, sum(begun.taken))
    if begun.lacking:
        await publisher.repeat_tick(_newest(checkpoints), begun.lacking)
    if not begun.is_live:
        last: list[Step] = []
        left = remaining(steps(history, settings.ticks.every_days), begun, now_ms)
        await publisher.publish(_but_last(left, last))
        [end] = last
        assert isinstance(end, TickAt)  # a history ends with a tick
        await publisher.end(end.time_ms)
    await publisher.drained()
    await finish(store)
    return publisher


def begun_by(checkpoints: Sequence[ShardCheckpoint]) -> Begun:
    """The part of a history that shards have, once they have read all of their partitions."""
    newest = _newest(checkpoints)
    return Begun(
        newest.tick,
        newest.watermark_ms,
        [one.taken for one in checkpoints],
        [number for number, one in enumerate(checkpoints) if one.tick < newest.tick],
        is_live=newest.tick > 0 and newest.phase == "live",
    )


def remaining(all_steps: Iterable[Step], begun: Begun, now_ms: Millis) -> Iterator[Step]:
    """The steps behind what the shards have; lines name their partition.

    The midnight behind the newest event may lie ahead: that tick comes now, for live ones follow.
    """
    skipped, number = list(begun.taken), 0
    for step in all_steps:
        if isinstance(step, TickAt):
            if begun.tick_ms is None or step.time_ms > begun.tick_ms:
                yield step._replace(time_ms=min(step.time_ms, now_ms))
            continue
        partition = placed(step.line, number, len(skipped))
        number += 1
        if skipped[partition]:
            skipped[partition] -= 1
        else:
            yield Publish(step.line._replace(partition=partition), step.received_ms)


async def finish(store: Store) -> None:
    """Mark the namespace as live: from now on the learner writes the ticks."""
    wish = await wanted(store)
    assert wish.backfill is not None
    done = msgspec.structs.replace(wish.backfill, finished=True)
    await want(store, msgspec.structs.replace(wish, backfill=done))


def _newest(checkpoints: Sequence[ShardCheckpoint]) -> ShardCheckpoint:
    return max(checkpoints, key=lambda one: one.tick)


async def _but_last(all_steps: Iterable[Step], last: list[Step]) -> AsyncIterator[Step]:
    """Every step but the last one, which goes into ``last``."""
    for step in all_steps:
        if last:
            yield last.pop()
        last.append(step)
