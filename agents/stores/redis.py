"""Shards in Redis 7 or Valkey: one pipeline per verb, one script per commit.

Per shard: ``fence`` and ``record`` are strings, ``due`` is a sorted set of timers, ``outbox`` a
sorted set by number (members ``number:entry``; not a stream: a stream refuses a number at or below
its last, and a script that fails half way is not undone), each state a string of its own, each
index a sorted set of ids by score. Sorted sets order equal scores by the member's bytes, which for
UTF-8 is Python's order of ``str``.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import NoScriptError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from touchstream.agents.stores.arguments import check_commit
from touchstream.agents.stores.base import (
    Commit,
    Fence,
    Holding,
    Place,
    Read,
    ShardCheckpoint,
)
from touchstream.agents.stores.connection import address_of, pool_of
from touchstream.agents.stores.errors import translated
from touchstream.agents.stores.keys import (
    ShardKeys,
    all_keys,
    check_name,
    origin_key,
    partitions_key,
    place_of,
    shard_keys,
    text_key,
    wish_key,
)
from touchstream.agents.stores.setup_check import (
    CONFIG_QUERIES,
    SERVER_QUERIES,
    Memory,
    complaints,
    memory_of,
)

Command = tuple[Any, ...]
T = TypeVar("T")

TIMEOUT_S = 10.0
"""A commit of 20,000 states takes 0.1 s; a server that is silent for longer is down or stuck."""

RETRIES = 2
"""Repeats on a lost connection, within a second: every verb is safe to repeat."""

_COMMIT = resources.files("touchstream.agents.stores").joinpath("lua/commit.lua").read_bytes()
_COMMIT_SHA = hashlib.sha1(_COMMIT, usedforsecurity=False).hexdigest()


def connect(
    url: str,
    namespace: str,
    *,
    timeout_s: float = TIMEOUT_S,
    retries: int = RETRIES,
    patience_s: float | None = None,
    username: str | None = None,
    password: str | None = None,
    ca_file: Path | None = None,
) -> "RedisStore":
    """A store at redis://, rediss:// or unix:// (``?protocol=2`` for RESP2); nothing is sent yet.

    ``timeout_s`` bounds each try, ``patience_s`` all tries of a verb together; None: no bound.
    A user and password inside the URL go before the given ones. Raises ValueError for another URL,
    a ``ca_file`` where there is no TLS, or a namespace that cannot stand in a key.
    """
    if ca_file is not None and not url.startswith("rediss://"):
        raise ValueError(f"ca_file={str(ca_file)!r}: want a rediss:// URL, else TLS is not used")
    backoff = ExponentialWithJitterBackoff(base=0.05, cap=0.5)
    pool = pool_of(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(backoff, retries),
        username=username,
        password=password,
        **({} if ca_file is None else {"ssl_ca_certs": str(ca_file)}),
    )
    return RedisStore(Redis.from_pool(pool), namespace, patience_s)


class RedisStore:
    """Implements ``Store`` on a client that returns bytes."""

    def __init__(self, client: Redis, namespace: str, patience_s: float | None = None) -> None:
        self._client = client
        self._namespace = check_name(namespace)
        self._where = f"{address_of(client)}, namespace {namespace!r}"
        self._patience_s = patience_s

    async def read_checkpoints(self, shards: Sequence[str]) -> list[ShardCheckpoint]:
        keys = [self._keys(shard) for shard in shards]
        replies = await self._ask(
            "read_checkpoints", [("MGET", key.fence, key.record) for key in keys]
        )
        return [ShardCheckpoint(_fence(fence), record) for fence, record in replies]

    async def load(self, reads: Sequence[Read]) -> list[list[bytes | None]]:
        # MGET without a key is an error; a tick may have no customer to process.
        asked = [read for read in reads if read.ids]
        replies = iter(await self._ask("load", [self._mget(read) for read in asked]))
        return [next(replies) if read.ids else [] for read in reads]

    async def timers_until(self, shard: str, until_ms: int, limit: int) -> list[str]:
        key = self._keys(shard).timers
        query = ("ZRANGEBYSCORE", key, "-inf", until_ms, "LIMIT", 0, limit)
        [ids] = await self._ask("timers_until", [query])
        return [id_.decode() for id_ in ids]

    async def commit(self, commits: Sequence[Commit]) -> list[bool]:
        for commit in commits:
            check_commit(commit)
        commands = [_commit_command(self._keys(commit.shard), commit) for commit in commits]
        replies = await self._send("commit", commands)
        forgotten = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if forgotten:
            again = [("SCRIPT LOAD", _COMMIT), *(commands[at] for at in forgotten)]
            _, *late = await self._send("commit", again)
            for at, reply in zip(forgotten, late, strict=True):
                replies[at] = reply
        return [reply == 1 for reply in self._answers("commit", replies)]

    async def outbox(self, shard: str, after: int, limit: int) -> list[tuple[int, bytes]]:
        key = self._keys(shard).outbox
        query = ("ZRANGEBYSCORE", key, f"({after}", "+inf", "LIMIT", 0, limit)
        [members] = await self._ask("outbox", [query])
        return [_entry(member) for member in members]

    async def forget(self, upto: Mapping[str, int]) -> None:
        await self._ask(
            "forget",
            [
                ("ZREMRANGEBYSCORE", self._keys(shard).outbox, "-inf", last)
                for shard, last in upto.items()
            ],
        )

    async def read_measures(
        self, shards: Sequence[str], buckets: Sequence[str]
    ) -> list[list[dict[str, int]]]:
        keys = [self._keys(shard) for shard in shards]
        queries = [("HGETALL", shard.bucket(name)) for shard in keys for name in buckets]
        replies = await self._ask("read_measures", queries)
        return _by_shard([_fields(reply) for reply in replies], shards, buckets)

    async def read_indexes(
        self, shards: Sequence[str], indexes: Sequence[str], limit: int
    ) -> list[list[list[tuple[str, float]]]]:
        keys = [self._keys(shard) for shard in shards]
        queries: list[Command] = [
            ("ZRANGE", shard.index_of(name), 0, limit - 1, "REV", "WITHSCORES")
            for shard in keys
            for name in indexes
        ]
        replies = await self._ask("read_indexes", queries)
        return _by_shard([_scores(reply) for reply in replies], shards, indexes)

    async def count_indexes(self, shards: Sequence[str], indexes: Sequence[str]) -> list[list[int]]:
        keys = [self._keys(shard) for shard in shards]
        queries: list[Command] = [
            ("ZCARD", shard.index_of(name)) for shard in keys for name in indexes
        ]
        return _by_shard(await self._ask("count_indexes", queries), shards, indexes)

    async def put_text(self, digest: str, text: bytes) -> None:
        await self._ask("put_text", [("SET", text_key(self._namespace, digest), text)])

    async def text(self, digest: str) -> bytes | None:
        found: list[bytes | None] = await self._ask(
            "text", [("GET", text_key(self._namespace, digest))]
        )
        return found[0]

    async def put_wish(self, wish: bytes) -> None:
        await self._ask("put_wish", [("SET", wish_key(self._namespace), wish)])

    async def wish(self) -> bytes | None:
        found: list[bytes | None] = await self._ask("wish", [("GET", wish_key(self._namespace))])
        return found[0]

    async def ids(self, shard: str, cursor: int, limit: int) -> tuple[int, list[str]]:
        keys = self._keys(shard)
        query = ("SCAN", cursor, "MATCH", keys.states + b"*", "COUNT", limit)
        [(following, found)] = await self._ask("ids", [query])
        return int(following), [keys.subject(key) for key in found]

    async def scan(self, cursor: int, limit: int) -> tuple[int, list[Place]]:
        query = ("SCAN", cursor, "MATCH", all_keys(self._namespace), "COUNT", limit)
        [(following, keys)] = await self._ask("scan", [query])
        found = [place_of(self._namespace, key) for key in keys]
        return int(following), [Place(*each) for each in found if each is not None]

    async def holdings(self, read: Read, indexes: Sequence[str]) -> list[Holding]:
        keys, ids = self._keys(read.shard), [id_.encode() for id_ in read.ids]
        if not ids:
            return []
        sets = [keys.timers, *(keys.index_of(name) for name in indexes)]
        queries = [self._mget(read), *(("ZMSCORE", key, *ids) for key in sets)]
        states, timers, *scores = await self._ask("holdings", queries)
        return [
            Holding(
                id_,
                state,
                None if timer is None else int(float(timer)),
                {
                    name: float(of_index[at])
                    for name, of_index in zip(indexes, scores, strict=True)
                    if of_index[at] is not None
                },
            )
            for at, (id_, state, timer) in enumerate(zip(read.ids, states, timers, strict=True))
            if state is not None
        ]

    async def put_holdings(self, shard: str, holdings: Sequence[Holding]) -> None:
        keys = self._keys(shard)
        commands: list[Command] = [("SET", keys.state(one.id), one.state) for one in holdings]
        for one in holdings:
            id_ = one.id.encode()
            if one.timer_ms is not None:
                commands.append(("ZADD", keys.timers, one.timer_ms, id_))
            commands += [
                ("ZADD", keys.index_of(name), repr(score), id_)
                for name, score in one.scores.items()
            ]
        await self._ask("put_holdings", commands)

    async def put_measures(self, shard: str, buckets: Mapping[str, Mapping[str, int]]) -> None:
        keys = self._keys(shard)
        commands: list[Command] = []
        for bucket, fields in buckets.items():
            key = keys.bucket(bucket)
            commands.append(("DEL", key))
            if fields:
                commands.append(("HSET", key, *(part for pair in fields.items() for part in pair)))
        await self._ask("put_measures", commands)

    async def put_origin(self, origin: bytes) -> None:
        await self._ask("put_origin", [("SET", origin_key(self._namespace), origin)])

    async def origin(self) -> bytes | None:
        found: list[bytes | None] = await self._ask(
            "origin", [("GET", origin_key(self._namespace))]
        )
        return found[0]

    async def wipe(self) -> None:
        kept, cursor = origin_key(self._namespace), -1
        while cursor:
            query = ("SCAN", max(cursor, 0), "MATCH", all_keys(self._namespace), "COUNT", 1_000)
            [(following, keys)] = await self._ask("wipe", [query])
            cursor = int(following)
            await self._ask("wipe", [("UNLINK", key) for key in keys if key != kept])

    async def claim_partitions(self, count: int) -> int:
        key = partitions_key(self._namespace)
        _, stored = await self._ask("claim_partitions", [("SET", key, count, "NX"), ("GET", key)])
        return int(stored)

    async def claimed_partitions(self) -> int | None:
        [stored] = await self._ask("claimed_partitions", [("GET", partitions_key(self._namespace))])
        return None if stored is None else int(stored)

    async def now_ms(self) -> int:
        """The server's clock."""
        [(seconds, microseconds)] = await self._ask("now_ms", [("TIME",)])
        return int(seconds) * 1000 + int(microseconds) // 1000

    async def count_keys(self, *, everybody: bool = False) -> int:
        """About how many keys the namespace has; exactly how many the database has."""
        if everybody:
            [count] = await self._ask("count_keys", [("DBSIZE",)])
            return int(count)
        count, cursor = 0, -1
        while cursor:
            query = ("SCAN", max(cursor, 0), "MATCH", all_keys(self._namespace), "COUNT", 1_000)
            [(following, keys)] = await self._ask("count_keys", [query])
            cursor, count = int(following), count + len(keys)
        return count

    async def memory(self) -> Memory:
        """The memory that the server uses, and may use."""
        [info] = await self._ask("memory", [("INFO", "memory")])
        return memory_of(info)

    async def check(self) -> list[str]:
        queries = [*SERVER_QUERIES, *CONFIG_QUERIES]
        server, replication, *config = await self._send("check", queries)
        return complaints(server, replication, config)

    async def close(self) -> None:
        await self._client.aclose()

    def _keys(self, shard: str) -> ShardKeys:
        return shard_keys(self._namespace, shard)

    def _mget(self, read: Read) -> Command:
        prefix = self._keys(read.shard).states
        return ("MGET", *(prefix + id_.encode() for id_ in read.ids))

    async def _ask(self, verb: str, commands: Sequence[Command]) -> list[Any]:
        """One round trip; raises StoreError for the first command refused."""
        return self._answers(verb, await self._send(verb, commands)) if commands else []

    def _answers(self, verb: str, replies: list[Any]) -> list[Any]:
        for reply in replies:
            if isinstance(reply, Exception):
                raise translated(reply, verb, self._where) from reply
        return replies

    async def _send(self, verb: str, commands: Sequence[Command]) -> list[Any]:
        """One round trip; refused commands stand in the reply as ResponseError."""
        # No MULTI: each commit is atomic by its script, and other commands need no atomicity.
        async with self._client.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.pipeline_execute_command(*command)  # type: ignore[no-untyped-call]
            try:
                async with asyncio.timeout(self._patience_s):
                    return await pipeline.execute(raise_on_error=False)
            except TimeoutError as error:  # ours: redis-py has one of its own
                late = RedisTimeoutError(f"no answer within {self._patience_s:g} s")
                raise translated(late, verb, self._where) from error
            except (RedisError, OSError) as error:
                raise translated(error, verb, self._where) from error


