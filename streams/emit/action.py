"""The emission of a decision, with everything that off-policy evaluation needs."""

from touchstream.schemas.emissions.actions import ActionRecommended, LeftOut
from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.rules import Rules
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.decide.policy import Choice, Situation
from touchstream.streams.emit.identity import decision_id


def action_recommended(
    situation: Situation,
    choice: Choice,
    rules: Rules,
    rules_digest: str,
    model_version: int,
    cause: Cause,
) -> Emission:
    """The emission of topic ``next-best-action``; ``rules_digest`` names ``rules``."""
    subject = CustomerId(situation.subject)
    decision = decision_id(subject, cause)
    return Emission(
        type="action.recommended",
        topic="next-best-action",
        id=decision,
        subject=subject,
        time_ms=Millis(situation.now_ms),
        data=ActionRecommended(
            decision=decision,
            action=choice.action,
            channel=choice.channel,
            propensity=choice.propensity,
            probabilities=choice.probabilities,
            values_minor=choice.values_minor,
            currency=rules.deciding.currency,
            left_out=tuple(
                LeftOut(action=name, reason=why) for name, why in choice.left_out.items()
            ),
            target=situation.target,
            risk=situation.risk,
            band=situation.band,
            epsilon=rules.deciding.epsilon,
            seed=rules.seed,
            rules=rules_digest,
            model_version=model_version,
            cause=cause,
        ),
    )
