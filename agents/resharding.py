"""A drained namespace copied into a new one with another number of partitions.

The target carries its lineage from the first write on. While that says "unfinished" no worker
serves the namespace, and another run begins the copy anew; nothing is ever written to the source.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from touchstream.agents.active_config import LEARNER
from touchstream.agents.checkpoint import Checkpoint, decode_learner_checkpoint
from touchstream.agents.fatal import Refusal
from touchstream.agents.notifier.record import FRESH, NOTIFIER
from touchstream.agents.serving import wanted
from touchstream.agents.stores.base import Commit, Fence, Holding, Read, Store
from touchstream.agents.stores.base import ShardCheckpoint as Stored
from touchstream.schemas.shards import shard_name, shard_names
from touchstream.schemas.topics import EXAMPLES_TOPIC
from touchstream.streams.checkpoint import ShardCheckpoint, decode_checkpoint, encode_checkpoint
from touchstream.streams.projections.indexes import ALERTS_INDEX, INDEXES, alert_indexes
from touchstream.streams.projections.read import alerts_of
from touchstream.streams.reshard import NotDrained, heir_of, passed_by, resharded, shard_of
from touchstream.streams.state import decode

PAGE = 1_000
"""Keys of one scan; a page of states is about a megabyte."""


class Source(Struct, frozen=True):
    """A namespace that was left behind, and what of its topics is part of the states."""

    namespace: str
    touchpoints: str
    """The topic as the broker knows it; so is ``examples``."""
    examples: str
    ends: tuple[int, ...]
    """Partition of the touchpoints -> offset after its last applied record."""
    tick: int
    """The last tick."""
    examples_after: int
    """Sequence of every shard's example before its first in this namespace."""

    @property
    def partitions(self) -> int:
        return len(self.ends)


class Lineage(Struct, frozen=True):
    """Where a namespace's content came from."""

    finished: bool
    partitions: int
    topic_prefix: str
    sources: tuple[Source, ...]
    """The oldest first; the last one was copied."""
    examples_after: int
    """Sequence of every shard's example before its first in this namespace."""

    @property
    def again(self) -> str:
        """The command that finishes the copy, without the namespace that it makes."""
        return (
            f"touchstream reshard --partitions {self.partitions} "
            f"--topic-prefix {self.topic_prefix!r}"
        )

    def same_copy(self, other: "Lineage") -> bool:
        """Whether both are copies of the same namespace to the same size and topics."""
        mine, others = self.sources[-1].namespace, other.sources[-1].namespace
        return (mine, self.partitions, self.topic_prefix) == (
            others,
            other.partitions,
            other.topic_prefix,
        )


class Drained(NamedTuple):
    """Everything of a stopped and drained namespace that is not kept by customer."""

    stored: Sequence[Stored]
    """Of every shard, then of the learner: the copy holds only if they have not changed."""
    shards: Sequence[ShardCheckpoint]
    learner: Checkpoint
    notifier: bytes | None
    """Its record; None: none has run."""

    @property
    def ends(self) -> tuple[int, ...]:
        """Offsets of the fences of the shards."""
        return tuple(each.fence.offset if each.fence else 0 for each in self.stored[:-1])


async def read_lineage(store: Store) -> Lineage | None:
    """The lineage of the namespace; None if it was not copied from another."""
    data = await store.origin()
    return None if data is None else msgspec.json.decode(data, type=Lineage)


async def read_drained(store: Store, namespace: str, partitions: int) -> Drained:
    """Read a namespace's positions; raises :class:`Refusal` with all that is left to be done."""
    names = [*shard_names(partitions), LEARNER]
    stored = await store.read_checkpoints(names)
    if stored[-1].record is None:
        raise Refusal(f"no learner has run in namespace {namespace!r}: there is nothing to reshard")
    try:
        learner = decode_learner_checkpoint(stored[-1].record)
    except msgspec.ValidationError as exc:
        raise Refusal(
            f"another build wrote the learner's record ({exc}): start the learner of this one first"
        ) from exc
    shards = [decode_checkpoint(each.record) for each in stored[:-1]]
    left = [*_behind(shards, learner)]
    if (await wanted(store)).is_backfilling:
        left.append("its backfill has not finished: run `touchstream backfill` again")
    left += [f"{name} has unsent emissions" for name in names if await store.outbox(name, 0, 1)]
    if left:
        raise Refusal(f"namespace {namespace!r} is not drained: {'; '.join(left)}")
    [notifier] = await store.read_checkpoints([NOTIFIER])
    return Drained(stored, shards, learner, notifier.record)


def _behind(shards: Sequence[ShardCheckpoint], learner: Checkpoint) -> list[str]:
    newest = learner.newest_tick
    left = [
        f"{shard_name(number)} is at tick {each.tick} of {newest}"
        for number, each in enumerate(shards)
        if each.tick != newest
    ]
    unlearnt = [
        name
        for name, sequence in passed_by(shards).items()
        if learner.knowledge.passed.get(name, 0) != sequence
    ]
    if unlearnt or learner.knowledge.tick != newest:
        left.append(
            f"the learner has learnt tick {learner.knowledge.tick} of {newest}"
            + (f", and not all examples of {', '.join(unlearnt)}" if unlearnt else "")
        )
    return left


