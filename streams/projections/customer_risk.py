"""Who is at risk now: the indexes of the risk bands, and the topic ``customer-risk``.

Customers in band medium or high are in the index of their band, by their risk as last scored. Every
crossing is emitted on the topic once the step has decided, so that the record names the action; the
snapshot day of a customer at risk brings a newer record if the risk has moved. A customer of whom
churn knows no band any more leaves both.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from msgspec import Struct

from touchstream.schemas.emissions import customer_risk as wire
from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.emissions.risk import Reason, RiskChanged
from touchstream.schemas.envelope import Event
from touchstream.schemas.rules import Band, Rules
from touchstream.schemas.units import CustomerId, Millis
from touchstream.streams.emit.customer_risk import customer_risk, moment, withdrawn
from touchstream.streams.learn.ledger import MILLION, millionths
from touchstream.streams.learn.snapshot import CHURN
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.churn import ChurnState
from touchstream.streams.projections.decisions import DECISIONS, DecisionsState
from touchstream.streams.projections.indexes import NO_RISK, RISK_INDEXES
from touchstream.streams.projections.projection import Context, TimerFired, Update
from touchstream.streams.projections.why import contributions_of, direction_of, reasons_of
from touchstream.streams.scoring import Scored

LEAST_MOVE = (
    MILLION // 100
)  # .01: a smaller move changes no decision, and everyone at risk has one a week


class CustomerRiskState(Struct, frozen=True, array_like=True, tag=1, gc=False):
    """The customer's record on the topic, as far as it is needed again."""

    band: Band
    millionths: int
    """The risk, as an integer so that the decimal is exact."""
    reasons: tuple[str, ...] = ()
    """The reasons in words, the strongest first."""


class CustomerRisk:
    """Implements ``ConcludingProjection``: it follows what churn makes of an event or tick."""

    name: ClassVar[str] = "customer_risk"
    slot: ClassVar[int] = 9
    state_type: ClassVar[type[CustomerRiskState]] = CustomerRiskState
    max_bytes: ClassVar[int] = 1_024
    listens_to: ClassVar[frozenset[str]] = frozenset()
    reads: ClassVar[tuple[str, ...]] = (CHURN, DECISIONS)
    merges_exactly: ClassVar[bool] = False

    def on_event(
        self, state: CustomerRiskState | None, event: Event, ctx: Context
    ) -> Update[CustomerRiskState] | None:
        return None

    def on_timer(
        self, state: CustomerRiskState, now_ms: Millis, ctx: Context
    ) -> Update[CustomerRiskState] | None:
        return None

    def next_timer_ms(self, state: CustomerRiskState, rules: Rules) -> Millis | None:
        return None

    def on_conclusion(
        self,
        state: CustomerRiskState | None,
        scores: Mapping[str, Scored],
        emissions: Sequence[Emission],
        ctx: Context,
    ) -> Update[CustomerRiskState] | None:
        churn: ChurnState | None = ctx.slots.read(CHURN)
        band = None if churn is None else churn.band
        if churn is None or band is None:
            if state is None:
                return None
            gone = withdrawn(ctx.subject, ctx.cause, ctx.now_ms)
            return Update(None, (gone,), indexes=NO_RISK)
        # Nearly every customer enters low first; the topic would hold everyone.
        if state is None and band == "low":
            return None
        scored = scores.get(CHURN)
        if scored is None:
            return None
        indexes = _indexes(state, band, scored.risk)
        if not _is_news(state, churn, band, scored, ctx):
            return Update(state, indexes=indexes) if indexes else None
        given = _reasons(churn, scored, emissions, ctx)
        data = _record(churn, band, scored, given, ctx)
        after = CustomerRiskState(band, millionths(scored.risk), tuple(r.text for r in given))
        emission = customer_risk(ctx.subject, data, ctx.cause, ctx.now_ms)
        return Update(after, (emission,), indexes=indexes)

    def on_erasure(
        self, state: CustomerRiskState | None, subject: CustomerId, cause: Cause, now_ms: Millis
    ) -> Update[CustomerRiskState]:
        # Also for a customer who is unknown here: others may know more than this state.
        return Update(None, (withdrawn(subject, cause, now_ms),), indexes=NO_RISK)

    def merge(self, a: CustomerRiskState, b: CustomerRiskState, ctx: Context) -> CustomerRiskState:
        """Keep the record with the higher risk."""
        return max(a, b, key=lambda one: (one.millionths, one.band, one.reasons))

    def upgrade(self, version: int, fields: list[Any]) -> CustomerRiskState:
        raise ValueError(f"this build cannot read version {version}")

    def describe(
        self, state: CustomerRiskState, profile: Profile | None, now_ms: Millis
    ) -> Mapping[str, object]:
        return {
            "band": state.band,
            "millionths": state.millionths,
            "reasons": list(state.reasons),
        }


def _indexes(
    before: CustomerRiskState | None, band: Band, risk: float
) -> Mapping[str, float | None]:
    """The index that was left, and the score in that of today.

    The score is written whenever one is made: it moves with nearly every event of the few customers
    who are at risk, and remembering what was written would cost more than it saves.
    """
    now = RISK_INDEXES.get(band)
    left = None if before is None else RISK_INDEXES.get(before.band)
    indexes: dict[str, float | None] = {}
    if left is not None and left != now:
        indexes[left] = None
    if now is not None:
        indexes[now] = risk
    return indexes


def _is_news(
    published: CustomerRiskState | None, churn: ChurnState, band: Band, scored: Scored, ctx: Context
) -> bool:
    if published is None or published.band != band:
        return True
    if band not in RISK_INDEXES or not _snapshot_taken(churn, ctx):
        return False
    return abs(millionths(scored.risk) - published.millionths) >= LEAST_MOVE


def _snapshot_taken(churn: ChurnState, ctx: Context) -> bool:
    """Whether the tick of this step took the newest row of the ledger."""
    at_tick = isinstance(ctx.trigger, TimerFired)
    return at_tick and bool(churn.ledger) and churn.ledger[-1].at_ms >= ctx.now_ms


def _reasons(
    churn: ChurnState, scored: Scored, emissions: Sequence[Emission], ctx: Context
) -> tuple[Reason, ...]:
    """Those of the crossing in this step, else the present ones."""
    for emission in emissions:
        if isinstance(emission.data, RiskChanged):
            return emission.data.reasons
    features = ctx.serving.features
    before = churn.last_emitted_by(features.groups)
    at_risk = churn.band in RISK_INDEXES
    return reasons_of(contributions_of(scored, ctx), before, scored, ctx, direction_of(up=at_risk))


def _record(
    churn: ChurnState, band: Band, scored: Scored, given: tuple[Reason, ...], ctx: Context
) -> wire.CustomerRisk:
    low, high = scored.prediction.interval()
    return wire.CustomerRisk(
        horizon_days=ctx.rules.churn.horizon_days,
        risk=scored.risk,
        low=low,
        high=high,
        band=band,
        band_since=None if churn.crossing is None else moment(churn.crossing.at_ms),
        reasons=given,
        action=_last_action(ctx),
        model_version=ctx.serving.version,
        rules=ctx.serving.rules_digest,
        cause=ctx.cause,
    )


def _last_action(ctx: Context) -> wire.LastAction | None:
    decisions: DecisionsState | None = ctx.slots.read(DECISIONS)
    newest = None if decisions is None else decisions.newest
    if newest is None:
        return None
    return wire.LastAction(
        action=newest.action, decision=newest.decision, recommended=moment(newest.at_ms)
    )
