"""Decisions: when each action was last recommended, and which decisions the customer has.

An ``action.outcome`` that names another decision is applied like any other, and counted: the system
that carries out actions mixes up customers, or reports later than a horizon.
"""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, ClassVar, NamedTuple

import msgspec
from msgspec import Struct

from touchstream.schemas.envelope import Event
from touchstream.schemas.rules import Rules
from touchstream.schemas.touchpoints.actions import ActionOutcome
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.decide.arbitration import Decision
from touchstream.streams.emit.identity import decision_id
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.projection import Context, Update

DECISIONS = "decisions"

MOST_DECISIONS = 16
"""Decisions remembered: one at every other day of the default horizon."""


class Recommendation(NamedTuple):
    """An action that was recommended to a customer."""

    action: str
    at_ms: Millis
    decision: str | None
    """Id of the decision; None if an earlier build made it."""


UNKNOWN_DECISION = "outcome.unknown_decision"
"""Counter of outcomes that name a decision which the customer does not have."""

_DAY_BYTES = 2
_ID_BYTES = 4
_ENTRY_BYTES = _DAY_BYTES + _ID_BYTES
_LAST_DAY = (1 << 8 * _DAY_BYTES) - 1


class DecisionsState(Struct, frozen=True, array_like=True, tag=2):
    """Recommendations to a customer, and the decisions behind them."""

    recommended_ms: dict[str, Millis] = {}
    """Action -> when it was last recommended."""
    made: bytes = b""
    """The newest decisions of a horizon, sorted: day since 1970 (2 bytes), hash of the id (4).

    One wrong id in 2**32 / 16 is taken for one of them."""
    without_ids_until_ms: Millis | None = None
    """Decisions up to this moment were made by a build that kept no ids; None: none were."""
    newest_action: str | None = None
    """The one recommended last; None if an earlier build did."""
    newest_decision: bytes = b""
    """Its decision's id."""

    @property
    def newest(self) -> Recommendation | None:
        """The recommendation made last; None if none was made."""
        name = self.newest_action
        if name is not None:
            at_ms = self.recommended_ms[name]
            return Recommendation(name, at_ms, self.newest_decision.hex())
        latest = max(self.recommended_ms.items(), key=lambda one: (one[1], one[0]), default=None)
        return None if latest is None else Recommendation(*latest, None)


class Decisions:
    """Implements ``DecidedProjection``."""

    name: ClassVar[str] = DECISIONS
    slot: ClassVar[int] = 3
    state_type: ClassVar[type[DecisionsState]] = DecisionsState
    max_bytes: ClassVar[int] = 320
    listens_to: ClassVar[frozenset[str]] = frozenset({"action.outcome"})
    reads: ClassVar[tuple[str, ...]] = ()
    merges_exactly: ClassVar[bool] = True

    def on_event(
        self, state: DecisionsState | None, event: Event, ctx: Context
    ) -> Update[DecisionsState] | None:
        """Count an outcome of an unknown decision."""
        if not isinstance(event.data, ActionOutcome):
            return None
        if state is not None and _has(state, event.data.decision, event.time_ms, ctx.rules):
            return None
        return Update(state, counters=(UNKNOWN_DECISION,))

    def on_timer(
        self, state: DecisionsState, now_ms: Millis, ctx: Context
    ) -> Update[DecisionsState] | None:
        return None

    def on_decision(
        self, state: DecisionsState | None, decision: Decision, ctx: Context
    ) -> DecisionsState:
        """Record decision and action; forget actions that are no longer in the catalogue."""
        before = DecisionsState() if state is None else state
        recommended_ms = before.recommended_ms
        # Doing nothing needs no rest.
        decision_name = decision_id(ctx.subject, ctx.cause)
        newest = before.newest_action, before.newest_decision
        if decision.acts:
            names = {rule.name for rule in ctx.rules.actions}
            kept = {name: at_ms for name, at_ms in recommended_ms.items() if name in names}
            recommended_ms = {**kept, decision.choice.action: ctx.now_ms}
            newest = decision.choice.action, bytes.fromhex(decision_name)
        # An action that is no longer in the catalogue has no moment any more.
        elif newest[0] not in recommended_ms:
            newest = None, b""
        return DecisionsState(
            recommended_ms,
            _newest_of([*_entries(before.made), _entry(decision_name, ctx.now_ms)], ctx.rules),
            before.without_ids_until_ms,
            *newest,
        )

    def next_timer_ms(self, state: DecisionsState, rules: Rules) -> Millis | None:
        return None

    def merge(self, a: DecisionsState, b: DecisionsState, ctx: Context) -> DecisionsState:
        names = sorted({*a.recommended_ms, *b.recommended_ms})
        newer = max(a, b, key=_newest)
        without_ids = [at for s in (a, b) if (at := s.without_ids_until_ms) is not None]
        return DecisionsState(
            {
                name: max(s.recommended_ms[name] for s in (a, b) if name in s.recommended_ms)
                for name in names
            },
            _newest_of([*_entries(a.made), *_entries(b.made)], ctx.rules),
            max(without_ids, default=None),
            newer.newest_action,
            newer.newest_decision,
        )

    def upgrade(self, version: int, fields: list[Any]) -> DecisionsState:
        """Version 1 kept no ids: outcomes of its decisions cannot be told from others."""
        if version != 1:
            raise ValueError(f"this build cannot read version {version}")
        try:
            (recommended_ms,) = msgspec.convert(fields, tuple[dict[str, Millis]])
        except msgspec.ValidationError as exc:
            raise ValueError(str(exc)) from exc
        return DecisionsState(recommended_ms, b"", max(recommended_ms.values(), default=None))

    def describe(
        self, state: DecisionsState, profile: Profile | None, now_ms: Millis
    ) -> Mapping[str, object]:
        newest = state.newest
        return {
            "recommended_ms": state.recommended_ms,
            "newest": None if newest is None else newest.action,
            "newest_decision": None if newest is None else newest.decision,
        }


def _newest(state: DecisionsState) -> tuple[Millis, str, str]:
    newest = state.newest
    if newest is None:
        return Millis(0), "", ""
    return newest.at_ms, newest.action, newest.decision or ""


def _has(state: DecisionsState, decision: str, at_ms: Millis, rules: Rules) -> bool:
    """Whether the customer has this decision, or may have it from before ids were kept."""
    name = _hash(decision)
    if any(entry[_DAY_BYTES:] == name for entry in _entries(state.made)):
        return True
    until_ms = state.without_ids_until_ms
    return until_ms is not None and at_ms - until_ms <= rules.churn.horizon_days * DAY_MS


def _entry(decision: str, at_ms: Millis) -> bytes:
    day = min(max(at_ms // DAY_MS, 0), _LAST_DAY)
    return day.to_bytes(_DAY_BYTES) + _hash(decision)


def _hash(decision: str) -> bytes:
    # Hashed, because a producer may send any text where it should send an id.
    return blake2b(decision.encode(), digest_size=_ID_BYTES).digest()


def _entries(made: bytes) -> list[bytes]:
    return [made[at : at + _ENTRY_BYTES] for at in range(0, len(made), _ENTRY_BYTES)]


def _newest_of(entries: Iterable[bytes], rules: Rules) -> bytes:
    """A function of the set alone, so that two halves of a history merge exactly."""
    ordered = sorted(set(entries))
    oldest = _day(ordered[-1]) - rules.churn.horizon_days if ordered else 0
    return b"".join([one for one in ordered if _day(one) >= oldest][-MOST_DECISIONS:])


def _day(entry: bytes) -> int:
    return int.from_bytes(entry[:_DAY_BYTES])
