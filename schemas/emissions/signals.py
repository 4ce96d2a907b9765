"""Other changes of a customer."""

from msgspec import Struct

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.rules import Probability


class CustomerSignal(Struct, frozen=True, kw_only=True, gc=False):
    """A named property of a customer changed: stage, segment, lead status ...

    The learner reports on its models in the same way: subject ``touchstream.TARGET``, signal
    ``model.promoted``, ``model.fell_back``, ``model.recovered`` or ``drift.SERIES``.
    """

    signal: str
    """Name of the property."""
    before: str | int | float | bool | None
    """Its previous value; null: there was none."""
    value: str | int | float | bool | None
    """Its value now; null: it no longer holds."""
    probability: Probability | None = None
    """For a target: its predicted probability (0..1); null without a model."""
    rules: str
    """Digest of the rules in force."""
    cause: Cause
    """The event or tick that changed it."""
