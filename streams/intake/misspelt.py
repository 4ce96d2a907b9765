"""Events of unknown types that resemble a known one, counted by name in a shard's checkpoint.

A producer can make up any number of names, and a checkpoint is written with every commit, so few
are kept: the first by a hash. A kept name has its whole count, and neither the order of arrival nor
batches decide which are kept.
"""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import NamedTuple

from touchstream.schemas.nearest import Suggestion

MOST_NAMES = 32

Counts = dict[str, dict[str, int]]
"""Known type -> unknown names that resemble it -> events dropped."""


class Misspelt(NamedTuple):
    """One unknown type, and the known one that was probably meant."""

    type: str
    did_you_mean: str
    events: int
    """Events dropped."""

    def __str__(self) -> str:
        events = f"{self.events} {'event' if self.events == 1 else 'events'}"
        return f"{events} of type {self.type}: did you mean {self.did_you_mean}?"


def count_misspelt(counts: Counts, found: Suggestion) -> None:
    """Count one event; beyond ``MOST_NAMES`` the last name by hash goes."""
    names = counts.setdefault(found.known, {})
    names[found.unknown] = names.get(found.unknown, 0) + 1
    kept = [Suggestion(name, known) for known, below in counts.items() for name in below]
    if len(kept) > MOST_NAMES:
        last = max(kept, key=_rank)
        del counts[last.known][last.unknown]
        if not counts[last.known]:
            del counts[last.known]


def misspelt_in(shards: Iterable[Mapping[str, Mapping[str, int]]]) -> list[Misspelt]:
    """The counts of one or several shards, the most frequent first.

    >>> [str(one) for one in misspelt_in([{"order.placed": {"order.place": 42}}])]
    ['42 events of type order.place: did you mean order.placed?']
    """
    total: dict[Suggestion, int] = {}
    for counts in shards:
        for known, names in counts.items():
            for name, count in names.items():
                total[Suggestion(name, known)] = total.get(Suggestion(name, known), 0) + count
    # Of further names a shard may have lost some events.
    kept = sorted(total, key=_rank)[:MOST_NAMES]
    found = [Misspelt(name, known, total[Suggestion(name, known)]) for name, known in kept]
    return sorted(found, key=lambda one: (-one.events, one))


def _rank(found: Suggestion) -> bytes:
    return blake2b("\0".join(found).encode(), digest_size=8).digest()
