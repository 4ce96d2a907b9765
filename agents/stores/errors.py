"""Translation of Redis's errors into a cause and a remedy."""

from redis import exceptions

from touchstream.agents.stores.base import StoreError

_ADVICE_BY_ERROR: tuple[tuple[type[Exception], str], ...] = (
    (
        exceptions.AuthenticationError,
        "it refused the user or password: correct them in the Redis URL",
    ),
    (
        exceptions.BusyLoadingError,
        "it is still loading its data after a start: wait, nothing was written",
    ),
    (
        exceptions.MaxConnectionsError,
        "every connection of the pool is in use: more work is in flight than the pool allows",
    ),
    (
        exceptions.TimeoutError,
        "it did not answer in time: look at its load (SLOWLOG GET, INFO) and at the network; "
        "whether a commit was applied shows in the fence",
    ),
    (
        exceptions.ConnectionError,
        "it cannot be reached: is it running, and is the Redis URL right? "
        "Whether a commit was applied shows in the fence",
    ),
    (
        exceptions.OutOfMemoryError,
        "out of memory (OOM): raise maxmemory or add a node; never let it evict (noeviction); "
        "nothing was written",
    ),
    (
        exceptions.ReadOnlyError,
        "READONLY: this is a replica; point the Redis URL at the primary",
    ),
    (
        exceptions.NoPermissionError,
        "NOPERM: this user lacks a permission; grant it the namespace's keys and "
        "+@read +@write +@scripting",
    ),
    (
        exceptions.AskError,
        "this node of a Redis Cluster does not own the slot: connect through a proxy or to the "
        "owner of the shard's slot",
    ),
)

_ADVICE_BY_CODE = {
    "MISCONF": "MISCONF: it cannot write to its disk and refuses writes; free space or repair "
    "the folder named by CONFIG GET dir, then look at its log",
    "NOREPLICAS": "NOREPLICAS: too few replicas are in reach (min-replicas-to-write); bring them "
    "back",
    "BUSY": "BUSY: another script runs too long; SCRIPT KILL ends it",
    "WRONGTYPE": "WRONGTYPE: a key of ours holds something else; is the namespace shared with "
    "another program?",
    "NOAUTH": "it asks for a password: put one into the Redis URL",
}


def translated(error: Exception, verb: str, where: str) -> StoreError:
    """The StoreError for ``error``, with a remedy; raise it ``from error``."""
    cause = " ".join(str(error).split())
    return StoreError(f"{verb}: Redis at {where}: {_advice(error)} ({cause})")


def _advice(error: Exception) -> str:
    # By code first: redis-py maps several codes to one exception class.
    code = str(error).split(" ", 1)[0]
    if code in _ADVICE_BY_CODE:
        return _ADVICE_BY_CODE[code]
    for kind, advice in _ADVICE_BY_ERROR:
        if isinstance(error, kind):
            return advice
    return "it refused the command; see its message and log"
