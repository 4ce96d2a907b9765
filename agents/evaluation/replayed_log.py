"""Our own log: ``action.recommended`` lines of a replay, joined with ``action.outcome`` events.

A decision is evaluated once its window has closed before the end of the log: the latest decision or
outcome, unless it is given. Other touchpoints do not count, as one wrong clock would close every
window. The reward of a decision:

- ``do_nothing``: 0;
- accepted within the window: 1, or the outcome's ``value_minor``;
- sent, and not accepted within the window: 0;
- never sent, or failed: none. It is left out, and counted.

An outcome belongs to the decision that it names. Customers of the holdout are left out: no policy
reaches them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
from msgspec import Raw, Struct

from touchstream.agents.history.inputs import InputError, RawLine, raw_lines
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.touchpoints.actions import ActionOutcome
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.decide.evaluation.logged import LoggedDecision
from touchstream.streams.decide.policy import DO_NOTHING

Reward = Literal["accepted", "money"]
RECOMMENDED = "action.recommended"
OUTCOME = "action.outcome"
HOLDOUT = "holdout"


class _Event(Struct, frozen=True):
    """The parts of a CloudEvent that are read here."""

    type: str
    subject: str
    time: str
    data: Raw


class _Dated(NamedTuple):
    at_ms: Millis
    customer: str
    data: ActionRecommended


class _Happened(NamedTuple):
    at_ms: Millis
    place: str
    data: ActionOutcome


class ReplayedLog(NamedTuple):
    """Decisions whose reward is known, in order of time."""

    decisions: list[LoggedDecision]
    left_out: Mapping[str, int]
    """Why -> how many decisions (holdout, window_open, not_sent, failed), outcomes
    (unknown_decision, other_action) or lines of the touchpoints (unreadable)."""
    currency: str | None
    """Of the rewards, if they are money."""


class _Joined:
    """The outcomes by decision, and the end of the log."""

    def __init__(self, recommended: Path, outcomes: Path) -> None:
        self.left_out: Counter[str] = Counter()
        self.end_ms = Millis(0)
        self.decisions: dict[str, _Dated] = {}
        self.outcomes: dict[str, list[_Happened]] = {}
        for line in raw_lines([recommended]):
            self._recommended(line)
        for line in raw_lines([outcomes]):
            self._outcome(line)

    def _recommended(self, line: RawLine) -> None:
        try:
            event = msgspec.json.decode(line.value, type=_Event)
            if event.type != RECOMMENDED:
                raise InputError(f"{line.place}: want {RECOMMENDED}, not {event.type[:64]!r}")
            at_ms = parse_time(event.time)
            data = msgspec.json.decode(event.data, type=ActionRecommended)
        except InputError:
            raise
        except ValueError as exc:
            raise InputError(f"{line.place}: want {RECOMMENDED}: {exc}") from exc
        self.end_ms = max(self.end_ms, at_ms)
        # A crash repeats lines in Kafka; the id of a decision is a hash of its cause.
        self.decisions.setdefault(data.decision, _Dated(at_ms, event.subject, data))

    def _outcome(self, line: RawLine) -> None:
        try:
            event = msgspec.json.decode(line.value, type=_Event)
            if event.type != OUTCOME:
                return
            at_ms = parse_time(event.time)
            data = msgspec.json.decode(event.data, type=ActionOutcome)
        except ValueError:
            # A deployment's touchpoints have such lines; it rejects them as well.
            self.left_out["unreadable"] += 1
            return
        self._join(_Happened(at_ms, str(line.place), data))

    def _join(self, happened: _Happened) -> None:
        data = happened.data
        decision = self.decisions.get(data.decision)
        if decision is None:
            self.left_out["unknown_decision"] += 1
        elif decision.data.action != data.action:
            self.left_out["other_action"] += 1
        else:
            self.end_ms = max(self.end_ms, happened.at_ms)
            self.outcomes.setdefault(data.decision, []).append(happened)


def read_replayed(
    recommended: Path,
    outcomes: Path,
    window_days: float,
    reward: Reward,
    end_ms: Millis | None = None,
) -> ReplayedLog:
    """Join two files of JSON lines, plain or gzip; the second may hold other touchpoints as well.

    ``end_ms``: nothing that happened before it is missing.

    Raises
    ------
    InputError
        Naming the place of what is wrong.
    """
    joined = _Joined(recommended, outcomes)
    window_ms = int(window_days * DAY_MS)
    until_ms = joined.end_ms if end_ms is None else end_ms
    left_out, found, currencies = joined.left_out, [], set[str]()
    for dated in sorted(joined.decisions.values(), key=lambda one: (one.at_ms, one.data.decision)):
        closes_ms = dated.at_ms + window_ms
        happened = joined.outcomes.get(dated.data.decision, [])
        obstacle = _obstacle(dated, happened, closes_ms, until_ms)
        if obstacle is not None:
            left_out[obstacle] += 1
            continue
        accepted = _accepted(happened, closes_ms)
        if accepted is not None and accepted.data.currency is not None:
            currencies.add(accepted.data.currency)
        found.append(_decision(dated, 0.0 if accepted is None else _worth(accepted, reward)))
    return ReplayedLog(found, dict(left_out), _currency(outcomes, currencies, reward))


def _obstacle(
    dated: _Dated, happened: Iterable[_Happened], closes_ms: int, end_ms: Millis
) -> str | None:
    """Why the decision has no reward; None if it has one."""
    if any(left.reason == HOLDOUT for left in dated.data.left_out):
        return HOLDOUT
    if closes_ms > end_ms:
        return "window_open"
    if dated.data.action == DO_NOTHING:
        return None
    steps = {one.data.outcome for one in happened if one.at_ms <= closes_ms}
    if "failed" in steps and not steps & {"seen", "accepted", "declined"}:
        return "failed"
    # Whatever came back, the action had reached the customer.
    return None if steps else "not_sent"


def _accepted(happened: Iterable[_Happened], closes_ms: int) -> _Happened | None:
    """The first acceptance in the window: a repeated one earns nothing more."""
    found = [one for one in happened if one.data.outcome == "accepted" and one.at_ms <= closes_ms]
    return min(found, key=lambda one: one.at_ms, default=None)


def _worth(accepted: _Happened, reward: Reward) -> float:
    if reward == "accepted":
        return 1.0
    if accepted.data.value_minor is None or accepted.data.currency is None:
        raise InputError(
            f"{accepted.place}: accepted without value_minor and currency: --reward money needs "
            "both"
        )
    return float(accepted.data.value_minor)


def _decision(dated: _Dated, reward: float) -> LoggedDecision:
    data = dated.data
    return LoggedDecision(
        customer=dated.customer,
        context={"target": data.target, "band": data.band, "risk": data.risk},
        action=data.action,
        propensity=data.propensity,
        probabilities=data.probabilities,
        reward=reward,
    )


def _currency(outcomes: Path, currencies: set[str], reward: Reward) -> str | None:
    if reward == "accepted" or not currencies:
        return None
    if len(currencies) > 1:
        raise InputError(f"{outcomes}: want values in one currency, not {sorted(currencies)}")
    return currencies.pop()
