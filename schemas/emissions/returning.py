"""The probability that a former customer returns crossed into another band."""

from typing import Annotated

from msgspec import Meta, Struct

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.risk import Reason
from touchstream.schemas.rules import Band, Probability


class ReturnChanged(Struct, frozen=True, kw_only=True, gc=False):
    """The probability of a return entered another band; for ended and lapsed customers only."""

    horizon_days: Annotated[int, Meta(ge=1)]
    """Length of the window, in days."""
    probability_before: Probability | None
    """Probability at the last crossing (0..1); null: there was none."""
    probability: Probability
    """Calibrated probability of a sign of life within the horizon if nothing is done (0..1)."""
    low: Probability
    """Lower end of the 90 % interval of the customer's probability."""
    high: Probability
    """Upper end of that interval."""
    band_before: Band | None
    """The band that was left; null: the customer was in none."""
    band: Band
    """The band that was entered; high: a return is likely."""
    n: Annotated[int, Meta(ge=0)]
    """Matured examples of a return behind the model."""
    model_version: Annotated[int, Meta(ge=0)]
    """The model version that scored."""
    rules: str
    """Digest of the rules in force."""
    reasons: tuple[Reason, ...]
    """The strongest reasons, in the log-odds of a return, the strongest first."""
    cause: Cause
    """The event or tick that moved the probability."""
