"""Anything else that changed about a customer."""

from msgspec import Struct

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.rules import Probability


class CustomerSignal(Struct, frozen=True, kw_only=True, gc=False):
    """A named reading of a customer took another value: stage, segment, lead status ...

    The learner tells of its models in the same way: subject ``touchstream.TARGET``, signal
    ``model.promoted``, ``model.fell_back``, ``model.recovered`` or ``drift.SERIES``.
    """

    signal: str
    """Name of the reading."""
    before: str | int | float | bool | None
    """Its last value; null: there was none."""
    value: str | int | float | bool | None
    """Its value now; null: it holds no more."""
    probability: Probability | None = None
    """Of a target: what its model says (0..1); null where no model speaks."""
    rules: str
    """Digest of the rules in force."""
    cause: Cause
    """What changed it."""
