"""The next best action for a customer, with everything needed to evaluate the choice later."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.risk import Reason
from touchstream.schemas.rules import Band, Probability
from touchstream.schemas.touchpoints.fields import Currency

Propensity = Annotated[float, Meta(gt=0.0, le=1.0)]


class LeftOut(Struct, frozen=True, kw_only=True, gc=False):
    """An action of the catalogue that could not be chosen."""

    action: str
    """Name of the action."""
    reason: str
    """Code of the rule that left it out: no_consent, resting ..."""


class ActionRecommended(Struct, frozen=True, kw_only=True, gc=False):
    """A decision for this customer; ``do_nothing`` is always among the choices."""

    decision: str
    """Id of the decision; an ``action.outcome`` names it."""
    action: str
    """Name of the chosen action."""
    channel: str | None
    """Channel to the customer; null for do_nothing."""
    propensity: Propensity
    """Probability (0..1] of the choice."""
    probabilities: dict[str, Probability]
    """Probability of every action that could be chosen, after all rules; they sum to 1."""
    values_minor: dict[str, float]
    """Expected value of each of them: probability x value - cost, in minor units."""
    currency: Currency
    """ISO 4217 currency of ``values_minor``."""
    left_out: tuple[LeftOut, ...]
    """The other actions of the catalogue, each with its reason."""
    target: Literal["churn", "return"] = "churn"
    """To keep a customer who may leave, or to win back one whose relation is over."""
    risk: Probability
    """Calibrated probability, at the decision, of what the action may avert: that the customer
    churns, or that a former one does not return (0..1)."""
    band: Band
    """The customer's band of churn or of the return at the decision; high: a return is likely."""
    epsilon: Probability
    """Share of decisions that explore."""
    seed: int
    """The deployment's seed, from which randomness derives."""
    rules: str
    """Digest of the rules that decided."""
    model_version: Annotated[int, Meta(ge=0)]
    """The model version that scored."""
    cause: Cause
    """The event or tick that led to the decision."""
    reasons: tuple[Reason, ...] = ()
    """The reasons of the crossing that led to the decision, the strongest first."""
    expires: Annotated[str, Meta(extra_json_schema={"format": "date-time"})] | None = None
    """When the action is no longer worth carrying out; null: nothing is to be done."""
