"""All Redis keys of this project; no other module builds one.

The part in braces is Redis Cluster's hash tag. All keys of a shard share it, so a shard lies in one
slot.
"""

import re
from functools import lru_cache
from typing import Literal, NamedTuple

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""No braces (they would move the hash tag), no glob signs (SCAN would match other shards)."""

_BUCKET = re.compile(r"[A-Za-z0-9:._-]{1,64}")
"""A retention and a day, ``800:2026-11-28``; the hash tag stands before it."""


Kind = Literal["state", "bucket", "text"]

_INDEX = re.compile(r"[a-z0-9._-]{1,64}")


class ShardKeys(NamedTuple):
    """The keys of one shard.

    A state's key is ``states`` followed by the id, a bucket's ``measures`` and an index's
    ``indexes`` followed by its name.
    """

    fence: bytes
    record: bytes
    timers: bytes
    outbox: bytes
    states: bytes
    measures: bytes
    indexes: bytes

    def state(self, subject: str) -> bytes:
        """The key of one state; raises ValueError (UnicodeEncodeError) for a lone surrogate."""
        return self.states + subject.encode()

    def subject(self, key: bytes) -> str:
        """The id back from :meth:`state`."""
        return key[len(self.states) :].decode()

    def bucket(self, name: str) -> bytes:
        """The key of one bucket of measures; raises ValueError for a name that is none."""
        return self.measures + check_bucket(name).encode()

    def index_of(self, name: str) -> bytes:
        """The key of one index; raises ValueError for a name that is none."""
        return self.indexes + check_index(name).encode()


# Called for every read and commit; the names of a process are few.
@lru_cache(maxsize=4096)
def shard_keys(namespace: str, shard: str) -> ShardKeys:
    """The keys of ``shard``; raises ValueError for a name that cannot stand in a hash tag.

    >>> shard_keys("touchstream", "p0").state("c-7")
    b'{touchstream:p0}:s:c-7'
    >>> shard_keys("touchstream", "p0").bucket("800:2026-11-28")
    b'{touchstream:p0}:m:800:2026-11-28'
    >>> shard_keys("touchstream", "p0").index_of("risk.high")
    b'{touchstream:p0}:i:risk.high'
    """
    tag = f"{{{check_name(namespace)}:{check_name(shard)}}}:"
    return ShardKeys(
        fence=f"{tag}fence".encode(),
        record=f"{tag}record".encode(),
        timers=f"{tag}due".encode(),
        outbox=f"{tag}outbox".encode(),
        states=f"{tag}s:".encode(),
        measures=f"{tag}m:".encode(),
        indexes=f"{tag}i:".encode(),
    )


def text_key(namespace: str, digest: str) -> bytes:
    return f"{{{check_name(namespace)}:texts}}:{digest}".encode()


def partitions_key(namespace: str) -> bytes:
    return f"{{{check_name(namespace)}:meta}}:partitions".encode()


def wish_key(namespace: str) -> bytes:
    return f"{{{check_name(namespace)}:meta}}:wish".encode()


def origin_key(namespace: str) -> bytes:
    return f"{{{check_name(namespace)}:meta}}:origin".encode()


def claim_key(namespace: str, alert: str) -> bytes:
    """The key of the claim of an alert; it lies with the other small facts of the namespace."""
    return f"{{{check_name(namespace)}:meta}}:claim:{alert}".encode()


def all_keys(namespace: str) -> str:
    """The pattern of every key of a namespace."""
    return f"{{{check_name(namespace)}:*"


def place_of(namespace: str, key: bytes) -> tuple[Kind, str, str] | None:
    """Kind, shard and name of a key; None for a position, a timer set, an index or the like.

    >>> place_of("shop", b"{shop:p0}:s:c-7"), place_of("shop", b"{shop:p0}:m:800:2026-11-28")
    (('state', 'p0', 'c-7'), ('bucket', 'p0', '800:2026-11-28'))
    >>> place_of("shop", b"{shop:texts}:9f"), place_of("shop", b"{shop:p0}:fence")
    (('text', '', '9f'), None)
    """
    tag, _, rest = key.partition(b"}:")
    shard = tag[len(namespace) + 2 :].decode()
    if shard == _TEXTS:
        return "text", "", rest.decode()
    kind, found, name = rest.partition(b":")
    if shard == _META or not found or kind not in _KINDS:
        return None
    return _KINDS[kind], shard, name.decode()


_TEXTS, _META = "texts", "meta"
_KINDS: dict[bytes, Kind] = {b"s": "state", b"m": "bucket"}


def check_name(name: str) -> str:
    """The name itself; raises ValueError unless it may stand inside a hash tag."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} names no namespace or shard: want letters, digits, '.', '_' or '-', "
            "beginning with a letter or digit, at most 128"
        )
    return name


def check_bucket(name: str) -> str:
    """The name itself; raises ValueError unless it may end a key."""
    if not _BUCKET.fullmatch(name):
        raise ValueError(
            f"{name!r} names no bucket of measures: want letters, digits, ':', '.', '_' or '-', "
            "at most 64"
        )
    return name


def check_index(name: str) -> str:
    """The name itself; raises ValueError unless it may end a key."""
    if not _INDEX.fullmatch(name):
        raise ValueError(
            f"{name!r} names no index: want lower-case letters, digits, '.', '_' or '-', at most 64"
        )
    return name
