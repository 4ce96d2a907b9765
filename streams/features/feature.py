"""Features, and the vector of a feature list that ledger and models share."""

import base64
import hashlib
import struct
from collections.abc import Callable, Sequence
from math import isnan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from touchstream.schemas.units import Millis
from touchstream.streams.features.fact import Statement
from touchstream.streams.features.groups import FeatureGroups
from touchstream.streams.features.view import View
from touchstream.streams.profiles.profile import Profile

LARGEST = 60_000.0  # half floats end at 65,504, and no feature needs more
MISSING = float("nan")
Value = float | None
Measure = Callable[[View], Value]
LN_DAYS, LN_COUNT, LN_MINOR = "ln(1+d)", "ln(1+n)", "ln(1+minor)"
_INFINITIES = (b"\x00\x7c", b"\x00\xfc")  # packing half floats does not reject them


class Feature(NamedTuple):
    """A number about a customer at a moment.

    ``text`` names it for a person; :attr:`says` makes a sentence of it.
    """

    measure: Measure
    unit: str
    text: str
    about: tuple[str, ...]
    """The event families that it is derived from ("activity": all signs of life).

    Before the first such event it has the value of an empty profile and is not computed."""
    ages: bool = False
    """It changes with a customer's age for more than some months, so it cannot show drift."""
    says: tuple[Statement, ...] = ()
    """How it is told as a reason, the best first; never, if nobody could act on it."""

    @property
    def name(self) -> str:
        """The function's name."""
        return self.measure.__name__


class _Plan(NamedTuple):
    """How to fill the vector of a profile with certain event families."""

    values: list[float]
    """Known values; missing where a measure is to be called."""
    measures: tuple[tuple[int, Measure], ...]
    """Index in the vector and function of each feature to compute."""


_NOBODY = View(Profile(Millis(0), Millis(0)), Millis(0))
_MOST_PLANS = 4_096
"""Of all possible orders of families, profiles have some hundreds; the bound limits memory."""


class FeatureList:
    """An ordered list of features with a version, the digest of their names and units.

    ``groups`` are the same features by the events that they are derived from.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self.features = tuple(features)
        self.names = tuple(feature.name for feature in self.features)
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"feature names must be distinct: {self.names}")
        self.groups = FeatureGroups([(feature.name, feature.about) for feature in self.features])
        self.ageless = tuple(feature.name for feature in self.features if not feature.ages)
        self._plans: dict[tuple[str, ...], _Plan] = {}
        self._packed = struct.Struct(f"<{len(self.features)}e")
        self.keys = tuple(f"{f.name} [{f.unit}]" for f in self.features)
        """What identifies a feature across lists: with another unit it is another one."""
        material = "\n".join(self.keys)
        digest = hashlib.blake2b(material.encode(), digest_size=3).digest()
        self.digest = base64.urlsafe_b64encode(
            digest
        ).decode()  # four letters, because every ledger row has it

    def vector(self, profile: Profile, at_ms: Millis) -> bytes:
        """Every feature at ``at_ms``; a missing one is NaN.

        Rounded to half floats, as the ledger stores them. About 5 us at 32 features.
        """
        families = tuple(profile.families)
        values, measures = self._plans.get(families) or self._plan(families)
        # The plan is shared by all profiles with these families.
        values, view = values.copy(), View(profile, at_ms)
        for place, measure in measures:
            value = measure(view)
            if value is not None:
                values[place] = value
        try:
            packed = self._packed.pack(*values)
        except OverflowError:
            return self._clipped(values)
        # The bytes may also match across two values; clipping then changes nothing.
        infinite = _INFINITIES[0] in packed or _INFINITIES[1] in packed
        return self._clipped(values) if infinite else packed

    def _plan(self, families: tuple[str, ...]) -> "_Plan":
        """The plan for profiles with these event families; cached."""
        if len(self._plans) >= _MOST_PLANS:
            self._plans.clear()
        known, values, measures = {"activity", *families}, [], []
        for place, feature in enumerate(self.features):
            if feature.about and known.isdisjoint(feature.about):
                value = feature.measure(_NOBODY)
                values.append(MISSING if value is None else value)
            else:
                values.append(MISSING)
                measures.append((place, feature.measure))
        plan = self._plans[families] = _Plan(values, tuple(measures))
        return plan

    def _clipped(self, values: Sequence[float]) -> bytes:
        return self._packed.pack(
            *[v if isnan(v) else max(-LARGEST, min(LARGEST, v)) for v in values]
        )

    def unpack(self, vector: bytes) -> tuple[float, ...]:
        """The values of a vector in the order of ``names``; NaN is "missing", never zero.

        Raises ``ValueError`` if the vector does not have the length of this list.
        """
        if len(vector) != self._packed.size:
            raise ValueError(f"vector of {len(vector)} bytes, want {self._packed.size}")
        return self._packed.unpack(vector)

    def unpack_all(self, vectors: Sequence[bytes]) -> NDArray[np.float64]:
        """:meth:`unpack` of many at once, (vectors, features)."""
        packed = b"".join(vectors)
        if len(packed) != self._packed.size * len(vectors):
            raise ValueError(f"{len(vectors)} vectors of {len(packed)} bytes in all")
        return np.frombuffer(packed, "<f2").reshape(-1, len(self.names)).astype(np.float64)
