"""Every record ends in exactly one named place (docs/delivery.md)."""

from typing import NamedTuple

from touchstream.schemas.dead_letter import DropReason, RejectReason


class Reject(NamedTuple):
    """Broken: the original bytes go to the dead letters."""

    reason: RejectReason
    detail: str
    """For the operator: what was wanted, without personal data; at most 256 characters."""


class Drop(NamedTuple):
    """Whole, but not wanted: counted and forgotten."""

    reason: DropReason
