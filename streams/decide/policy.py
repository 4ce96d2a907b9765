"""Next best action: the eligible arm with the highest expected value, with exploration.

Value of an arm, in minor units: P(loss) x P(accepts) x value - cost. ``do_nothing`` is worth 0 and
always an arm. Epsilon-greedy: the best arm has 1 - epsilon + epsilon / k, every other of the k arms
epsilon / k, so every propensity is above 0 as long as epsilon is (Sutton & Barto 2018, section 2.2;
logged for off-policy evaluation, Dudik et al. 2011).
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from touchstream.schemas.rules import ActionRules, Band, Rules
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.decide.chance import draw, pick
from touchstream.streams.profiles.profile import Profile

DO_NOTHING = "do_nothing"


class Situation(NamedTuple):
    """The customer and moment of a decision."""

    subject: str
    profile: Profile
    risk: float
    band: Band
    recommended_ms: Mapping[str, Millis]
    """Action -> when it was last recommended to this customer."""
    now_ms: Millis
    cause: str
    """The trigger of the decision; randomness derives from it."""
    target: Literal["churn", "return"] = "churn"


class Choice(NamedTuple):
    """The chosen action with everything that off-policy evaluation needs."""

    action: str
    channel: str | None
    probabilities: dict[str, float]
    """Of every eligible arm; sums to 1."""
    values_minor: dict[str, float]
    left_out: dict[str, str]
    """Action -> why it was not eligible."""
    offer_probability: float = 0.0
    """Probability of recommending any action here, holdout included."""

    @property
    def propensity(self) -> float:
        """Probability of the chosen arm."""
        return self.probabilities[self.action]


def choose(situation: Situation, rules: Rules) -> Choice:
    """Choose the action for this situation under these rules."""
    left_out = {
        action.name: reason
        for action in rules.actions
        if (reason := _obstacle(action, situation)) is not None
    }
    arms = [action for action in rules.actions if action.name not in left_out]
    values = {DO_NOTHING: 0.0} | {
        action.name: round(
            situation.risk * action.accept_probability * action.value_minor - action.cost_minor, 2
        )
        for action in arms
    }
    best = max(values, key=lambda arm: values[arm])
    share = rules.deciding.epsilon / len(values)
    probabilities = {
        arm: 1 - rules.deciding.epsilon + share if arm == best else share for arm in values
    }
    holdout = rules.deciding.holdout
    offer_probability = (1 - holdout) * (1 - probabilities[DO_NOTHING])
    # Computed before the holdout, because training weights need it for held-out customers too.
    if held_out(situation.subject, rules):
        left_out |= {action.name: "holdout" for action in arms}
        return Choice(
            DO_NOTHING, None, {DO_NOTHING: 1.0}, {DO_NOTHING: 0.0}, left_out, offer_probability
        )
    lot = draw(rules.seed, situation.subject, situation.cause, "explore")
    chosen = pick(probabilities, lot)
    channels = {action.name: action.channel for action in arms}
    return Choice(chosen, channels.get(chosen), probabilities, values, left_out, offer_probability)


def held_out(subject: str, rules: Rules) -> bool:
    """Whether this customer is in the permanent holdout, which receives no actions."""
    return draw(rules.seed, subject, "", "holdout") < rules.deciding.holdout


def _obstacle(action: ActionRules, situation: Situation) -> str | None:
    """The first reason why the action is not eligible; None if it is."""
    if action.target != situation.target:
        return "target"
    if situation.band not in action.bands:
        return "band"
    if action.minimum_open_tickets:
        open_tickets = sum(ticket.open for ticket in situation.profile.tickets.values())
        if open_tickets < action.minimum_open_tickets:
            return "no_open_ticket"
    if action.consent is not None:
        given = situation.profile.consent.get(action.consent)
        # An unknown consent is not a refusal.
        if given is not None and given.value is False:
            return "consent_refused"
    last_ms = situation.recommended_ms.get(action.name)
    if last_ms is not None and situation.now_ms - last_ms < action.rest_days * DAY_MS:
        return "resting"
    return None
