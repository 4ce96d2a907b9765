"""Decisions: when each action was last recommended, for its rest period."""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from msgspec import Struct

from touchstream.schemas.envelope import Event
from touchstream.schemas.rules import Rules
from touchstream.schemas.units import Millis
from touchstream.streams.decide.arbitration import Decision
from touchstream.streams.emit.action import decision_id
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.projection import Context, Update

DECISIONS = "decisions"


class Recommendation(NamedTuple):
    """An action that was recommended to a customer."""

    action: str
    at_ms: Millis
    decision: str | None
    """Id of the decision; None if an earlier build made it."""


class DecisionsState(Struct, frozen=True, array_like=True, tag=1):
    """Recommendations to a customer."""

    recommended_ms: dict[str, Millis] = {}
    """Action -> when it was last recommended."""
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
    max_bytes: ClassVar[int] = 192
    listens_to: ClassVar[frozenset[str]] = frozenset()
    reads: ClassVar[tuple[str, ...]] = ()
    merges_exactly: ClassVar[bool] = True

    def on_event(
        self, state: DecisionsState | None, event: Event, ctx: Context
    ) -> Update[DecisionsState] | None:
        return None

    def on_timer(
        self, state: DecisionsState, now_ms: Millis, ctx: Context
    ) -> Update[DecisionsState] | None:
        return None

    def on_decision(
        self, state: DecisionsState | None, decision: Decision, ctx: Context
    ) -> DecisionsState | None:
        """Record the action; forget those that are no longer in the catalogue."""
        # Doing nothing needs no rest.
        if not decision.acts:
            return state
        before = {} if state is None else state.recommended_ms
        names = {rule.name for rule in ctx.rules.actions}
        kept = {name: at_ms for name, at_ms in before.items() if name in names}
        action = decision.choice.action
        made = bytes.fromhex(decision_id(ctx.subject, ctx.cause))
        return DecisionsState({**kept, action: ctx.now_ms}, action, made)

    def next_timer_ms(self, state: DecisionsState, rules: Rules) -> Millis | None:
        return None

    def merge(self, a: DecisionsState, b: DecisionsState, ctx: Context) -> DecisionsState:
        names = sorted({*a.recommended_ms, *b.recommended_ms})
        newer = max(a, b, key=_newest)
        return DecisionsState(
            {
                name: max(s.recommended_ms[name] for s in (a, b) if name in s.recommended_ms)
                for name in names
            },
            newer.newest_action,
            newer.newest_decision,
        )

    def upgrade(self, version: int, fields: list[Any]) -> DecisionsState:
        raise ValueError(f"this build cannot read version {version}")

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
