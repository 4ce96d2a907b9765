"""A customer's churn risk crossed into another band."""

from typing import Annotated

from msgspec import Meta, Struct

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.rules import Band, Probability


class Reason(Struct, frozen=True, kw_only=True, gc=False):
    """The joint contribution of all features about the same kinds of events."""

    feature: str
    """Name of the feature among them that pulls most in the direction of the sum."""
    text: str
    """The reason in that feature's words, for a person."""
    contribution: float
    """Their sum in the log-odds of churn; negative: it speaks for staying."""
    change: float | None
    """Its change (log-odds) since the last crossing; null: nothing to compare with."""


class RiskChanged(Struct, frozen=True, kw_only=True, gc=False):
    """The calibrated risk of churn entered another band; emitted on a crossing, not per event."""

    horizon_days: Annotated[int, Meta(ge=1)]
    """Length of the churn window, in days."""
    risk_before: Probability | None
    """Probability at the last crossing (0..1); null: there was none."""
    risk: Probability
    """Calibrated probability of churn within the horizon if nothing is done (0..1)."""
    low: Probability
    """Lower end of the 90 % interval of the customer's probability."""
    high: Probability
    """Upper end of that interval; measured coverage: docs/models.md."""
    band_before: Band | None
    """The band that was left; null: the customer was in none."""
    band: Band
    """The band that was entered."""
    n: Annotated[int, Meta(ge=0)]
    """Matured examples behind the model."""
    model_version: Annotated[int, Meta(ge=0)]
    """The model version that scored."""
    rules: str
    """Digest of the rules in force."""
    reasons: tuple[Reason, ...]
    """The strongest reasons, one for each kind of events, the strongest first."""
    cause: Cause
    """The event or tick that moved the risk."""
