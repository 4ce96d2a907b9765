"""Churn: the risk of leaving, its band, and the snapshots that wait for their labels.

The customer is scored at every touchpoint, and at ticks that mature a label or start the snapshot
day. A crossing into another band is emitted with its reasons; a rise is a candidate for a decision.
On the snapshot day the score goes into the label ledger.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from touchstream.schemas.emissions.risk import Reason, RiskChanged
from touchstream.schemas.envelope import Event
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.schemas.rules import Band, Rules
from touchstream.schemas.units import Millis
from touchstream.streams.decide.arbitration import Candidate, Decision
from touchstream.streams.decide.bands import Crossing, rises
from touchstream.streams.emit.risk import risk_changed
from touchstream.streams.features.groups import FeatureGroups
from touchstream.streams.learn.band_capacity import rise
from touchstream.streams.learn.ledger import (
    SUBSCRIBED,
    Ledger,
    flag_outcomes,
    is_late,
    mature,
    matures_ms,
)
from touchstream.streams.learn.snapshot import CHURN
from touchstream.streams.measures.churn import band_entered, label_matured
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.banding import enough_evidence, next_band_of
from touchstream.streams.projections.projection import (
    TOMBSTONE,
    Context,
    RiskStep,
    ScoreRequest,
    TimerFired,
    Trigger,
    Update,
)
from touchstream.streams.projections.relation import (
    RELATION,
    RelationState,
    has_just_returned,
    is_over,
    snapshot_is_due,
    term_is_over_for,
)
from touchstream.streams.projections.rows import merged_rows, with_decision
from touchstream.streams.projections.why import contributions_of, direction_of, reasons_of
from touchstream.streams.scoring import Scored, snapshot

TARGETS = "targets"
_REQUEST = (ScoreRequest(CHURN),)
_RESCORED_AT = frozenset({CHURN, RELATION, TARGETS, TOMBSTONE})
"""Timers that trigger scoring: labels mature, or a snapshot is due."""


class ChurnState(Struct, frozen=True, array_like=True, tag=2, gc=False):
    """A customer's risk as last scored and as last emitted."""

    ledger: Ledger = ()
    risk: float | None = None
    """P(churn) as last scored; None before the first model."""
    band: Band | None = None
    """None until the model has enough evidence."""
    crossing: Crossing | None = None
    last_emitted_contributions: bytes | None = None
    """Contribution of each feature group at the last emission: :meth:`FeatureGroups.pack`."""
    last_emitted_risk: float | None = None
    labelled_ms: Millis | None = None
    """Time of the newest labelled snapshot."""
    late_for_label: int = 0
    """Events too late to change a label, since the last label."""

    def last_emitted_by(self, groups: FeatureGroups) -> Sequence[float] | None:
        """Contribution of each group at the last emission; None if it cannot be compared."""
        packed = self.last_emitted_contributions
        return None if packed is None else groups.unpack(packed)


NOTHING = ChurnState()


