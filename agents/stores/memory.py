"""The store's in-memory twin: for tests, and for a demo on a machine without Redis.

It passes the same contract suite as Redis. Its content is lost with the process and invisible to
others.
"""

from collections.abc import Mapping, Sequence
from heapq import nlargest, nsmallest

from msgspec import Struct, field

from touchstream.agents.stores.arguments import check_commit
from touchstream.agents.stores.base import (
    Commit,
    Fence,
    Holding,
    Place,
    Read,
    ShardCheckpoint,
)
from touchstream.agents.stores.keys import check_bucket, check_index, check_name


class _Shard(Struct):
    fence: Fence | None = None
    record: bytes | None = None
    states: dict[str, bytes] = field(default_factory=dict)
    timers: dict[str, int] = field(default_factory=dict)
    outbox: dict[int, bytes] = field(default_factory=dict)
    measures: dict[str, dict[str, int]] = field(default_factory=dict)
    indexes: dict[str, dict[str, float]] = field(default_factory=dict)


class MemoryStore:
    """Implements ``Store``; atomic because no verb awaits anything."""

    def __init__(self) -> None:
        self._shards: dict[str, _Shard] = {}
        self._texts: dict[str, bytes] = {}
        self._partitions: int | None = None
        self._wish: bytes | None = None
        self._origin: bytes | None = None

    async def read_checkpoints(self, shards: Sequence[str]) -> list[ShardCheckpoint]:
        found = [self._shard(shard) for shard in shards]
        return [ShardCheckpoint(shard.fence, shard.record) for shard in found]

    async def load(self, reads: Sequence[Read]) -> list[list[bytes | None]]:
        return [[self._shard(read.shard).states.get(id_) for id_ in read.ids] for read in reads]

    async def timers_until(self, shard: str, until_ms: int, limit: int) -> list[str]:
        moments = self._shard(shard).timers.items()
        ready = ((moment_ms, id_) for id_, moment_ms in moments if moment_ms <= until_ms)
        return [id_ for _, id_ in nsmallest(limit, ready)]

    async def commit(self, commits: Sequence[Commit]) -> list[bool]:
        for commit in commits:
            check_name(commit.shard)
            check_commit(commit)
        return [_apply(self._shard(commit.shard), commit) for commit in commits]

    async def outbox(self, shard: str, after: int, limit: int) -> list[tuple[int, bytes]]:
        entries = self._shard(shard).outbox.items()
        return nsmallest(limit, (entry for entry in entries if entry[0] > after))

    async def forget(self, upto: Mapping[str, int]) -> None:
        for shard, last in upto.items():
            outbox = self._shard(shard).outbox
            for number in [number for number in outbox if number <= last]:
                del outbox[number]

    async def read_measures(
        self, shards: Sequence[str], buckets: Sequence[str]
    ) -> list[list[dict[str, int]]]:
        found = [self._shard(shard).measures for shard in shards]
        return [[dict(held.get(check_bucket(name), {})) for name in buckets] for held in found]

    async def read_indexes(
        self, shards: Sequence[str], indexes: Sequence[str], limit: int
    ) -> list[list[list[tuple[str, float]]]]:
        found = [[self._index(shard, name) for name in indexes] for shard in shards]
        return [[_highest(members, limit) for members in of_shard] for of_shard in found]

    async def count_indexes(self, shards: Sequence[str], indexes: Sequence[str]) -> list[list[int]]:
        return [[len(self._index(shard, name)) for name in indexes] for shard in shards]

    async def put_text(self, digest: str, text: bytes) -> None:
        self._texts[digest] = text

    async def text(self, digest: str) -> bytes | None:
        return self._texts.get(digest)

    async def put_wish(self, wish: bytes) -> None:
        self._wish = wish

    async def wish(self) -> bytes | None:
        return self._wish

    async def ids(self, shard: str, cursor: int, limit: int) -> tuple[int, list[str]]:
        known = list(self._shard(shard).states)
        following = cursor + limit
        return (following if following < len(known) else 0), known[cursor:following]

    async def scan(self, cursor: int, limit: int) -> tuple[int, list[Place]]:
        found = [Place("text", "", digest) for digest in self._texts]
        for name, shard in self._shards.items():
            found += [Place("state", name, id_) for id_ in shard.states]
            found += [Place("bucket", name, bucket) for bucket in shard.measures]
        following = cursor + limit
        return (following if following < len(found) else 0), found[cursor:following]

    async def holdings(self, read: Read, indexes: Sequence[str]) -> list[Holding]:
        shard = self._shard(read.shard)
        members = {name: self._index(read.shard, name) for name in indexes}
        return [
            Holding(
                id_,
                shard.states[id_],
                shard.timers.get(id_),
                {name: held[id_] for name, held in members.items() if id_ in held},
            )
            for id_ in read.ids
            if id_ in shard.states
        ]

    async def put_holdings(self, shard: str, holdings: Sequence[Holding]) -> None:
        held = self._shard(shard)
        for one in holdings:
            held.states[one.id] = one.state
            if one.timer_ms is not None:
                held.timers[one.id] = one.timer_ms
            for index, score in one.scores.items():
                held.indexes.setdefault(check_index(index), {})[one.id] = score

    async def put_measures(self, shard: str, buckets: Mapping[str, Mapping[str, int]]) -> None:
        held = self._shard(shard)
        for bucket, fields in buckets.items():
            held.measures[check_bucket(bucket)] = dict(fields)

    async def put_origin(self, origin: bytes) -> None:
        self._origin = origin

    async def origin(self) -> bytes | None:
        return self._origin

    async def wipe(self) -> None:
        self._shards, self._texts = {}, {}
        self._partitions, self._wish = None, None

    async def claimed_partitions(self) -> int | None:
        return self._partitions

    async def claim_partitions(self, count: int) -> int:
        if self._partitions is None:
            self._partitions = count
        return self._partitions

    async def check(self) -> list[str]:
        return []

    async def close(self) -> None:
        """Nothing to close; the content stays."""

    def _index(self, shard: str, name: str) -> Mapping[str, float]:
        return self._shard(shard).indexes.get(check_index(name), {})

    def _shard(self, name: str) -> _Shard:
        return self._shards.setdefault(check_name(name), _Shard())


