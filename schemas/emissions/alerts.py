"""An alert for the rep who looks after a customer."""

from msgspec import Struct

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.rules import Band, Probability


class AlertRaised(Struct, frozen=True, kw_only=True, gc=False):
    """A person should look at this customer."""

    alert: str
    """Id of the alert; an ``alert.feedback`` names it."""
    rep: str | None
    """Id of the rep who owns the customer; null: no owner."""
    band: Band
    """The customer's risk band."""
    risk: Probability
    """Calibrated probability of churn (0..1)."""
    summary: str
    """Event and advice, in a sentence or two."""
    cause: Cause
    """The event or tick that raised the alert."""
