"""Claims of alerts by reps: a convenience of people, in Redis alone and outside of every fence.

A claim expires, so that a rep who went home holds nobody up.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from touchstream.agents.settings import Settings
from touchstream.agents.stores.connection import address_of, pool_of
from touchstream.agents.stores.errors import translated
from touchstream.agents.stores.keys import claim_key

CLAIM_S = 8 * 3_600
"""A working day."""

_CLAIM = """
local holder = redis.call('GET', KEYS[1])
if holder then return holder end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return ARGV[1]
"""
_RELEASE = (
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
)


class Claims(Protocol):
    """Alert -> the rep who has taken it."""

    async def claim(self, alert: str, rep: str) -> str:
        """Take an alert that nobody has; returns the rep who has it now, perhaps another."""

    async def release(self, alert: str, rep: str) -> bool:
        """Give an alert back; False if this rep does not have it."""

    async def holders(self, alerts: Sequence[str]) -> Mapping[str, str]:
        """The rep of each of these alerts that somebody has."""

    async def close(self) -> None:
        """Close all connections."""


class MemoryClaims:
    """Implements ``Claims`` within one process; atomic because no verb awaits anything."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._held: dict[str, tuple[str, float]] = {}

    async def claim(self, alert: str, rep: str) -> str:
        holder = self._holder(alert)
        if holder is None:
            self._held[alert] = rep, self._clock_s() + CLAIM_S
        return holder or rep

    async def release(self, alert: str, rep: str) -> bool:
        if self._holder(alert) != rep:
            return False
        del self._held[alert]
        return True

    async def holders(self, alerts: Sequence[str]) -> Mapping[str, str]:
        found = {alert: self._holder(alert) for alert in alerts}
        return {alert: rep for alert, rep in found.items() if rep is not None}

    async def close(self) -> None:
        pass

    def _holder(self, alert: str) -> str | None:
        rep, until_s = self._held.get(alert, (None, 0.0))
        return rep if self._clock_s() < until_s else None


class RedisClaims:
    """Implements ``Claims`` for all consoles of a namespace."""

    def __init__(self, client: Redis, namespace: str, patience_s: float | None = None) -> None:
        self._client = client
        self._namespace = namespace
        self._patience_s = patience_s
        self._where = f"{address_of(client)}, namespace {namespace!r}"

    async def claim(self, alert: str, rep: str) -> str:
        holder: bytes = await self._ask("claim", "EVAL", _CLAIM, 1, self._key(alert), rep, CLAIM_S)
        return holder.decode()

    async def release(self, alert: str, rep: str) -> bool:
        released: int = await self._ask("release", "EVAL", _RELEASE, 1, self._key(alert), rep)
        return released == 1

    async def holders(self, alerts: Sequence[str]) -> Mapping[str, str]:
        if not alerts:
            return {}
        found = await self._ask("holders", "MGET", *map(self._key, alerts))
        return {
            alert: rep.decode() for alert, rep in zip(alerts, found, strict=True) if rep is not None
        }

    async def close(self) -> None:
        await self._client.aclose()

    def _key(self, alert: str) -> bytes:
        return claim_key(self._namespace, alert)

    async def _ask(self, verb: str, *command: Any) -> Any:  # noqa: ANN401 - any reply
        try:
            async with asyncio.timeout(self._patience_s):
                return await self._client.execute_command(*command)  # type: ignore[no-untyped-call]
        except TimeoutError as error:  # ours: redis-py has one of its own
            late = RedisTimeoutError(f"no answer within {self._patience_s:g} s")
            raise translated(late, verb, self._where) from error
        except (RedisError, OSError) as error:
            raise translated(error, verb, self._where) from error


def open_claims(settings: Settings) -> RedisClaims:
    """Redis with the credentials and TLS of the settings; nothing is sent yet.

    A command's claims fail once Redis has not answered for ``--timeout``.
    """
    redis = settings.redis
    timeout_s = redis.timeout_s if redis.patience_s is None else redis.patience_s
    pool = pool_of(
        redis.url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        username=redis.username,
        password=None if redis.password is None else redis.password.get_secret_value(),
        **({} if redis.ca_file is None else {"ssl_ca_certs": str(redis.ca_file)}),
    )
    return RedisClaims(Redis.from_pool(pool), settings.namespace, redis.patience_s)
