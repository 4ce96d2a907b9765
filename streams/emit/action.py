"""The emission of a decision, with everything that off-policy evaluation needs."""

from touchstream.schemas.emissions.actions import ActionRecommended, LeftOut
from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.envelope import format_time
from touchstream.schemas.rules import Rules
from touchstream.schemas.units import DAY_MS, CustomerId, Millis
from touchstream.streams.decide.arbitration import Decision
from touchstream.streams.emit.identity import decision_id


def action_recommended(
    decided: Decision,
    rules: Rules,
    rules_digest: str,
    model_version: int,
    cause: Cause,
) -> Emission:
    """The emission of topic ``next-best-action``; ``rules_digest`` names ``rules``."""
    situation, choice = decided.situation, decided.choice
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
            reasons=decided.reasons,
            expires=_expires(decided, rules),
        ),
    )


def _expires(decided: Decision, rules: Rules) -> str | None:
    """When the action is no longer worth carrying out; None for doing nothing."""
    name = decided.choice.action
    days = next((rules.expires_days(one) for one in rules.actions if one.name == name), None)
    return None if days is None else format_time(decided.situation.now_ms + days * DAY_MS)
