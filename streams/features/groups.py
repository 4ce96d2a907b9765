"""What features are about: one topic for all that are worked out of the same kinds of events.

Silence, rhythm and counts speak of the same visits with opposite signs; none of them can be told
apart from the others by looking at the visits, all of them together can.
"""

import hashlib
import struct
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import NamedTuple

_DIGEST_BYTES = 3
_LARGEST = 1_000.0  # beyond it log-odds say nothing, and half floats end


class FeatureGroup(NamedTuple):
    """Features that are made of the same events."""

    about: tuple[str, ...]
    """Families of events ("activity": all signs of life); none: of no event."""
    places: tuple[int, ...]
    """Where its features stand in the list."""

    def lead(self, added: Sequence[float]) -> int:
        """The feature that pulls most to where the whole topic pulls, the first of equal ones.

        ``added`` is what every feature of the list adds to the log-odds.
        """
        pulls = [added[place] for place in self.places]
        return self.places[pulls.index(max(pulls) if sum(pulls) >= 0 else min(pulls))]


class FeatureGroups:
    """All topics of a feature list, in the order of their first features.

    Parameters
    ----------
    made_of
        Each feature's name, and what it is about.
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
        """What each topic adds to the log-odds, of what every feature adds."""
        return [sum(pick(added)) for pick in self._picks]

    def pack(self, sums: Sequence[float]) -> bytes:
        """What a state keeps of :meth:`sums`: half floats behind the digest of what they sum."""
        kept = [max(-_LARGEST, min(_LARGEST, one)) for one in sums]
        return self._digest + self._halves.pack(*kept)

    def unpack(self, packed: bytes) -> tuple[float, ...] | None:
        """Read :meth:`pack` back; None where the topics were others."""
        if not packed.startswith(self._digest) or len(packed) != _DIGEST_BYTES + self._halves.size:
            return None
        return self._halves.unpack(packed[_DIGEST_BYTES:])


def _pick(places: tuple[int, ...]) -> Callable[[Sequence[float]], Sequence[float]]:
    """Take these, in this order, of a sequence: of one place too a sequence."""
    if len(places) == 1:
        return itemgetter(slice(places[0], places[0] + 1))
    return itemgetter(*places)
