"""A customer's churn risk crossed into another band."""

from typing import Annotated

from msgspec import Meta, Struct

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.rules import Band, Probability


class Reason(Struct, frozen=True, kw_only=True, gc=False):
    """What all features made of the same kinds of events add to the risk."""

    feature: str
    """Name of the feature among them that pulls most in the direction of all."""
    text: str
    """The reason in that feature's words, for a person."""
    contribution: float
    """What they add together to the log-odds of churn; negative: it speaks for staying."""
    change: float | None
    """How far that moved (log-odds) since the last crossing; null: nothing to compare with."""


class RiskChanged(Struct, frozen=True, kw_only=True, gc=False):
    """The calibrated risk of churn entered another band; emitted on a crossing, not per event."""

    horizon_days: Annotated[int, Meta(ge=1)]
    """Churn is looked for within so many days."""
    risk_before: Probability | None
    """Probability at the last crossing (0..1); null: there was none."""
    risk: Probability
    """Calibrated probability of churn within the horizon if nothing is done (0..1)."""
    low: Probability
    """What can be known of the customer's probability lies between ``low`` ..."""
    high: Probability
    """... and ``high`` with 90 %; measured coverage: docs/models.md."""
    band_before: Band | None
    """The band that was left; null: the customer was in none."""
    band: Band
    """The band that was entered."""
    n: Annotated[int, Meta(ge=0)]
    """Matured examples behind the model."""
    model_version: Annotated[int, Meta(ge=0)]
    """The snapshot that scored."""
    rules: str
    """Digest of the rules in force."""
    reasons: tuple[Reason, ...]
    """What weighs most, one reason for each kind of events, the weightiest first."""
    cause: Cause
    """What moved the risk."""
