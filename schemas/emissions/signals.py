"""Anything else that changed about a customer."""

from msgspec import Struct

from schemas.emissions.cause import Cause


class CustomerSignal(Struct, frozen=True, kw_only=True, gc=False):
    """A named reading of a customer took another value: stage, segment, lead status ..."""

    signal: str
    """Name of the reading."""
    before: str | int | float | bool | None
    """Its last value; null: there was none."""
    value: str | int | float | bool | None
    """Its value now; null: it holds no more."""
    rules: str
    """Digest of the rules in force."""
    cause: Cause
    """What changed it."""
