import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Connection

from touchstream.agents.stores.connection import LONG_COMMAND, PackingConnection, pool_of

arguments = st.one_of(st.binary(max_size=9), st.integers(), st.text(st.characters(codec="utf-8")))


@given(st.lists(arguments, max_size=2 * LONG_COMMAND))
def test_a_command_is_packed_into_the_bytes_that_redis_py_would_send(
    rest: list[bytes | int | str],
) -> None:
    command = ("CONFIG GET", *rest) if len(rest) < LONG_COMMAND - 1 else ("EVALSHA", *rest)
    ours = b"".join(PackingConnection().pack_command(*command))
    assert ours == b"".join(Connection().pack_command(*command))


@pytest.mark.parametrize("url", ["redis://host", "rediss://host", "unix:///redis.sock"])
def test_every_kind_of_url_gets_the_fast_packing(url: str) -> None:
    pool = pool_of(url)
    connection = pool.connection_class(**pool.connection_kwargs)
    [packed] = connection.pack_command("MGET", *range(10_000))
    assert packed.startswith(b"*10001\r\n$4\r\nMGET\r\n$1\r\n0\r\n")
