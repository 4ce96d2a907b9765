"""What the agents ask of a store, in their own words.

A *shard* is one partition's whole truth (``p0``, ``p1`` ...) or the learner's (``learner``): fence,
record, states, due times and outbox lie in one Redis Cluster slot and roll back as one.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class Fence(NamedTuple):
    """Where a shard stands: the offset to be read next, and a count that every commit raises."""

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
    """id -> encoded state, or None to delete it; a deleted one is not due any more either."""
    timers: Mapping[str, int | None] = {}
    """id -> moment (ms) at which a tick wakes it, or None: not due any more."""
    outbox: Sequence[tuple[int, bytes]] = ()
    """(number, entry): numbers ascend and are above all earlier ones of the shard."""
    measures: Mapping[str, Mapping[str, int]] = {}
    """bucket -> field -> what is added to it; a total that would leave 64 bits stays as it is."""
    expired_measures: Sequence[str] = ()
    """Buckets that are deleted whole, before anything is added."""


class ShardCheckpoint(NamedTuple):
    """What a new owner of a shard reads first."""

    fence: Fence | None
    record: bytes | None


class StoreError(Exception):
    """The store could not answer; the message says which and what to do. Safe to retry."""


class FenceLost(StoreError):
    """Somebody else committed to the shard, or it was put back: the work that was read is void."""


class Store(Protocol):
    """Every verb is one round trip, whatever the number of shards in it, and safe to repeat."""

    async def read_checkpoints(self, shards: Sequence[str]) -> list[ShardCheckpoint]:
        """Fence and record of each shard, read together."""

    async def load(self, reads: Sequence[Read]) -> list[list[bytes | None]]:
        """The states asked for, in the order asked for."""

    async def timers_until(self, shard: str, until_ms: int, limit: int) -> list[str]:
        """The first ``limit`` ids whose moment is <= ``until_ms``, by (moment, id)."""

    async def commit(self, commits: Sequence[Commit]) -> list[bool]:
        """Apply each atomically (each by itself); False where the fence refused it.

        A commit whose reply was lost and that is repeated answers False; nothing is applied twice.
        Raises ValueError before anything is sent when an argument would fail half way (a non-finite
        moment ...).
        """

    async def outbox(self, shard: str, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Up to ``limit`` entries with a number above ``after``, ascending."""

    async def forget(self, upto: Mapping[str, int]) -> None:
        """Remove, per shard, the entries numbered up to and including the given one."""

    async def read_measures(
        self, shards: Sequence[str], buckets: Sequence[str]
    ) -> list[list[dict[str, int]]]:
        """The fields of each bucket, shard by shard; one that does not exist has none."""

    async def put_text(self, digest: str, text: bytes) -> None:
        """Keep a text under its digest, for ever (rules, catalogues)."""

    async def text(self, digest: str) -> bytes | None:
        """The text of a digest."""

    async def put_wish(self, wish: bytes) -> None:
        """Keep what an operator wants of the learner; the last one counts."""

    async def wish(self) -> bytes | None:
        """What was last wanted; None: nobody ever wanted anything."""

    async def ids(self, shard: str, cursor: int, limit: int) -> tuple[int, list[str]]:
        """Scan the ids that have a state, about ``limit`` at a time; the cursor 0 begins and ends.

        A step may be empty before the end; ids that come or go meanwhile may be missed or named
        twice.
        """

    async def claim_partitions(self, count: int) -> int:
        """Store the topic's partition count if none is stored; return the stored one."""

    async def check(self) -> list[str]:
        """What is wrong with the server's setup (eviction, no AOF ...), a sentence each."""

    async def close(self) -> None:
        """Give all connections back."""