class Churn:
    """Implements ``ScoredProjection`` and ``DecidedProjection`` for the risk of leaving."""

    name: ClassVar[str] = CHURN
    slot: ClassVar[int] = 1
    state_type: ClassVar[type[ChurnState]] = ChurnState
    max_bytes: ClassVar[int] = 1_024
    listens_to: ClassVar[frozenset[str]] = frozenset(TOUCHPOINTS)
    reads: ClassVar[tuple[str, ...]] = (RELATION,)
    merges_exactly: ClassVar[bool] = False

    def on_event(
        self, state: ChurnState | None, event: Event, ctx: Context
    ) -> Update[ChurnState] | None:
        rules, before = ctx.rules.churn, state or NOTHING
        ledger = flag_outcomes(before.ledger, event, ctx.active, rules)
        late = is_late(event, ctx.active, before.labelled_ms, rules)
        left = before.risk is not None and is_over(ctx)
        # Most events change no snapshot, and then the slot need not be written.
        if ledger is before.ledger and not late and not left:
            return None
        after = msgspec.structs.replace(
            before, ledger=ledger, late_for_label=before.late_for_label + late
        )
        if left:
            after = _without_risk(after)
        return Update(after, counters=("late_for_label",) if late else ())

    def on_timer(
        self, state: ChurnState, now_ms: Millis, ctx: Context
    ) -> Update[ChurnState] | None:
        """Split off the snapshots with a final label; the first carries the late events."""
        waiting, ripe = mature(state.ledger, now_ms, ctx.rules.churn)
        if state.risk is not None and is_over(ctx):
            state = _without_risk(state)
        if not ripe:
            return Update(state)
        after = msgspec.structs.replace(
            state, ledger=waiting, labelled_ms=ripe[-1].snapshot.at_ms, late_for_label=0
        )
        examples = [ripe[0]._replace(late=state.late_for_label), *ripe[1:]]
        measures = [
            label_matured(one.label, treated=one.treated, matured_ms=one.matured_ms) for one in ripe
        ]
        return Update(after, examples=examples, measures=measures)

    def score_requests(
        self, state: ChurnState | None, trigger: Trigger, ctx: Context
    ) -> Sequence[ScoreRequest]:
        if isinstance(trigger, TimerFired) and _RESCORED_AT.isdisjoint(ctx.fired):
            return ()
        # Those who have left cannot leave: they are scored for their return.
        return () if is_over(ctx) else _REQUEST

    def on_scores(
        self,
        state: ChurnState | None,
        scores: Mapping[str, Scored],
        ctx: Context,
        trigger: Trigger,
    ) -> Update[ChurnState]:
        scored, state = scores[CHURN], state or NOTHING
        before, flow = state, None
        # Snapshot first: the decision of this step must fall into its window.
        if snapshot_is_due(ctx):
            row = snapshot(scored, ctx.serving, SUBSCRIBED if scored.subscribed else 0)
            state = msgspec.structs.replace(state, ledger=(*state.ledger, row))
            flow = _risk_step(before, scored, ctx)
        update = _banded(msgspec.structs.replace(state, risk=scored.risk), scored, ctx)
        after = update.state
        if after is not None and after.band == "high" and before.band != "high":
            flow = RiskStep(None if flow is None else flow.rise, entered=True)
        return msgspec.structs.replace(update, risk_flow=flow) if flow is not None else update

    def on_decision(
        self, state: ChurnState | None, decision: Decision, ctx: Context
    ) -> ChurnState | None:
        """Record the decision in every row whose window contains it."""
        if state is None:
            return None
        ledger = with_decision(state.ledger, decision, ctx.rules.churn, ctx)
        return msgspec.structs.replace(state, ledger=ledger)

    def next_timer_ms(self, state: ChurnState, rules: Rules) -> Millis | None:
        # Rows are in order of time, so the first one matures first.
        return matures_ms(state.ledger[0], rules.churn) if state.ledger else None

    def merge(self, a: ChurnState, b: ChurnState, ctx: Context) -> ChurnState:
        """Keep the rows of both; the later crossing determines the band."""
        newer, older = sorted((a, b), key=_newest_first)
        return ChurnState(
            ledger=merged_rows(a.ledger, b.ledger),
            risk=_largest(a.risk, b.risk),
            band=newer.band or older.band,
            crossing=newer.crossing,
            last_emitted_contributions=newer.last_emitted_contributions,
            last_emitted_risk=newer.last_emitted_risk,
            labelled_ms=_largest(a.labelled_ms, b.labelled_ms),
            late_for_label=a.late_for_label + b.late_for_label,
        )

    def upgrade(self, version: int, fields: list[Any]) -> ChurnState:
        """Version 1 kept the snapshot day, which has moved to the relation."""
        if version != 1:
            raise ValueError(f"this build cannot read version {version}")
        ledger, _, *rest = fields
        return msgspec.convert([ChurnState.__struct_config__.tag, ledger, *rest], ChurnState)

    def describe(
        self, state: ChurnState, profile: Profile | None, now_ms: Millis
    ) -> Mapping[str, object]:
        shown = msgspec.structs.asdict(state)
        del shown["last_emitted_contributions"]  # packed bytes, not readable
        return shown


