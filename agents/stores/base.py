"""The store's interface in domain verbs.

A *shard* is everything durable of one partition (``p0``, ``p1`` ...) or of the learner
(``learner``): fence, record, states, timers and outbox. It lies in one Redis Cluster slot, and a
restore of Redis rolls it back as a whole.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from touchstream.agents.stores.keys import Kind


class Fence(NamedTuple):
    """A shard's position: the next offset to read, and a count that every commit raises."""

    offset: int
    commits: int

    def text(self) -> str:
        return f"{self.offset}:{self.commits}"

    @staticmethod
    def parse(text: str) -> "Fence":
        offset, _, commits = text.partition(":")
        return Fence(int(offset), int(commits))


class Read(NamedTuple):
    """The states of ``ids`` in ``shard``."""

    shard: str
    ids: Sequence[str]


class Commit(NamedTuple):
    """One atomic change of one shard; refused unless the stored fence is ``expected``."""

    shard: str
    expected: Fence | None
    fence: Fence
    record: bytes
    states: Mapping[str, bytes | None] = {}
    """Id -> encoded state, or None to delete it together with its timer."""
    timers: Mapping[str, int | None] = {}
    """Id -> time (ms) from which a tick processes it, or None to delete the timer."""
    outbox: Sequence[tuple[int, bytes]] = ()
    """(number, entry): numbers ascend and are above all earlier ones of the shard."""
    measures: Mapping[str, Mapping[str, int]] = {}
    """bucket -> field -> what is added to it; a total that would leave 64 bits stays as it is."""
    expired_measures: Sequence[str] = ()
    """Buckets that are deleted whole, before anything is added."""
    indexes: Mapping[str, Mapping[str, float | None]] = {}
    """Index -> id -> its score in the index, or None to take it out."""


class ShardCheckpoint(NamedTuple):
    """The fence and record of a shard, from which a new owner resumes."""

    fence: Fence | None
    record: bytes | None


class Place(NamedTuple):
    """Something that a namespace holds, apart from positions and the operator's wish."""

    kind: Kind
    shard: str
    """Empty for a text."""
    name: str
    """Id of the state, name of the bucket of measures, digest of the text."""


class Holding(NamedTuple):
    """Everything that a shard holds of one customer."""

    id: str
    state: bytes
    timer_ms: int | None
    scores: Mapping[str, float]
    """Index -> score; only the indexes that the customer is in."""


class StoreError(Exception):
    """The store could not answer; the message gives the remedy. Safe to retry."""


class FenceLost(StoreError):
    """Another process committed to the shard, or Redis was restored: the work in memory is void."""


class Store(Protocol):
    """Every verb is one round trip for any number of shards, and safe to repeat."""

    async def read_checkpoints(self, shards: Sequence[str]) -> list[ShardCheckpoint]:
        """Fence and record of each shard, read together."""

    async def load(self, reads: Sequence[Read]) -> list[list[bytes | None]]:
        """The requested states, in the order of the request."""

    async def timers_until(self, shard: str, until_ms: int, limit: int) -> list[str]:
        """The first ``limit`` ids with a timer <= ``until_ms``, ordered by (timer, id)."""

    async def commit(self, commits: Sequence[Commit]) -> list[bool]:
        """Apply each commit atomically by itself; False for one that its fence refused.

        The repetition of a commit whose reply was lost returns False: nothing is applied twice.
        Raises ValueError before anything is sent if an argument would make the script fail half
        way, such as a non-finite timer.
        """

    async def outbox(self, shard: str, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Up to ``limit`` entries with a number above ``after``, ascending."""

    async def forget(self, upto: Mapping[str, int]) -> None:
        """Delete each shard's outbox entries up to and including the given number."""

    async def read_measures(
        self, shards: Sequence[str], buckets: Sequence[str]
    ) -> list[list[dict[str, int]]]:
        """The fields of each bucket, shard by shard; one that does not exist has none."""

    async def read_indexes(
        self, shards: Sequence[str], indexes: Sequence[str], limit: int
    ) -> list[list[list[tuple[str, float]]]]:
        """The ``limit`` highest scores of each index, shard by shard: (id, score), highest first.

        Equal scores are in the descending order of their ids.
        """

    async def count_indexes(self, shards: Sequence[str], indexes: Sequence[str]) -> list[list[int]]:
        """How many ids each index holds, shard by shard."""

    async def put_text(self, digest: str, text: bytes) -> None:
        """Keep a text, such as rules, under its digest for ever."""

    async def text(self, digest: str) -> bytes | None:
        """The text of a digest."""

    async def put_wish(self, wish: bytes) -> None:
        """Keep an operator's wish for the learner; the last one counts."""

    async def wish(self) -> bytes | None:
        """The last wish; None if there never was one."""

    async def ids(self, shard: str, cursor: int, limit: int) -> tuple[int, list[str]]:
        """Scan the ids that have a state, about ``limit`` at a time; cursor 0 begins and ends.

        A page may be empty before the end. Ids that are added or deleted meanwhile may be missing,
        and any id may come twice.
        """

    async def scan(self, cursor: int, limit: int) -> tuple[int, list[Place]]:
        """Scan everything in the namespace, about ``limit`` at a time, like :meth:`ids`."""

    async def holdings(self, read: Read, indexes: Sequence[str]) -> list[Holding]:
        """Everything that a shard holds of these ids; an id without a state is left out."""

    async def put_holdings(self, shard: str, holdings: Sequence[Holding]) -> None:
        """Write them beside the fence, into a shard that nobody owns; nothing is taken away."""

    async def put_measures(self, shard: str, buckets: Mapping[str, Mapping[str, int]]) -> None:
        """Replace whole buckets beside the fence, in a shard that nobody owns."""

    async def put_origin(self, origin: bytes) -> None:
        """Keep where the namespace's content came from; the last one counts."""

    async def origin(self) -> bytes | None:
        """The last origin; None if the namespace was not copied from another."""

    async def wipe(self) -> None:
        """Delete everything in the namespace but its origin."""

    async def claimed_partitions(self) -> int | None:
        """The stored partition count, without storing any."""

    async def claim_partitions(self, count: int) -> int:
        """Store the topic's partition count if none is stored; return the stored one."""

    async def check(self) -> list[str]:
        """Faults of the server's setup (eviction, no AOF ...), a sentence each."""

    async def close(self) -> None:
        """Close all connections."""