def _apply(shard: _Shard, commit: Commit) -> bool:
    # The same comparison as in lua/commit.lua.
    if shard.fence != commit.expected:
        return False
    for id_, state in commit.states.items():
        if state is None:
            shard.states.pop(id_, None)
            shard.timers.pop(id_, None)
        else:
            shard.states[id_] = state
    for id_, moment_ms in commit.timers.items():
        if moment_ms is None:
            shard.timers.pop(id_, None)
        else:
            shard.timers[id_] = moment_ms
    _append(shard.outbox, commit.outbox)
    _measure(shard.measures, commit)
    for index, scores in commit.indexes.items():
        _place(shard.indexes.setdefault(index, {}), scores)
    shard.record, shard.fence = commit.record, commit.fence
    return True


def _append(outbox: dict[int, bytes], entries: Sequence[tuple[int, bytes]]) -> None:
    """Append entries; after a restore a number comes again, and the new entry replaces the old."""
    if entries:
        first, last = entries[0][0], entries[-1][0]
        for number in [number for number in outbox if first <= number <= last]:
            del outbox[number]
    outbox.update(entries)


def _place(members: dict[str, float], scores: Mapping[str, float | None]) -> None:
    for id_, score in scores.items():
        if score is None:
            members.pop(id_, None)
        else:
            members[id_] = score


def _highest(members: Mapping[str, float], limit: int) -> list[tuple[str, float]]:
    return nlargest(limit, members.items(), key=lambda member: (member[1], member[0]))


def _measure(buckets: dict[str, dict[str, int]], commit: Commit) -> None:
    """Redis counts in 64 bits: a total that would leave them stays as it is."""
    for bucket in commit.expired_measures:
        buckets.pop(bucket, None)
    for bucket, fields in commit.measures.items():
        held = buckets.setdefault(bucket, {})
        for name, amount in fields.items():
            total = held.get(name, 0) + amount
            held[name] = total if -(2**63) <= total < 2**63 else held[name]
