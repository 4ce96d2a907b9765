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
from touchstream.schemas.rules import Band, LearningRules, Rules
from touchstream.schemas.units import Millis
from touchstream.streams.decide.arbitration import Candidate, Decision
from touchstream.streams.decide.bands import Crossing, held_back, next_band, rises
from touchstream.streams.emit.risk import risk_changed
from touchstream.streams.features.groups import FeatureGroups
from touchstream.streams.learn.ledger import (
    SUBSCRIBED,
    Ledger,
    decided,
    flag_outcomes,
    is_late,
    mature,
    matures_ms,
)
from touchstream.streams.learn.snapshot import CHURN, ModelData
from touchstream.streams.measures.churn import band_entered, label_matured
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.projection import (
    TOMBSTONE,
    Context,
    ScoreRequest,
    TimerFired,
    Trigger,
    Update,
)
from touchstream.streams.projections.why import contributions_of, direction_of, reasons_of
from touchstream.streams.scoring import Scored, snapshot
from touchstream.streams.snapshot_day import next_snapshot_day_ms

TARGETS = "targets"
_REQUEST = (ScoreRequest(CHURN),)
_RESCORED_AT = frozenset({CHURN, TARGETS, TOMBSTONE})
"""Timers that trigger scoring: labels mature, or a snapshot is due."""


class ChurnState(Struct, frozen=True, array_like=True, tag=1, gc=False):
    """A customer's risk as last scored and as last emitted."""

    ledger: Ledger = ()
    snapshot_due_ms: Millis | None = None
    """When the next snapshot for the ledger is due."""
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
    reads: ClassVar[tuple[str, ...]] = ()
    merges_exactly: ClassVar[bool] = False

    def on_event(
        self, state: ChurnState | None, event: Event, ctx: Context
    ) -> Update[ChurnState] | None:
        rules, before = ctx.rules.churn, state or NOTHING
        ledger = flag_outcomes(before.ledger, event, ctx.active, rules)
        late = is_late(event, ctx.active, before.labelled_ms, rules)
        due_ms = before.snapshot_due_ms
        if due_ms is None:
            due_ms = _next_snapshot_ms(ctx, ctx.serving.watermark_ms or ctx.now_ms)
        # Most events change no snapshot, and then the slot need not be written.
        elif ledger is before.ledger and not late:
            return None
        after = msgspec.structs.replace(
            before,
            ledger=ledger,
            snapshot_due_ms=due_ms,
            late_for_label=before.late_for_label + late,
        )
        return Update(after, counters=("late_for_label",) if late else ())

    def on_timer(
        self, state: ChurnState, now_ms: Millis, ctx: Context
    ) -> Update[ChurnState] | None:
        """Split off the snapshots with a final label; the first carries the late events."""
        waiting, ripe = mature(state.ledger, now_ms, ctx.rules.churn)
        if not ripe:
            return None
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
        if isinstance(trigger, TimerFired) and ctx.fired.isdisjoint(_RESCORED_AT):
            return ()
        return _REQUEST

    def on_scores(
        self, state: ChurnState, scores: Mapping[str, Scored], ctx: Context, trigger: Trigger
    ) -> Update[ChurnState]:
        scored = scores[CHURN]
        # Snapshot first: the decision of this step must fall into its window.
        if isinstance(trigger, TimerFired):
            state = _snapshot_taken(state, scored, ctx)
        return _banded(msgspec.structs.replace(state, risk=scored.risk), scored, ctx)

    def on_decision(
        self, state: ChurnState | None, decision: Decision, ctx: Context
    ) -> ChurnState | None:
        """Record the decision in every row whose window contains it."""
        if state is None:
            return None
        ledger = decided(
            state.ledger,
            decision.at_ms,
            decision.choice.offer_probability,
            decision.acts,
            ctx.rules.churn,
            ctx.rules.deciding.holdout,
        )
        return msgspec.structs.replace(state, ledger=ledger)

    def next_timer_ms(self, state: ChurnState, rules: Rules) -> Millis | None:
        if not state.ledger:
            return state.snapshot_due_ms
        # Rows are in order of time, so the first one matures first.
        matures = matures_ms(state.ledger[0], rules.churn)
        due_ms = state.snapshot_due_ms
        return matures if due_ms is None else min(matures, due_ms)

    def merge(self, a: ChurnState, b: ChurnState, ctx: Context) -> ChurnState:
        """Keep the rows of both; the later crossing determines the band."""
        newer, older = sorted((a, b), key=_newest_first)
        return ChurnState(
            ledger=tuple(sorted((*a.ledger, *b.ledger), key=_row_order)),
            snapshot_due_ms=_earliest(a.snapshot_due_ms, b.snapshot_due_ms),
            risk=_largest(a.risk, b.risk),
            band=newer.band or older.band,
            crossing=newer.crossing,
            last_emitted_contributions=newer.last_emitted_contributions,
            last_emitted_risk=newer.last_emitted_risk,
            labelled_ms=_largest(a.labelled_ms, b.labelled_ms),
            late_for_label=a.late_for_label + b.late_for_label,
        )

    def upgrade(self, version: int, fields: list[Any]) -> ChurnState:
        raise ValueError(f"this build cannot read version {version}")

    def describe(
        self, state: ChurnState, profile: Profile | None, now_ms: Millis
    ) -> Mapping[str, object]:
        shown = msgspec.structs.asdict(state)
        del shown["last_emitted_contributions"]  # packed bytes, not readable
        return shown


