"""One decision per customer and trigger: candidates compete, the most urgent one is decided.

What follows from a decision is the policy's (:mod:`.policy`); here is only which moment it is for.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from touchstream.schemas.rules import Band, Rules
from touchstream.schemas.units import Millis
from touchstream.streams.decide.policy import DO_NOTHING, Choice, Situation, choose
from touchstream.streams.profiles.profile import Profile


class Candidate(NamedTuple):
    """A moment worth a decision, as a projection saw it."""

    kind: str
    """What gave rise to it: ``risk_crossing``."""
    risk: float
    """P(churn within the horizon), 0 to 1."""
    band: Band
    at_ms: Millis
    """Nothing that it rests on lies after this moment."""


class Decision(NamedTuple):
    """A choice and what it was made on."""

    situation: Situation
    choice: Choice
    at_ms: Millis

    @property
    def acts(self) -> bool:
        """Whether anything is to be done."""
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
    """Decide for the candidate of the highest risk; of equal ones for the first.

    ``recommended_ms`` says when each action was last recommended to this customer.
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
    )
    return Decision(situation, choose(situation, rules), max(now_ms, chosen.at_ms))
