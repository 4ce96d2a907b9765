"""The notifier's position: its shard, and the record under its fence."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

NOTIFIER = "notifier"
"""Its shard."""


class NotifierRecord(Struct, frozen=True):
    """What the notifier's record holds, beside the book."""

    sequences: Mapping[str, str] = {}
    """Shard -> newest sequence read; the outbox of a worker may send one twice."""


FRESH = msgspec.json.encode(NotifierRecord())
"""Of a notifier that has read nothing: sequences begin anew in another namespace."""