def _next_snapshot_ms(ctx: Context, after_ms: Millis) -> Millis:
    return next_snapshot_day_ms(ctx.subject, after_ms, ctx.rules.churn.snapshot_every_days)


def _snapshot_taken(state: ChurnState, scored: Scored, ctx: Context) -> ChurnState:
    """Append the score to the ledger if a snapshot is due."""
    watermark_ms, due_ms = ctx.serving.watermark_ms, state.snapshot_due_ms
    if watermark_ms is None or due_ms is None or due_ms > watermark_ms:
        return state
    row = snapshot(scored, ctx.serving, SUBSCRIBED if scored.subscribed else 0)
    return msgspec.structs.replace(
        state, ledger=(*state.ledger, row), snapshot_due_ms=_next_snapshot_ms(ctx, watermark_ms)
    )


def _banded(state: ChurnState, scored: Scored, ctx: Context) -> Update[ChurnState]:
    """Emit a crossing into another band; a rise is also a candidate for a decision."""
    before, band = state.band, _band(state, scored, ctx)
    if band is None or band == before:
        return Update(state)
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
    candidate = Candidate("risk_crossing", scored.risk, band, scored.at_ms, change.reasons)
    entered = band_entered(before, band, ctx.now_ms)
    return Update(crossed, (emission,), (candidate,) if up else (), measures=entered)


def _band(state: ChurnState, scored: Scored, ctx: Context) -> Band | None:
    """The current band; None until the model has enough evidence."""
    rules = ctx.rules
    if not enough_evidence(scored.scorer.model, rules.learning):
        return state.band
    band = next_band(state.band, scored.risk, rules.bands)
    if band == state.band:
        return band
    if rises(state.band, band) and scored.prediction.doubt() > rules.learning.widest:
        return state.band  # uncertainty prevents a rise, never a fall
    if state.band is None:
        return band
    turned = held_back(state.band, band, state.crossing, ctx.now_ms, rules.bands)
    return state.band if turned else band


def enough_evidence(model: ModelData, rules: LearningRules) -> bool:
    """Whether the model has learnt enough examples of both labels for its risks to be emitted."""
    # A model that has seen almost only one label cannot rank customers.
    rarer = min(model.churned, model.examples - model.churned)
    return model.examples >= rules.minimum_examples and rarer >= rules.minimum_of_each


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


def _row_order(row: Any) -> tuple[int, bytes]:  # noqa: ANN401 - a Snapshot
    return row.at_ms, msgspec.msgpack.encode(row)


def _earliest(a: Millis | None, b: Millis | None) -> Millis | None:
    return min((moment for moment in (a, b) if moment is not None), default=None)


def _largest(a: Any, b: Any) -> Any:  # noqa: ANN401 - two of one ordered type, or None
    return max((value for value in (a, b) if value is not None), default=None)
