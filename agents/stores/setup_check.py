"""The Redis configuration that prevents silent loss, checked at start."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

OLDEST_SERVER = (7, 0)
"""Scripts that begin with #!lua (refused whole when Redis may not write) came with it."""

CONFIG_WANTED = {
    "maxmemory-policy": ("noeviction", "an evicted state is a customer forgotten"),
    "appendonly": ("yes", "without the AOF a restart loses what was committed since the last dump"),
}
"""Setting -> (required value, the consequence of another one)."""

CONFIG_QUERIES = tuple(("CONFIG GET", setting) for setting in CONFIG_WANTED)

SERVER_QUERIES = (("INFO", "server"), ("INFO", "replication"))


def complaints(server: object, replication: object, config: Iterable[object]) -> list[str]:
    """A sentence for each thing wrong, from the replies (or errors) to the queries above."""
    return [
        *_of_version(server),
        *_of_role(replication),
        *(
            sentence
            for setting, reply in zip(CONFIG_WANTED, config, strict=True)
            for sentence in _of_setting(setting, reply)
        ),
    ]


class Memory(NamedTuple):
    """A server's memory in bytes."""

    used: int
    limit: int
    """``maxmemory``, or what the machine has."""


def memory_of(reply: object) -> Memory:
    """The memory by the reply to INFO memory."""
    fields = _fields(reply)
    limit = int(fields.get("maxmemory", 0)) or int(fields.get("total_system_memory", 0))
    return Memory(int(fields.get("used_memory", 0)), limit)


def _of_version(server: object) -> list[str]:
    version = str(_fields(server).get("redis_version", ""))
    if not version:
        return [f"INFO is refused ({server}), so Redis's version is not known: want 7.0 or later"]
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_SERVER:
        return [f"Redis {version}: want 7.0 or later, or Valkey"]
    return []


def _of_role(replication: object) -> list[str]:
    role = _fields(replication).get("role", "master")
    return [] if role == "master" else [f"Redis is a {role}: point the Redis URL at the primary"]


def _of_setting(setting: str, reply: object) -> list[str]:
    wanted, otherwise = CONFIG_WANTED[setting]
    found = _fields(reply).get(setting)
    if found is None:
        # Managed Redis often forbids CONFIG; the operator has to check it there.
        return [f"CONFIG GET is refused ({reply}): make sure that {setting} is {wanted}"]
    if found == wanted:
        return []
    return [f"{setting} is {found}: {otherwise}; CONFIG SET {setting} {wanted}"]


def _fields(reply: object) -> dict[str, Any]:
    """A reply's fields with text for keys and values; none for an error."""
    if not isinstance(reply, Mapping):
        return {}
    return {_text(key): _text(value) for key, value in reply.items()}


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
