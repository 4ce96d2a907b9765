"""Business measures: increments of the aggregates by events.

The state remembers active days and unresolved tickets, so that a customer counts once per day and a
first response once per ticket (:mod:`touchstream.streams.measures`).
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from touchstream.schemas.envelope import Event
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.schemas.rules import Rules
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.measures.observe import on_event
from touchstream.streams.measures.state import MAX_BYTES, MeasuresState, merged
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.projection import Context, Update


class Measures:
    """Implements ``Projection``; its output is ``Update.measures``."""

    name: ClassVar[str] = "measures"
    slot: ClassVar[int] = 6
    state_type: ClassVar[type[MeasuresState]] = MeasuresState
    max_bytes: ClassVar[int] = MAX_BYTES
    listens_to: ClassVar[frozenset[str]] = frozenset(TOUCHPOINTS)
    reads: ClassVar[tuple[str, ...]] = ()
    merges_exactly: ClassVar[bool] = False

    def on_event(
        self, state: MeasuresState | None, event: Event, ctx: Context
    ) -> Update[MeasuresState]:
        after, measures = on_event(
            state,
            event,
            ctx.previous_profile,
            active=ctx.active,
            oldest_ms=_oldest_ms(ctx),
        )
        return Update(after, (), (), (), measures)

    def on_timer(
        self, state: MeasuresState, now_ms: Millis, ctx: Context
    ) -> Update[MeasuresState] | None:
        return None

    def next_timer_ms(self, state: MeasuresState, rules: Rules) -> Millis | None:
        return None

    def merge(self, a: MeasuresState, b: MeasuresState, ctx: Context) -> MeasuresState:
        """Days and tickets of both; counts already made stay."""
        return merged(a, b)

    def upgrade(self, version: int, fields: list[Any]) -> MeasuresState:
        raise ValueError(f"this build cannot read version {version}")

    def describe(
        self, state: MeasuresState, profile: Profile | None, now_ms: Millis
    ) -> Mapping[str, object]:
        return {"waiting_tickets": len(state.tickets)}


def _oldest_ms(ctx: Context) -> Millis | None:
    """The oldest possible time of further events; None before the first tick."""
    watermark_ms = ctx.serving.watermark_ms
    if watermark_ms is None:
        return None
    return Millis(watermark_ms - ctx.rules.intake.allowed_lateness_days * DAY_MS)