class _Changes(NamedTuple):
    """A commit's states and timers in the order in which the script reads them."""

    set_keys: list[bytes]
    set_values: list[bytes]
    delete_keys: list[bytes]
    timers: list[bytes | int]
    deleted_timers: list[bytes]


class _Places(NamedTuple):
    """A commit's indexes in the order in which the script reads them."""

    keys: list[bytes]
    arguments: list[bytes | int | str]
    """Index by index: how many scores, how many ids to take out; score, id pairs; those ids."""


class _Additions(NamedTuple):
    """A commit's measures in the order in which the script reads them."""

    expired_keys: list[bytes]
    keys: list[bytes]
    arguments: list[str | int]
    """Bucket by bucket: how many fields, then field, increment pairs."""


def _commit_command(keys: ShardKeys, commit: Commit) -> Command:
    changes, additions = _changes(keys, commit), _additions(keys, commit)
    places = _places(keys, commit)
    touched = (keys.fence, keys.record, keys.timers, keys.outbox)
    return (
        "EVALSHA",
        _COMMIT_SHA,
        len(touched)
        + len(changes.set_keys)
        + len(changes.delete_keys)
        + len(places.keys)
        + len(additions.expired_keys)
        + len(additions.keys),
        *touched,
        *changes.set_keys,
        *changes.delete_keys,
        *places.keys,
        *additions.expired_keys,
        *additions.keys,
        commit.expected.text() if commit.expected else "",
        commit.fence.text(),
        commit.record,
        len(changes.set_keys),
        len(changes.delete_keys),
        len(changes.timers) // 2,
        len(changes.deleted_timers),
        len(places.keys),
        len(additions.expired_keys),
        len(additions.keys),
        len(additions.arguments),
        *changes.set_values,
        *changes.timers,
        *changes.deleted_timers,
        *places.arguments,
        *additions.arguments,
        *(part for numbered in commit.outbox for part in numbered),
    )


