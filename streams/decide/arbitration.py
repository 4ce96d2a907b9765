"""Arbitration: one decision per customer and trigger, made for the most urgent candidate.

The policy (:mod:`.policy`) chooses the action.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from touchstream.schemas.emissions.risk import Reason
from touchstream.schemas.rules import Band, Rules
from touchstream.schemas.units import Millis
from touchstream.streams.decide.policy import DO_NOTHING, Choice, Situation, choose
from touchstream.streams.profiles.profile import Profile


class Candidate(NamedTuple):
    """A moment worth a decision, proposed by a projection."""

    kind: str
    """Its origin, such as ``risk_crossing``."""
    risk: float
    """Probability of the loss that an action may avert, 0 to 1: that the customer leaves, or that a
    former one stays away."""
    band: Band
    at_ms: Millis
    """No event behind it is later."""
    target: Literal["churn", "return"] = "churn"
    """Which actions are for it."""
    reasons: tuple[Reason, ...] = ()
    """Why, in sentences; the strongest first."""


class Decision(NamedTuple):
    """A choice and the situation it was made in."""

    situation: Situation
    choice: Choice
    at_ms: Millis
    reasons: tuple[Reason, ...] = ()
    """Those of the candidate."""

    @property
    def acts(self) -> bool:
        """Whether the choice is an action."""
        return self.choice.action != DO_NOTHING


def arbitrate(
    candidates: Sequence[Candidate],
    subject: str,
    profile: Profile,
    recommended_ms: Mapping[str, Millis],
    now_ms: Millis,
    cause: str,
    rules: Rules,
) -> Decision:
    """Decide for the candidate with the highest risk; the first one on ties.

    ``recommended_ms``: when each action was last recommended to this customer.
    """
    chosen = max(candidates, key=lambda candidate: candidate.risk)
    situation = Situation(
        subject=subject,
        profile=profile,
        risk=chosen.risk,
        band=chosen.band,
        recommended_ms=recommended_ms,
        now_ms=now_ms,
        cause=cause,
        target=chosen.target,
    )
    # The score may use later knowledge than the trigger's time, up to the watermark.
    at_ms = Millis(max(now_ms, chosen.at_ms))
    return Decision(situation, choose(situation, rules), at_ms, chosen.reasons)