def _without_risk(state: ChurnState) -> ChurnState:
    """The state of a customer who has left: only the rows go on waiting for their labels."""
    return ChurnState(
        ledger=state.ledger, labelled_ms=state.labelled_ms, late_for_label=state.late_for_label
    )


def _risk_step(before: ChurnState, scored: Scored, ctx: Context) -> RiskStep | None:
    """The rise since the snapshot before; None while the model has too little evidence."""
    if ctx.rules.bands.typed is not None:
        return None
    if not enough_evidence(scored.scorer.model, ctx.rules.learning):
        return None
    # Whoever has no band yet has never been counted.
    known = before.band is not None and before.ledger
    return RiskStep(rise(before.ledger[-1].risk if known else None, scored.risk))


def _banded(state: ChurnState, scored: Scored, ctx: Context) -> Update[ChurnState]:
    """Emit a crossing into another band; a rise is also a candidate for a decision."""
    before = state.band
    relation: RelationState | None = ctx.slots.read(RELATION)
    # Nobody warns about a customer because they have just come back: the next score tells.
    if relation is not None and has_just_returned(relation, ctx.trigger):
        return Update(state)
    band, gate = next_band_of(
        before,
        state.crossing,
        scored,
        ctx.rules.bands.typed or scored.scorer.model.bands,
        ctx,
        term_is_over=term_is_over_for(relation, max(scored.at_ms, ctx.now_ms)),
    )
    if band is None or band == before:
        return Update(state, counters=() if gate is None else (f"held.{gate}",))
    # Nearly every customer starts low; emitting that would be noise.
    if before is None and band == "low":
        entered = band_entered(before, band, ctx.now_ms)
        return Update(msgspec.structs.replace(state, band=band), measures=entered)
    groups, up = ctx.serving.features.groups, rises(before, band)
    found = contributions_of(scored, ctx)
    emitted, direction = state.last_emitted_by(groups), direction_of(up=up)
    change = _change(state, band, scored, reasons_of(found, emitted, scored, ctx, direction), ctx)
    emission = risk_changed(ctx.subject, change, ctx.cause, ctx.now_ms)
    crossed = msgspec.structs.replace(
        state,
        band=band,
        crossing=Crossing(ctx.now_ms, up),
        last_emitted_contributions=groups.pack(found.groups),
        last_emitted_risk=scored.risk,
    )
    candidate = Candidate("risk_crossing", scored.risk, band, scored.at_ms, reasons=change.reasons)
    entered = band_entered(before, band, ctx.now_ms)
    return Update(crossed, (emission,), (candidate,) if up else (), measures=entered)


def _change(
    state: ChurnState, band: Band, scored: Scored, why: tuple[Reason, ...], ctx: Context
) -> RiskChanged:
    low, high = scored.prediction.interval()
    return RiskChanged(
        horizon_days=ctx.rules.churn.horizon_days,
        risk_before=state.last_emitted_risk,
        risk=scored.risk,
        low=low,
        high=high,
        band_before=state.band,
        band=band,
        n=scored.scorer.model.examples,
        model_version=ctx.serving.version,
        rules=ctx.serving.rules_digest,
        reasons=why,
        cause=ctx.cause,
    )


def _newest_first(state: ChurnState) -> tuple[int, bytes]:
    at_ms = 0 if state.crossing is None else state.crossing.at_ms
    return -at_ms, msgspec.msgpack.encode(state)  # an arbitrary but stable order of equal moments


def _largest(a: Any, b: Any) -> Any:  # noqa: ANN401 - two of one ordered type, or None
    return max((value for value in (a, b) if value is not None), default=None)
