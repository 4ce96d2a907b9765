"""Business measures: what a customer adds to the company's figures, each event once.

Its own state is the days on which the customer was active, so that each counts once, and the
tickets that wait for an answer or a solution. Entries into bands and matured labels are measured by
:class:`touchstream.streams.projections.churn.Churn`.
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


class BusinessMeasures:
    """Implements ``Projection``; it has no timer: days are forgotten with the next new one."""

    name: ClassVar[str] = "measures"
    slot: ClassVar[int] = 4
    state_type: ClassVar[type[MeasuresState]] = MeasuresState
    max_bytes: ClassVar[int] = MAX_BYTES
    listens_to: ClassVar[frozenset[str]] = frozenset(TOUCHPOINTS)
    reads: ClassVar[tuple[str, ...]] = ()
    merges_exactly: ClassVar[bool] = False  # a day on which both were active was counted twice

    def on_event(
        self, state: MeasuresState | None, event: Event, ctx: Context
    ) -> Update[MeasuresState]:
        after, measures = on_event(
            state, event, ctx.previous_profile, active=ctx.active, oldest_ms=_oldest_ms(ctx)
        )
        return Update(after, (), (), (), measures)  # by place: by name takes longer, at every event

    def on_timer(
        self, state: MeasuresState, now_ms: Millis, ctx: Context
    ) -> Update[MeasuresState] | None:
        return None

    def next_timer_ms(self, state: MeasuresState, rules: Rules) -> Millis | None:
        return None

    def merge(self, a: MeasuresState, b: MeasuresState, ctx: Context) -> MeasuresState:
        return merged(a, b)

    def upgrade(self, version: int, fields: list[Any]) -> MeasuresState:
        raise ValueError(f"no version {version} of it was ever written")

    def describe(
        self, state: MeasuresState, profile: Profile | None, now_ms: Millis
    ) -> Mapping[str, object]:
        newest = None if state.days is None else Millis(state.days.newest * DAY_MS)
        tickets = [ticket.opened_ms for ticket in state.tickets]
        return {"last_active_day_ms": newest, "timed_tickets_opened_ms": tickets}


def _oldest_ms(ctx: Context) -> Millis | None:
    """The oldest moment that an event may have from now on; None before the first tick."""
    watermark_ms = ctx.serving.watermark_ms
    if watermark_ms is None:
        return None
    return Millis(watermark_ms - ctx.rules.intake.allowed_lateness_days * DAY_MS)
