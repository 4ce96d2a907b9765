"""Our own log as recommended: every decision whose window has closed, whatever became of it.

Doing nothing has a reward too, so that a difference to it is what the action changed. Decisions
that nobody carried out count as well: leaving them out would compare unlike customers. Rewards:

- ``revenue``: the customer's orders within the window less what came back, in minor units;
- ``stayed``: 0 if the customer cancelled within the window, else 1;
- ``accepted``: 1 if the action was accepted within the window;
- ``money``: the ``value_minor`` of that acceptance.
"""

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
from msgspec import Raw, Struct

from touchstream.agents.evaluation.outcomes import (
    OUTCOME,
    Costs,
    Dated,
    logged,
    not_carried_out,
)
from touchstream.agents.evaluation.replayed_log import recommended_in
from touchstream.agents.history.inputs import InputError, raw_lines
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.decide.evaluation.logged import LoggedDecision

Reward = Literal["revenue", "stayed", "accepted", "money"]


class _Event(Struct, frozen=True):
    type: str
    subject: str
    time: str
    data: Raw
    source: str = ""
    id: str = ""


class _Amount(Struct, frozen=True):
    amount_minor: int
    currency: str


class _Accepted(Struct, frozen=True):
    decision: str
    action: str
    outcome: str
    value_minor: int | None = None
    currency: str | None = None


class _Earned(NamedTuple):
    at_ms: Millis
    amount: float


class Followed(NamedTuple):
    """Decisions with their rewards, in order of time."""

    decisions: list[LoggedDecision]
    held_out: list[LoggedDecision]
    """Of customers in the holdout at that time."""
    left_out: dict[str, int]
    """``window_open``: decisions; ``unreadable``: lines of the touchpoints."""
    currency: str | None


class _Touchpoints:
    """What happened to each customer, and which decisions were accepted."""

    def __init__(self, reward: Reward, cancel: Sequence[str]) -> None:
        self._reward, self._cancel = reward, cancel
        self.by_customer: dict[str, list[_Earned]] = {}
        self.by_decision: dict[tuple[str, str], list[_Earned]] = {}
        self.steps: dict[tuple[str, str], list[tuple[int, str]]] = {}
        self.currencies: set[str] = set()
        self.end_ms = 0
        self.unreadable = 0
        self._seen: set[tuple[str, str]] = set()

    def read(self, file: Path) -> None:
        for line in raw_lines([file]):
            try:
                event = msgspec.json.decode(line.value, type=_Event)
                at_ms = parse_time(event.time)
                if not self._is_again(event):
                    self._add(event, at_ms)
            except InputError as exc:
                raise InputError(f"{line.place}: {exc}") from exc
            except ValueError:
                self.unreadable += 1

    def _is_again(self, event: _Event) -> bool:
        """Producers repeat events; one id counts once."""
        if not event.id:
            return False
        key = (event.source, event.id)
        again = key in self._seen
        self._seen.add(key)
        return again

    def _add(self, event: _Event, at_ms: Millis) -> None:
        if event.type == OUTCOME:
            self._outcome(event, at_ms)
        elif self._reward == "revenue" and event.type in {"order.placed", "order.returned"}:
            found = msgspec.json.decode(event.data, type=_Amount)
            self.currencies.add(found.currency)
            sign = 1.0 if event.type == "order.placed" else -1.0
            self._earn(event.subject, at_ms, sign * found.amount_minor)
        elif self._reward == "stayed" and event.type in self._cancel:
            self._earn(event.subject, at_ms, 1.0)

    def _outcome(self, event: _Event, at_ms: Millis) -> None:
        found = msgspec.json.decode(event.data, type=_Accepted)
        self.end_ms = max(self.end_ms, at_ms)
        key = (found.decision, found.action)
        self.steps.setdefault(key, []).append((at_ms, found.outcome))
        if found.outcome != "accepted" or self._reward not in {"accepted", "money"}:
            return
        amount = 1.0
        if self._reward == "money":
            if found.value_minor is None or found.currency is None:
                raise InputError("accepted without value_minor and currency: money needs both")
            self.currencies.add(found.currency)
            amount = float(found.value_minor)
        self.by_decision.setdefault(key, []).append(_Earned(at_ms, amount))

    def _earn(self, customer: str, at_ms: Millis, amount: float) -> None:
        self.by_customer.setdefault(customer, []).append(_Earned(at_ms, amount))

    def reward(self, dated: Dated, closes_ms: int) -> float:
        """Of one decision, from what happened after it and until its window closed."""
        if self._reward in {"accepted", "money"}:
            found = self.by_decision.get((dated.data.decision, dated.data.action), [])
            first = min(found, default=None)
            return 0.0 if first is None or first.at_ms > closes_ms else first.amount
        events = self.by_customer.get(dated.customer, [])
        begin = bisect_right(events, dated.at_ms, key=lambda one: one.at_ms)
        end = bisect_right(events, closes_ms, key=lambda one: one.at_ms)
        total = sum(one.amount for one in events[begin:end])
        return float(not total) if self._reward == "stayed" else total

    def was_carried_out(self, dated: Dated, closes_ms: int) -> bool:
        """Whether the action reached the customer before the window closed."""
        steps = self.steps.get((dated.data.decision, dated.data.action), [])
        return not_carried_out({step for at_ms, step in steps if at_ms <= closes_ms}) is None

    def sort(self) -> None:
        for events in self.by_customer.values():
            events.sort()


def read_followed(
    recommended: Path,
    touchpoints: Path,
    window_days: float,
    reward: Reward,
    cancel: Sequence[str],
    end_ms: Millis | None = None,
    costs: Costs | None = None,
) -> Followed:
    """Join two files of JSON lines, plain or gzip.

    ``end_ms``: nothing that happened before it is missing; default: the latest decision or outcome.
    ``costs``: of the actions that were carried out; None: none.

    Raises
    ------
    InputError
        Naming the place of what is wrong.
    """
    dated = _decisions(recommended)
    events = _Touchpoints(reward, cancel)
    events.read(touchpoints)
    events.sort()
    if costs is not None:
        events.currencies.add(costs.currency)
    if len(events.currencies) > 1:
        raise InputError(f"{touchpoints}: want one currency, not {sorted(events.currencies)}")
    until_ms = max([events.end_ms, *(one.at_ms for one in dated)]) if end_ms is None else end_ms
    window_ms = int(window_days * DAY_MS)
    found = Followed([], [], {}, next(iter(events.currencies), None))
    window_open = 0
    for one in dated:
        closes_ms = one.at_ms + window_ms
        if closes_ms > until_ms:
            window_open += 1
            continue
        group = found.held_out if one.is_held_out else found.decisions
        group.append(
            logged(one, events.reward(one, closes_ms), _cost(one, events, closes_ms, costs))
        )
    counts = {"window_open": window_open, "unreadable": events.unreadable}
    found.left_out.update({why: count for why, count in counts.items() if count})
    return found


def _cost(dated: Dated, events: _Touchpoints, closes_ms: int, costs: Costs | None) -> float:
    """Of an action that was carried out; one that nobody sent cost nothing."""
    if costs is None or not events.was_carried_out(dated, closes_ms):
        return 0.0
    return float(costs.of_action(dated.data.action))


def _decisions(file: Path) -> list[Dated]:
    found: dict[str, Dated] = {}
    for line in raw_lines([file]):
        dated = recommended_in(line)
        # A crash repeats lines; the id of a decision is a hash of its cause.
        found.setdefault(dated.data.decision, dated)
    return sorted(found.values(), key=lambda one: (one.at_ms, one.data.decision))
