"""Failures of a real server: lost replies, forgotten scripts, full memory, rollbacks."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from bench.services.redis import RedisServer
from tests.agents.stores.proxy import LossyProxy
from touchstream.agents.stores.base import Commit, Fence, Read, ShardCheckpoint, StoreError
from touchstream.agents.stores.errors import translated
from touchstream.agents.stores.keys import shard_keys
from touchstream.agents.stores.redis import RedisStore, connect

FIRST = Fence(10, 1)
SECOND = Fence(20, 2)
DAY = "800:2026-11-28"
ONE = Commit(
    *("p0", None, FIRST, b"1", {"a": b"1"}, {"a": 5}, [(1, b"x")], {DAY: {"orders": 1}}),
    indexes={"risk.high": {"a": 0.9}},
)
TWO = Commit(
    *("p0", FIRST, SECOND, b"2", {"a": b"2"}, {"a": 6}, [(2, b"y")], {DAY: {"orders": 10}}),
    indexes={"risk.high": {"a": None}, "risk.medium": {"a": 0.5}},
)
RISKS = ["risk.high", "risk.medium"]


@pytest.fixture
async def store(own_redis: RedisServer) -> AsyncIterator[RedisStore]:
    opened = connect(own_redis.url, "test")
    yield opened
    await opened.close()


@pytest.fixture
async def proxy(own_redis: RedisServer) -> AsyncIterator[LossyProxy]:
    async with LossyProxy(urlsplit(own_redis.url).port or 0, marker=b"EVALSHA") as opened:
        yield opened


async def test_a_commit_whose_reply_was_lost_is_refused_when_repeated(
    store: RedisStore, proxy: LossyProxy
) -> None:
    await store.commit([ONE])
    careful = connect(proxy.url, "test", retries=0)
    proxy.lose(1)
    with pytest.raises(StoreError, match="Whether a commit was applied shows in the fence"):
        await careful.commit([TWO])
    assert await careful.commit([TWO]) == [False]
    await careful.close()
    assert proxy.lost == 1
    assert await store.read_checkpoints(["p0"]) == [ShardCheckpoint(SECOND, b"2")]
    assert await store.outbox("p0", 0, 9) == [(1, b"x"), (2, b"y")]
    assert await store.read_measures(["p0"], [DAY]) == [[{"orders": 11}]]


async def test_the_clients_own_retries_apply_nothing_twice(
    store: RedisStore, proxy: LossyProxy
) -> None:
    await store.commit([ONE])
    stubborn = connect(proxy.url, "test")
    proxy.lose(2)
    assert await stubborn.commit([TWO]) == [False]
    await stubborn.close()
    assert proxy.lost == 2
    assert await store.read_checkpoints(["p0"]) == [ShardCheckpoint(SECOND, b"2")]
    assert await store.read_measures(["p0"], [DAY]) == [[{"orders": 11}]]


async def test_a_server_that_forgot_the_script_gets_it_again(
    store: RedisStore, own_redis: RedisServer
) -> None:
    assert await store.commit([ONE]) == [True]
    with own_redis.client() as client:
        client.script_flush()
    other = ONE._replace(shard="p1")
    assert await store.commit([other, TWO, other]) == [True, True, False]


async def test_a_cancelled_verb_leaves_no_reply_to_the_next_one(store: RedisStore) -> None:
    await store.commit([ONE._replace(states={"a": b"a" * 2**20, "b": b"b"})])
    for delay_us in range(0, 3000, 50):
        task = asyncio.create_task(store.load([Read("p0", ["a"])]))
        await asyncio.sleep(delay_us / 1e6)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await store.load([Read("p0", ["b"])]) == [[b"b"]]


async def test_after_a_kill_the_same_store_goes_on(
    store: RedisStore, own_redis: RedisServer
) -> None:
    await store.commit([ONE])
    own_redis.restart()
    assert await store.commit([TWO]) == [True]


async def test_states_fence_outbox_measures_and_indexes_go_back_together(
    store: RedisStore, own_redis: RedisServer, tmp_path: Path
) -> None:
    await store.commit([ONE])
    copy = own_redis.copy_folder(tmp_path / "older")
    await store.commit([TWO])
    await store.forget({"p0": 2})
    own_redis.restart_on_copy(copy)
    assert await store.read_checkpoints(["p0"]) == [ShardCheckpoint(FIRST, b"1")]
    assert await store.load([Read("p0", ["a"])]) == [[b"1"]]
    assert await store.outbox("p0", 0, 9) == [(1, b"x")]
    assert await store.read_measures(["p0"], [DAY]) == [[{"orders": 1}]]
    assert await store.read_indexes(["p0"], RISKS, 9) == [[[("a", 0.9)], []]]
    assert await store.commit([TWO]) == [True]
    assert await store.read_measures(["p0"], [DAY]) == [[{"orders": 11}]]
    assert await store.read_indexes(["p0"], RISKS, 9) == [[[], [("a", 0.5)]]]


async def test_a_full_server_refuses_the_whole_commit(
    store: RedisStore, own_redis: RedisServer
) -> None:
    await store.commit([ONE])
    with own_redis.client() as client:
        client.config_set("maxmemory", "1mb")
    # Deleting needs no memory: it would succeed and be left so by the first SET that does not.
    deleting_first = TWO._replace(states={"a": None}, timers={}, outbox=(), indexes={})
    with pytest.raises(StoreError, match=r"commit: Redis at 127.*out of memory.*raise maxmemory"):
        await store.commit([deleting_first])
    assert await store.load([Read("p0", ["a"])]) == [[b"1"]]
    assert await store.timers_until("p0", 100, 9) == ["a"]


async def test_a_replica_is_named_as_such(store: RedisStore, own_redis: RedisServer) -> None:
    await store.commit([ONE])
    with own_redis.client() as client:
        client.replicaof("127.0.0.1", 1)
    with pytest.raises(StoreError, match="point the Redis URL at the primary"):
        await store.commit([TWO])
    assert "Redis is a slave: point the Redis URL at the primary" in await store.check()


async def test_a_foreign_key_under_our_name_is_named_as_such(
    store: RedisStore, own_redis: RedisServer
) -> None:
    with own_redis.client() as client:
        client.lpush(shard_keys("test", "p0").fence, "foreign")
    with pytest.raises(StoreError, match="is the namespace shared with another program"):
        await store.commit([ONE])


async def test_a_foreign_key_in_the_place_of_measures_refuses_the_whole_commit(
    store: RedisStore, own_redis: RedisServer
) -> None:
    await store.commit([ONE])
    with own_redis.client() as client:
        client.lpush(shard_keys("test", "p0").bucket("800:2026-11-29"), "foreign")
    measures = {DAY: {"orders": 10}, "800:2026-11-29": {"orders": 1}}
    with pytest.raises(StoreError, match="is the namespace shared with another program"):
        await store.commit([TWO._replace(measures=measures)])
    assert await store.load([Read("p0", ["a"])]) == [[b"1"]]
    assert await store.read_measures(["p0"], [DAY]) == [[{"orders": 1}]]


async def test_a_foreign_key_in_the_place_of_an_index_refuses_the_whole_commit(
    store: RedisStore, own_redis: RedisServer
) -> None:
    await store.commit([ONE])
    with own_redis.client() as client:
        client.lpush(shard_keys("test", "p0").index_of("risk.medium"), "foreign")
    with pytest.raises(StoreError, match="is the namespace shared with another program"):
        await store.commit([TWO])
    assert await store.load([Read("p0", ["a"])]) == [[b"1"]]
    assert await store.read_indexes(["p0"], ["risk.high"], 9) == [[[("a", 0.9)]]]
    assert await store.read_checkpoints(["p0"]) == [ShardCheckpoint(FIRST, b"1")]


async def test_a_server_that_is_away_is_named_without_its_password() -> None:
    store = connect("redis://user:secret@127.0.0.1:1/0", "test", retries=0)
    with pytest.raises(
        StoreError, match=r"load: Redis at 127\.0\.0\.1:1, namespace '[^']+': it cannot be reached"
    ) as it:
        await store.load([Read("p0", ["a"])])
    assert "secret" not in str(it.value)
    await store.close()


async def test_a_server_that_is_silent_is_given_up(own_redis: RedisServer) -> None:
    store = connect(own_redis.url, "test", timeout_s=0.2, retries=0)
    with own_redis.client() as client:
        client.client_pause(1000)
    with pytest.raises(StoreError, match="it did not answer in time"):
        await store.commit([ONE])
    await store.close()


async def test_check_names_every_setting_that_loses_data(
    store: RedisStore, own_redis: RedisServer
) -> None:
    with own_redis.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("appendonly", "no")
    assert await store.check() == [
        "maxmemory-policy is allkeys-lru: an evicted state is a customer forgotten; "
        "CONFIG SET maxmemory-policy noeviction",
        "appendonly is no: without the AOF a restart loses what was committed since the last dump; "
        "CONFIG SET appendonly yes",
    ]


async def test_check_says_so_where_config_and_info_are_forbidden(own_redis: RedisServer) -> None:
    with own_redis.client() as client:
        client.acl_setuser(
            "app", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-config", "-info"]
        )
    store = connect(own_redis.url.replace("//", "//app:any@"), "test")
    complaints = await store.check()
    await store.close()
    assert [complaint.split(" (")[0] for complaint in complaints] == [
        "INFO is refused",
        "CONFIG GET is refused",
        "CONFIG GET is refused",
    ]
    assert complaints[1].endswith("make sure that maxmemory-policy is noeviction")


def test_another_kind_of_url_is_refused() -> None:
    with pytest.raises(ValueError, match="redis://, rediss://, unix://"):
        connect("http://127.0.0.1", "test")


async def test_user_and_password_are_given_beside_the_url(own_redis: RedisServer) -> None:
    with own_redis.client() as client:
        client.acl_setuser(
            "app", enabled=True, passwords=["+word"], keys=["*"], categories=["+@all"]
        )
    store = connect(own_redis.url, "test", username="app", password="word")
    assert await store.commit([ONE]) == [True]
    await store.close()
    wrong = connect(own_redis.url, "test", username="app", password="other", retries=0)
    with pytest.raises(StoreError, match="correct them in the Redis URL"):
        await wrong.commit([TWO])
    await wrong.close()


async def test_states_are_bytes_whatever_the_url_asks_for(own_redis: RedisServer) -> None:
    store = connect(f"{own_redis.url}?decode_responses=true", "test")
    await store.commit([ONE])
    assert await store.load([Read("p0", ["a"])]) == [[b"1"]]
    await store.close()


def test_a_ca_file_without_tls_is_refused() -> None:
    with pytest.raises(ValueError, match="want a rediss:// URL"):
        connect("redis://127.0.0.1", "test", ca_file=Path("ca.pem"))


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ResponseError("MISCONF Errors writing to the AOF file"), "free space"),
        (ResponseError("NOREPLICAS Not enough good replicas"), "too few replicas"),
        (AuthenticationError("invalid username-password pair"), "correct them in the Redis URL"),
        (ResponseError("NOAUTH Authentication required."), "put one into the Redis URL"),
        (RedisError("something new"), "see its message and log"),
    ],
    ids=str,
)
def test_an_error_says_what_to_do(error: Exception, advice: str) -> None:
    message = str(translated(error, "commit", "127.0.0.1:6379"))
    assert message.startswith("commit: Redis at 127.0.0.1:6379: ")
    assert advice in message
    assert str(error) in message