async def copy(
    source: Store,
    target: Store,
    drained: Drained,
    lineage: Lineage,
    starts: Sequence[int],
    seen: Callable[[int], None],
) -> None:
    """Copy everything; the target is served once this returns.

    ``starts`` are the offsets at which the new partitions begin; ``seen`` is called with the number
    of keys of each page.

    Raises :class:`Refusal` if the source was not at rest.
    """
    try:
        shards = resharded(drained.shards, lineage.partitions)
    except NotDrained as exc:
        raise Refusal(f"the namespace is not drained: {exc}") from exc
    unfinished = msgspec.structs.replace(lineage, finished=False)
    # Before anything else, so that nobody takes half a copy for a deployment.
    await target.put_origin(msgspec.json.encode(unfinished))
    await target.wipe()
    buckets = await _copy_pages(source, target, lineage.partitions, seen)
    await _copy_measures(source, target, buckets, lineage.partitions)
    wish = await source.wish()
    if wish is not None:
        await target.put_wish(wish)
    names = [*shard_names(len(drained.shards)), LEARNER]
    if await source.read_checkpoints(names) != list(drained.stored):
        raise Refusal(
            "a worker or the learner has gone on while the namespace was copied: stop it, and run "
            "this again"
        )
    await _commit(target, _commits(shards, drained.learner, starts, drained.notifier))
    await target.claim_partitions(lineage.partitions)
    await target.put_origin(msgspec.json.encode(lineage))


async def _copy_pages(
    source: Store, target: Store, partitions: int, seen: Callable[[int], None]
) -> set[tuple[str, str]]:
    """Copy states and texts page by page; return the (shard, bucket) pairs that were met.

    A scan may name a key twice, and does while its database grows: every write may be repeated.
    """
    buckets: set[tuple[str, str]] = set()
    cursor = -1
    while cursor:
        cursor, places = await source.scan(max(cursor, 0), PAGE)
        ids: dict[str, list[str]] = defaultdict(list)
        for place in places:
            if place.kind == "state":
                ids[place.shard].append(place.name)
            elif place.kind == "bucket":
                buckets.add((place.shard, place.name))
            else:
                text = await source.text(place.name)
                if text is not None:
                    await target.put_text(place.name, text)
        for shard, found in ids.items():
            await _copy_states(source, target, Read(shard, found), partitions)
        seen(len(places))
    return buckets


async def _copy_states(source: Store, target: Store, read: Read, partitions: int) -> None:
    holdings = await source.holdings(read, INDEXES)
    if read.shard in {LEARNER, NOTIFIER}:
        return await target.put_holdings(read.shard, holdings)
    dealt = defaultdict(list)
    for one in map(_with_alert_indexes, holdings):
        dealt[shard_of(one.id, partitions)].append(one)
    for shard, of_shard in dealt.items():
        await target.put_holdings(shard, of_shard)
    return None


def _with_alert_indexes(held: Holding) -> Holding:
    """The holding with its places in the indexes of queues and reps, which no list names."""
    alerts = alerts_of(decode(held.state)) if ALERTS_INDEX in held.scores else None
    return (
        held if alerts is None else held._replace(scores={**held.scores, **alert_indexes(alerts)})
    )


async def _copy_measures(
    source: Store, target: Store, buckets: set[tuple[str, str]], partitions: int
) -> None:
    """Write each new shard's buckets whole: added up, another run would add them twice."""
    parents: dict[tuple[str, str], list[str]] = defaultdict(list)
    for shard, bucket in sorted(buckets):
        heir = shard_name(heir_of(int(shard[1:]), partitions))
        parents[heir, bucket].append(shard)
    for (heir, bucket), shards in parents.items():
        total: dict[str, int] = {}
        for [fields] in await source.read_measures(shards, [bucket]):
            for name, amount in fields.items():
                total[name] = total.get(name, 0) + amount
        await target.put_measures(heir, {bucket: total})


def _commits(
    shards: Sequence[ShardCheckpoint],
    learner: Checkpoint,
    starts: Sequence[int],
    notifier: bytes | None,
) -> list[Commit]:
    knowledge = learner.knowledge.copy()
    knowledge.passed = passed_by(shards)
    record = msgspec.json.encode(msgspec.structs.replace(learner, knowledge=knowledge))
    return [
        *(
            Commit(shard_name(number), None, Fence(start, 1), encode_checkpoint(shard))
            for number, (shard, start) in enumerate(zip(shards, starts, strict=True))
        ),
        Commit(LEARNER, None, Fence(0, 1), record),
        # Its topic begins anew, and what it has sent is known.
        *([] if notifier is None else [Commit(NOTIFIER, None, Fence(0, 1), FRESH)]),
    ]


async def _commit(target: Store, commits: Sequence[Commit]) -> None:
    await target.commit(commits)
    # A commit whose reply was lost is refused when it is repeated: what is stored decides.
    stored = await target.read_checkpoints([each.shard for each in commits])
    if stored != [Stored(each.fence, each.record) for each in commits]:
        raise Refusal("somebody else writes to the new namespace: stop them, and run this again")


def lineage_of(
    before: Lineage | None,
    source: Source,
    drained: Drained,
    partitions: int,
    topic_prefix: str,
) -> Lineage:
    """The lineage of a namespace copied from ``source``, whose own lineage is ``before``."""
    sequences = (each.sequences.get(EXAMPLES_TOPIC, 0) for each in drained.shards)
    return Lineage(
        finished=True,
        partitions=partitions,
        topic_prefix=topic_prefix,
        sources=(*(() if before is None else before.sources), source),
        examples_after=max(sequences, default=0),
    )
