"""Feature groups: all features derived from the same kinds of events.

Silence, rhythm and counts describe the same visits with opposite signs. Leaving out visits moves
them all, so only their sum can be verified as a reason.
"""

import hashlib
import struct
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import NamedTuple

_DIGEST_BYTES = 3
_LARGEST = 1_000.0  # larger log-odds mean nothing, and half floats overflow


class FeatureGroup(NamedTuple):
    """Features derived from the same events."""

    about: tuple[str, ...]
    """Event families ("activity": all signs of life); empty: derived from no event."""
    places: tuple[int, ...]
    """Indexes of its features in the list."""

    def lead(self, added: Sequence[float]) -> int:
        """The feature that contributes most in the direction of the sum; the first one on ties.

        ``added`` is the contribution of every feature of the list to the log-odds.
        """
        pulls = [added[place] for place in self.places]
        return self.places[pulls.index(max(pulls) if sum(pulls) >= 0 else min(pulls))]

    def by_pull(self, added: Sequence[float], least: float, *, raises: bool) -> list[int]:
        """The features that contribute at least ``least`` in a direction, the strongest first."""
        sign = 1.0 if raises else -1.0
        if len(self.places) == 1:
            return list(self.places) if sign * added[self.places[0]] >= least else []
        pulls = [(-sign * added[place], place) for place in self.places]
        return [place for pull, place in sorted(pulls) if pull <= -least]


class FeatureGroups:
    """All groups of a feature list, in the order of their first features.

    Parameters
    ----------
    made_of
        Each feature's name and event families.
    """

    def __init__(self, made_of: Sequence[tuple[str, tuple[str, ...]]]) -> None:
        places: dict[tuple[str, ...], list[int]] = {}
        for place, (_, about) in enumerate(made_of):
            places.setdefault(about, []).append(place)
        self.all = tuple(FeatureGroup(about, tuple(its)) for about, its in places.items())
        self._picks = [_pick(group.places) for group in self.all]
        self._halves = struct.Struct(f"<{len(self.all)}e")
        packed = "\n".join(f"{name} of {', '.join(about)}" for name, about in made_of)
        self._digest = hashlib.blake2b(packed.encode(), digest_size=_DIGEST_BYTES).digest()

    def sums(self, added: Sequence[float]) -> list[float]:
        """Each group's contribution to the log-odds, from those of the features."""
        return [sum(pick(added)) for pick in self._picks]

    def pack(self, sums: Sequence[float]) -> bytes:
        """Bytes of :meth:`sums` for the state: a digest of the groups, then half floats."""
        if max(sums) > _LARGEST or min(sums) < -_LARGEST:
            sums = [max(-_LARGEST, min(_LARGEST, one)) for one in sums]
        return self._digest + self._halves.pack(*sums)

    def unpack(self, packed: bytes) -> tuple[float, ...] | None:
        """Invert :meth:`pack`; None if the groups have changed."""
        if not packed.startswith(self._digest) or len(packed) != _DIGEST_BYTES + self._halves.size:
            return None
        return self._halves.unpack(packed[_DIGEST_BYTES:])


def _pick(places: tuple[int, ...]) -> Callable[[Sequence[float]], Sequence[float]]:
    """An item getter that returns a sequence for a single place too."""
    if len(places) == 1:
        return itemgetter(slice(places[0], places[0] + 1))
    return itemgetter(*places)
