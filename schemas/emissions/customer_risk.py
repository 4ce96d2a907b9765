"""The newest risk of a customer, for systems that come later and want to know at once."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.risk import Reason
from touchstream.schemas.rules import Band, Probability

Moment = Annotated[datetime, Meta(tz=True)]


class LastAction(Struct, frozen=True, kw_only=True, gc=False):
    """The newest recommendation to the customer, other than to do nothing."""

    action: str
    """Name of the action."""
    decision: str | None
    """Id of the decision, which an ``action.outcome`` names; null: made by an earlier build."""
    recommended: Moment
    """When it was recommended."""


class CustomerRisk(Struct, frozen=True, kw_only=True, gc=False):
    """The customer's risk now, which replaces the one before.

    Emitted with every crossing, and on the snapshot day of a customer in band medium or high whose
    risk moved by at least .01.
    """

    horizon_days: Annotated[int, Meta(ge=1)]
    """Length of the churn window, in days."""
    risk: Probability
    """Calibrated probability of churn within the horizon if nothing is done (0..1)."""
    low: Probability
    """Lower end of the 90 % interval of the customer's probability."""
    high: Probability
    """Upper end of that interval; measured coverage: docs/models.md."""
    band: Band
    """The customer's risk band."""
    band_since: Moment | None
    """When the band was entered; null: not known."""
    reasons: tuple[Reason, ...]
    """The strongest reasons, one for each kind of events, the strongest first."""
    action: LastAction | None
    """The action recommended last; null: none ever was."""
    model_version: Annotated[int, Meta(ge=0)]
    """The model version that scored."""
    rules: str
    """Digest of the rules in force."""
    cause: Cause
    """The event or tick that led to this record."""
