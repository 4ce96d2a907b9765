"""What ``touchstream reshard`` refuses before it changes anything."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.services.redis import RedisServer
from tests.agents.cli.command import Output, touchstream
from tests.agents.resharded import stored
from tests.make import QUICK, days
from touchstream.agents.cli.failures import Failed
from touchstream.agents.cli.reshard import check_memory
from touchstream.agents.resharding import Lineage, Source
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Store
from touchstream.agents.stores.redis import connect
from touchstream.streams.local import LocalStream

NAMESPACES = (f"reshard-{number}" for number in count())
NOBODY = "127.0.0.1:1"
"""No broker: whoever asks Kafka has passed all that Redis can tell."""
SOURCE = Source("elsewhere", "touchpoints", "touchstream.examples", (5,), 10, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--partitions", 0, "--namespace", "new"),
            "'--partitions': Input should be greater than or equal to 1",
        ),
        (("--partitions", 5, "--namespace", "shop"), "--namespace='shop': want another one"),
        (("--partitions", 5, "--namespace", "A b"), "--namespace='A b': "),
        (
            ("--partitions", 5, "--namespace", "new", "--topic-prefix", ""),
            "--topic-prefix='': want another one than the present",
        ),
        (
            ("--partitions", 5, "--namespace", "new", "--topic-prefix", "ä"),
            "--topic-prefix='ä': ",
        ),
    ],
)
def test_unusable_arguments_end_with_2_and_one_line(
    tmp_path: Path, arguments: tuple[object, ...], said: str
) -> None:
    output = touchstream("reshard", *arguments, cwd=tmp_path, settings={"NAMESPACE": "shop"})
    assert (output.code, output.out, output.err.count("\n")) == (2, "", 1)
    assert said in output.err


async def started(store: Store) -> None:
    """A deployment of four shards that has passed a tick."""
    stream = LocalStream(QUICK, 4)
    stream.tick(days(0))
    await stored(stream, store)


async def nothing(store: Store) -> None:
    """Leave a namespace empty."""


async def a_text(store: Store) -> None:
    await store.put_text("digest", b"rules")


async def a_count(store: Store) -> None:
    await store.claim_partitions(5)


def a_copy(
    *, finished: bool, partitions: int = 5, source: str = ""
) -> Callable[[Store], Awaitable[None]]:
    async def put(store: Store) -> None:
        name = source or store._namespace.removesuffix("-new")  # type: ignore[attr-defined]
        copied = msgspec.structs.replace(SOURCE, namespace=name)
        prefix = f"{store._namespace}."  # type: ignore[attr-defined]
        lineage = Lineage(finished, partitions, prefix, (copied,), 3)
        await store.put_origin(msgspec.json.encode(lineage))
        await store.put_text("digest", b"rules")

    return put


@pytest.mark.integration
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (nothing, nothing, "nothing has run in namespace 'NAME' yet"),
        (started, a_text, "namespace 'NAME-new' is not empty: want a new one"),
        (started, a_count, "namespace 'NAME-new' is not empty: want a new one"),
        (started, a_copy(finished=True), "'NAME-new' is a finished copy of 'NAME'"),
        (started, a_copy(finished=False, partitions=6), "'NAME-new' is half of another copy"),
        (started, a_copy(finished=False, source="elsewhere"), "half of another copy, of 'elsew"),
        (a_copy(finished=False), nothing, "namespace 'NAME' is half a copy of 'NAME'"),
        (a_count, nothing, "but namespace 'NAME' was started with 5"),
        (started, nothing, "kafka.bootstrap='127.0.0.1:1'"),
        (started, a_copy(finished=False), "kafka.bootstrap='127.0.0.1:1'"),
    ],
)
def test_a_namespace_that_does_not_fit_is_refused(
    redis_server: RedisServer,
    tmp_path: Path,
    old: Callable[[Store], Awaitable[None]],
    new: Callable[[Store], Awaitable[None]],
    said: str,
) -> None:
    name = next(NAMESPACES)
    fill(redis_server, name, old)
    fill(redis_server, f"{name}-new", new)
    output = reshard(redis_server, tmp_path, name)
    assert (output.code, output.out, output.err.count("\n")) == (1, "", 1)
    assert said.replace("NAME", name) in output.err


@pytest.mark.integration
def test_a_redis_without_room_for_a_copy_is_refused(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as server:
        settings = Settings.load(None, {"TOUCHSTREAM_REDIS__URL": server.url})
        new = settings.model_copy(update={"namespace": "new"})
        fill(server, settings.namespace, started)
        asyncio.run(check_memory(settings, new))
        with server.client() as client:
            used = client.info("memory")["used_memory"]
            client.config_set("maxmemory", used + 10_000)
        with pytest.raises(Failed, match=r"Redis at redis://.*and the copy needs about .*maxmem"):
            asyncio.run(check_memory(settings, new))


def fill(server: RedisServer, name: str, content: Callable[[Store], Awaitable[Any]]) -> None:
    async def filled() -> None:
        store = connect(server.url, name)
        try:
            await content(store)
        finally:
            await store.close()

    asyncio.run(filled())


def reshard(server: RedisServer, folder: Path, name: str) -> Output:
    settings = {
        "NAMESPACE": name,
        "REDIS__URL": server.url,
        "KAFKA__BOOTSTRAP": NOBODY,
        "KAFKA__PARTITIONS": "4",
    }
    new = ("--partitions", 5, "--namespace", f"{name}-new", "--timeout", 1)
    return touchstream("reshard", *new, cwd=folder, settings=settings)
