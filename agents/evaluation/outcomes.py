"""Decisions joined with their outcomes.

A decision is evaluated once its window has closed before the end of the log: the latest decision or
outcome, unless it is given. Other touchpoints do not count, as one wrong clock would close every
window. The reward of a decision:

- ``do_nothing``: 0;
- accepted within the window: 1, or the outcome's ``value_minor`` less the action's cost;
- sent, and not accepted within the window: 0, or less the cost;
- never sent, or failed: none. It is left out, and counted.

An outcome belongs to the decision that it names. Customers of the holdout are left out: no policy
reaches them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from types import MappingProxyType
from typing import Literal, NamedTuple

from touchstream.agents.history.inputs import InputError
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.rules import Rules
from touchstream.schemas.touchpoints.actions import ActionOutcome
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.decide.evaluation.logged import Context, LoggedDecision
from touchstream.streams.decide.policy import DO_NOTHING

Reward = Literal["accepted", "money"]
HOLDOUT = "holdout"
OUTCOME = "action.outcome"


class Dated(NamedTuple):
    """A logged decision."""

    at_ms: Millis
    customer: str
    data: ActionRecommended
    proposed: Mapping[str, float] | None = None
    """What the policy to evaluate would have done; None: it says so itself."""
    context: Context = MappingProxyType({})
    """Columns for a policy, beside target, band and risk."""

    @property
    def is_held_out(self) -> bool:
        """Whether the customer was in the holdout."""
        return any(left.reason == HOLDOUT for left in self.data.left_out)


class Happened(NamedTuple):
    """A logged outcome."""

    at_ms: Millis
    place: str
    data: ActionOutcome


class Costs(NamedTuple):
    """What carrying out an action costs."""

    minor: Mapping[str, int]
    """Action -> cost in minor units."""
    currency: str
    source: str
    """The file they are from, for messages."""

    @classmethod
    def of(cls, rules: Rules, source: str) -> "Costs":
        """The costs of a catalogue."""
        minor = {action.name: action.cost_minor for action in rules.actions}
        return cls(minor, rules.deciding.currency, source)

    def of_action(self, action: str) -> int:
        """The cost of one action; raises :class:`InputError` for one without."""
        if action not in self.minor:
            raise InputError(f"{self.source}: no cost of action {action!r}, which the log has")
        return self.minor[action]


class Rewarding(NamedTuple):
    """How decisions are rewarded."""

    reward: Reward
    window_days: float
    until_ms: Millis | None = None
    """Nothing that happened before it is missing; None: up to the latest decision or outcome."""
    costs: Costs | None = None
    """Subtracted from money; None: before costs."""


class RewardedLog(NamedTuple):
    """Decisions whose reward is known, in order of time."""

    decisions: list[LoggedDecision]
    left_out: Mapping[str, int]
    """Why -> how many decisions (holdout, window_open, not_sent, failed), outcomes
    (unknown_decision, other_action) or lines of the touchpoints (unreadable)."""
    currency: str | None
    """Of the rewards, if they are money."""


class Joined:
    """Outcomes by decision; every decision is added before the first outcome."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()
        self.decisions: dict[str, Dated] = {}
        self._end_ms = Millis(0)
        self._outcomes: dict[str, list[Happened]] = {}

    def add_decision(self, dated: Dated) -> None:
        """Take a decision."""
        self._end_ms = max(self._end_ms, dated.at_ms)
        # A crash repeats lines in Kafka; the id of a decision is a hash of its cause.
        self.decisions.setdefault(dated.data.decision, dated)

    def add_outcome(self, happened: Happened) -> None:
        """Join an outcome with its decision, or count why it has none."""
        data = happened.data
        decision = self.decisions.get(data.decision)
        if decision is None:
            self.left_out["unknown_decision"] += 1
        elif decision.data.action != data.action:
            self.left_out["other_action"] += 1
        else:
            self._end_ms = max(self._end_ms, happened.at_ms)
            self._outcomes.setdefault(data.decision, []).append(happened)

    def rewarded(self, how: Rewarding, source: str) -> RewardedLog:
        """The decisions with their rewards; ``source`` names the outcomes in messages.

        Raises
        ------
        InputError
            For an acceptance without a value, values in several currencies, or an unknown cost.
        """
        window_ms = int(how.window_days * DAY_MS)
        until_ms = self._end_ms if how.until_ms is None else how.until_ms
        found, currencies = [], set[str]()
        in_order = sorted(self.decisions.values(), key=lambda one: (one.at_ms, one.data.decision))
        for dated in in_order:
            closes_ms = dated.at_ms + window_ms
            happened = self._outcomes.get(dated.data.decision, [])
            obstacle = _obstacle(dated, happened, closes_ms, until_ms)
            if obstacle is not None:
                self.left_out[obstacle] += 1
                continue
            accepted = _accepted(happened, closes_ms)
            if accepted is not None and accepted.data.currency is not None:
                currencies.add(accepted.data.currency)
            found.append(logged(dated, _worth(dated, accepted, how)))
        if how.costs is not None:
            currencies.add(how.costs.currency)
        return RewardedLog(found, dict(self.left_out), _currency(source, currencies, how.reward))


def _obstacle(
    dated: Dated, happened: Iterable[Happened], closes_ms: int, end_ms: Millis
) -> str | None:
    """Why the decision has no reward; None if it has one."""
    if dated.is_held_out:
        return HOLDOUT
    if closes_ms > end_ms:
        return "window_open"
    if dated.data.action == DO_NOTHING:
        return None
    return not_carried_out({one.data.outcome for one in happened if one.at_ms <= closes_ms})


def not_carried_out(steps: Set[str]) -> str | None:
    """Why an action with these steps did not reach its customer; None if it did."""
    if "failed" in steps and not steps & {"seen", "accepted", "declined"}:
        return "failed"
    # Whatever came back, the action had reached the customer.
    return None if steps else "not_sent"


def _accepted(happened: Iterable[Happened], closes_ms: int) -> Happened | None:
    """The first acceptance in the window: a repeated one earns nothing more."""
    found = [one for one in happened if one.data.outcome == "accepted" and one.at_ms <= closes_ms]
    return min(found, key=lambda one: one.at_ms, default=None)


def _worth(dated: Dated, accepted: Happened | None, how: Rewarding) -> float:
    if how.reward == "accepted":
        return 0.0 if accepted is None else 1.0
    action, costs = dated.data.action, how.costs
    cost = 0 if costs is None or action == DO_NOTHING else costs.of_action(action)
    return -float(cost) if accepted is None else float(_value(accepted) - cost)


def _value(accepted: Happened) -> int:
    if accepted.data.value_minor is None or accepted.data.currency is None:
        raise InputError(
            f"{accepted.place}: accepted without value_minor and currency: --reward money needs "
            "both"
        )
    return accepted.data.value_minor


def logged(dated: Dated, reward: float, cost: float = 0.0) -> LoggedDecision:
    """The decision with its reward, for the estimators."""
    data = dated.data
    return LoggedDecision(
        customer=dated.customer,
        context={"target": data.target, "band": data.band, "risk": data.risk, **dated.context},
        action=data.action,
        propensity=data.propensity,
        probabilities=data.probabilities,
        reward=reward,
        proposed=dated.proposed,
        cost=cost,
    )


def _currency(source: str, currencies: set[str], reward: Reward) -> str | None:
    if reward == "accepted" or not currencies:
        return None
    if len(currencies) > 1:
        raise InputError(f"{source}: want values in one currency, not {sorted(currencies)}")
    return currencies.pop()
