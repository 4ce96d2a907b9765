"""What a feature is, and how a list of them becomes the vector that ledger and models share."""

import base64
import hashlib
import struct
from collections.abc import Callable, Sequence
from math import isnan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from touchstream.schemas.units import Millis
from touchstream.streams.features.groups import FeatureGroups
from touchstream.streams.features.view import View
from touchstream.streams.profiles.profile import Profile

LARGEST = 60_000.0  # half floats end at 65,504; nothing that a feature says is meant to be larger
MISSING = float("nan")
Value = float | None
Measure = Callable[[View], Value]
LN_DAYS, LN_COUNT, LN_MINOR = "ln(1+d)", "ln(1+n)", "ln(1+minor)"
_INFINITIES = (b"\x00\x7c", b"\x00\xfc")  # half floats pack them without a word


class Feature(NamedTuple):
    """One number about a customer at a moment.

    ``text`` completes "the risk is higher because of ..." for people who read reasons.
    """

    measure: Measure
    unit: str
    text: str
    about: tuple[str, ...]
    """The families of events it is made of ("activity": all signs of life).

    Until one of them came it says what it says of nobody: it is not measured."""
    ages: bool = False
    """It goes on moving with a customer's age for longer than some months: no sign of drift."""

    @property
    def name(self) -> str:
        """What the function is called."""
        return self.measure.__name__


class _Plan(NamedTuple):
    """How to fill a vector."""

    values: list[float]
    """What is known beforehand; missing for what is measured."""
    measures: tuple[tuple[int, Measure], ...]
    """What is measured, and where it goes."""


_NOBODY = View(Profile(Millis(0), Millis(0)), Millis(0))
_MOST_PLANS = 4_096
"""A profile's families come in some hundreds of orders, out of far more that are possible."""


class FeatureList:
    """An ordered list of features with a version, the digest of their names and units.

    ``topics`` are the same by what they are about.
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
        material = "\n".join(f"{f.name} [{f.unit}]" for f in self.features)
        digest = hashlib.blake2b(material.encode(), digest_size=3).digest()
        self.digest = base64.urlsafe_b64encode(digest).decode()  # four letters: in every row

    def vector(self, profile: Profile, at_ms: Millis) -> bytes:
        """Every feature at ``at_ms``; a missing one is NaN.

        Rounded to the half floats that the ledger stores. About 5 us at 32 features.
        """
        families = tuple(profile.families)
        values, measures = self._plans.get(families) or self._plan(families)
        values, view = values.copy(), View(profile, at_ms)
        for place, measure in measures:
            value = measure(view)
            if value is not None:
                values[place] = value
        try:
            packed = self._packed.pack(*values)
        except OverflowError:
            return self._clipped(values)
        infinite = _INFINITIES[0] in packed or _INFINITIES[1] in packed
        return self._clipped(values) if infinite else packed

    def _plan(self, families: tuple[str, ...]) -> "_Plan":
        """What to measure of whom these families of events came from; remembered."""
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

        Raises ``ValueError`` where the vector has another length than this list.
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
