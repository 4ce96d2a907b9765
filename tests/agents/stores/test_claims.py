"""Claims of alerts, in memory and in Redis."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest

from bench.services.redis import RedisServer
from touchstream.agents.settings import Settings
from touchstream.agents.stores.claims import CLAIM_S, Claims, MemoryClaims, open_claims

_NAMESPACES = (f"claims-{number}" for number in count())


def of_server(server: RedisServer) -> Claims:
    redis = {"url": server.url}
    return open_claims(Settings.model_validate({"namespace": next(_NAMESPACES), "redis": redis}))


@pytest.fixture(params=["memory", pytest.param("redis_server", marks=pytest.mark.integration)])
async def claims(request: pytest.FixtureRequest) -> AsyncIterator[Claims]:
    if request.param == "memory":
        opened: Claims = MemoryClaims(lambda: 0.0)
    else:
        opened = of_server(request.getfixturevalue(request.param))
    yield opened
    await opened.close()


async def test_the_first_of_two_reps_has_the_alert(claims: Claims) -> None:
    assert await claims.claim("a1", "ada") == "ada"
    assert await claims.claim("a1", "bob") == "ada"
    assert await claims.holders(["a1", "a2"]) == {"a1": "ada"}


async def test_of_many_at_once_exactly_one_wins(claims: Claims) -> None:
    reps = [f"rep-{number}" for number in range(20)]
    holders = await asyncio.gather(*(claims.claim("a1", rep) for rep in reps))
    assert len(set(holders)) == 1
    assert holders[0] in reps


async def test_only_the_holder_gives_an_alert_back(claims: Claims) -> None:
    await claims.claim("a1", "ada")
    assert not await claims.release("a1", "bob")
    assert await claims.holders(["a1"]) == {"a1": "ada"}
    assert await claims.release("a1", "ada")
    assert await claims.holders(["a1"]) == {}
    assert await claims.claim("a1", "bob") == "bob"


async def test_no_alerts_have_no_holders(claims: Claims) -> None:
    assert await claims.holders([]) == {}


async def test_a_claim_ends_after_a_working_day() -> None:
    now_s = [0.0]
    claims = MemoryClaims(lambda: now_s[0])
    await claims.claim("a1", "ada")
    now_s[0] = CLAIM_S
    assert await claims.claim("a1", "bob") == "bob"


async def test_a_claim_in_redis_expires_by_itself(redis_server: RedisServer) -> None:
    claims = of_server(redis_server)
    await claims.claim("a1", "ada")
    with redis_server.client() as client:
        [key] = client.keys("{claims-*:meta}:claim:a1")[-1:]
        assert 0 < client.ttl(key) <= CLAIM_S
    await claims.close()
