"""Our own log: ``action.recommended`` lines of a replay, joined with ``action.outcome`` events.

A decision is evaluated once its window has closed before the end of both files. Its reward:

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
from typing import Literal, NamedTuple, TypeVar

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
Data = TypeVar("Data", bound=Struct)
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
    """Why -> how many decisions, or outcomes: holdout, window_open, not_sent, failed,
    unknown_decision, other_action."""
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
        event, at_ms = self._event(line)
        if event.type != RECOMMENDED:
            raise InputError(f"{line.place}: want {RECOMMENDED}, not {event.type[:64]!r}")
        data = _decoded(line, event, ActionRecommended)
        # A crash repeats lines in Kafka; the id of a decision is a hash of its cause.
        self.decisions.setdefault(data.decision, _Dated(at_ms, event.subject, data))

    def _outcome(self, line: RawLine) -> None:
        event, at_ms = self._event(line)
        if event.type != OUTCOME:
            return
        data = _decoded(line, event, ActionOutcome)
        decision = self.decisions.get(data.decision)
        if decision is None:
            self.left_out["unknown_decision"] += 1
        elif decision.data.action != data.action:
            self.left_out["other_action"] += 1
        else:
            happened = _Happened(at_ms, str(line.place), data)
            self.outcomes.setdefault(data.decision, []).append(happened)

    def _event(self, line: RawLine) -> tuple[_Event, Millis]:
        try:
            event = msgspec.json.decode(line.value, type=_Event)
            at_ms = Millis(parse_time(event.time))
        except ValueError as exc:
            raise InputError(f"{line.place}: want a CloudEvent: {exc}") from exc
        self.end_ms = max(self.end_ms, at_ms)
        return event, at_ms


def read_replayed(
    recommended: Path, outcomes: Path, window_days: float, reward: Reward
) -> ReplayedLog:
    """Join two files of JSON lines, plain or gzip; the second may hold other touchpoints as well.

    Raises
    ------
    InputError
        Naming the place of what is wrong.
    """
    joined = _Joined(recommended, outcomes)
    window_ms = int(window_days * DAY_MS)
    left_out, found, currencies = joined.left_out, [], set[str]()
    for dated in sorted(joined.decisions.values(), key=lambda one: (one.at_ms, one.data.decision)):
        closes_ms = dated.at_ms + window_ms
        happened = joined.outcomes.get(dated.data.decision, [])
        obstacle = _obstacle(dated, happened, closes_ms, joined.end_ms)
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


def _decoded(line: RawLine, event: _Event, kind: type[Data]) -> Data:
    try:
        return msgspec.json.decode(event.data, type=kind)
    except ValueError as exc:
        raise InputError(f"{line.place}: {event.type}: {exc}") from exc
