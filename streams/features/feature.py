"""What a feature is, and how a list of them becomes the vector that ledger and models share."""

import base64
import hashlib
import struct
from collections.abc import Callable, Sequence
from math import isnan
from typing import NamedTuple

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
    """The families of events it is made of ("activity": all signs of life)."""
    ages: bool = False
    """It goes on moving with a customer's age for longer than some months: no sign of drift."""

    @property
    def name(self) -> str:
        """What the function is called."""
        return self.measure.__name__


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
        self._measures = tuple(feature.measure for feature in self.features)
        self._packed = struct.Struct(f"<{len(self.features)}e")
        material = "\n".join(f"{f.name} [{f.unit}]" for f in self.features)
        digest = hashlib.blake2b(material.encode(), digest_size=3).digest()
        self.digest = base64.urlsafe_b64encode(digest).decode()  # four letters: in every row

    def vector(self, profile: Profile, at_ms: Millis) -> bytes:
        """Every feature at ``at_ms``; a missing one is NaN.

        Rounded to the half floats that the ledger stores. About 13 us at 25 features.
        """
        view = View(profile, at_ms)
        values = [
            MISSING if (value := measure(view)) is None else value for measure in self._measures
        ]
        try:
            packed = self._packed.pack(*values)
        except OverflowError:
            return self._clipped(values)
        infinite = _INFINITIES[0] in packed or _INFINITIES[1] in packed
        return self._clipped(values) if infinite else packed

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
