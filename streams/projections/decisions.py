"""Decisions: when each action was last recommended, for its rest period."""

from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import Struct

from touchstream.schemas.envelope import Event
from touchstream.schemas.rules import Rules
from touchstream.schemas.units import Millis
from touchstream.streams.decide.arbitration import Decision
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.projection import Context, Update

DECISIONS = "decisions"


class DecisionsState(Struct, frozen=True, array_like=True, tag=1):
    """Recommendations to a customer."""

    recommended_ms: dict[str, Millis] = {}
    """Action -> when it was last recommended."""


class Decisions:
    """Implements ``DecidedProjection``."""

    name: ClassVar[str] = DECISIONS
    slot: ClassVar[int] = 3
    state_type: ClassVar[type[DecisionsState]] = DecisionsState
    max_bytes: ClassVar[int] = 128
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
        return DecisionsState({**kept, decision.choice.action: ctx.now_ms})

    def next_timer_ms(self, state: DecisionsState, rules: Rules) -> Millis | None:
        return None

    def merge(self, a: DecisionsState, b: DecisionsState, ctx: Context) -> DecisionsState:
        names = sorted({*a.recommended_ms, *b.recommended_ms})
        return DecisionsState(
            {
                name: max(s.recommended_ms[name] for s in (a, b) if name in s.recommended_ms)
                for name in names
            }
        )

    def upgrade(self, version: int, fields: list[Any]) -> DecisionsState:
        raise ValueError(f"this build cannot read version {version}")

    def describe(
        self, state: DecisionsState, profile: Profile | None, now_ms: Millis
    ) -> Mapping[str, object]:
        return {"recommended_ms": state.recommended_ms}
