"""Every record ends in exactly one named place (docs/delivery.md)."""

from typing import Literal, NamedTuple

from touchstream.schemas.dead_letter import DropReason, RejectReason
from touchstream.schemas.nearest import Suggestion

Oddity = Literal["late", "late_for_label", "clamped", "with_unknown_fields", "memory_full"]
"""Counters of events that were applied although something was odd about them."""


class Reject(NamedTuple):
    """Broken: the original bytes go to the dead letters."""

    reason: RejectReason
    detail: str
    """For the operator: what was wanted, without personal data; at most 256 characters."""


class Drop(NamedTuple):
    """Whole, but not wanted: counted and forgotten."""

    reason: DropReason
    suggestion: Suggestion | None = None
    """For an unknown type, the known one that was probably meant."""