def _changes(keys: ShardKeys, commit: Commit) -> _Changes:
    prefix, states, timers = keys.states, commit.states.items(), commit.timers.items()
    deleted = [id_.encode() for id_, state in states if state is None]
    return _Changes(
        set_keys=[prefix + id_.encode() for id_, state in states if state is not None],
        set_values=[state for _, state in states if state is not None],
        delete_keys=[prefix + subject for subject in deleted],
        timers=[
            part for id_, at_ms in timers if at_ms is not None for part in (at_ms, id_.encode())
        ],
        deleted_timers=deleted + [id_.encode() for id_, at_ms in timers if at_ms is None],
    )


def _places(keys: ShardKeys, commit: Commit) -> _Places:
    arguments: list[bytes | int | str] = []
    for scores in commit.indexes.values():
        kept = [(score, id_) for id_, score in scores.items() if score is not None]
        gone = [id_.encode() for id_, score in scores.items() if score is None]
        arguments += len(kept), len(gone)
        for score, id_ in kept:
            arguments += repr(score), id_.encode()
        arguments += gone
    return _Places([keys.index_of(name) for name in commit.indexes], arguments)


def _additions(keys: ShardKeys, commit: Commit) -> _Additions:
    arguments: list[str | int] = []
    for fields in commit.measures.values():
        arguments.append(len(fields))
        for name, amount in fields.items():
            arguments += name, amount
    return _Additions(
        [keys.bucket(name) for name in commit.expired_measures],
        [keys.bucket(name) for name in commit.measures],
        arguments,
    )


def _by_shard(found: list[T], shards: Sequence[str], names: Sequence[str]) -> list[list[T]]:
    """The replies of all shards, which ask for the same names each."""
    width = len(names)
    return [found[at * width : (at + 1) * width] for at in range(len(shards))]


def _scores(reply: Any) -> list[tuple[str, float]]:  # noqa: ANN401 - pairs by RESP3, flat by RESP2
    paired = reply and isinstance(reply[0], list | tuple)
    pairs = reply if paired else zip(reply[::2], reply[1::2], strict=True)
    return [(id_.decode(), float(score)) for id_, score in pairs]


def _fields(reply: Any) -> dict[str, int]:  # noqa: ANN401 - a map by RESP3, a flat list by RESP2
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    return {name.decode(): int(amount) for name, amount in pairs}


def _fence(text: bytes | None) -> Fence | None:
    return None if text is None else Fence.parse(text.decode())


def _entry(member: bytes) -> tuple[int, bytes]:
    number, _, entry = member.partition(b":")
    return int(number), entry
