"""When an alert of each kind holds, why, and what was recommended."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.emissions.alerts import ClearedBecause
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.emissions.returning import ReturnChanged
from touchstream.schemas.emissions.risk import Reason, RiskChanged
from touchstream.schemas.rules import Band
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.learn.ledger import millionths
from touchstream.streams.learn.snapshot import CHURN, RETURN
from touchstream.streams.projections.alert_state import MOST_REASONS
from touchstream.streams.projections.churn import TARGETS, ChurnState
from touchstream.streams.projections.decisions import DECISIONS, DecisionsState
from touchstream.streams.projections.engagement import EngagementState
from touchstream.streams.projections.projection import Context
from touchstream.streams.projections.relation import is_over
from touchstream.streams.projections.returning import ReturnState
from touchstream.streams.projections.targets import TargetsState
from touchstream.streams.projections.why import contributions_of, direction_of, reasons_of
from touchstream.streams.scoring import Scored

ENGAGEMENT = "engagement"


class Condition(NamedTuple):
    """The condition of an alert holds."""

    band: Band
    scored: Scored | None
    """The prediction of this step; None: none was made, so no alert can be raised."""

    @property
    def millionths(self) -> int:
        """The probability, in millionths; only with a prediction."""
        assert self.scored is not None
        return millionths(self.scored.risk)


class Advice(NamedTuple):
    """An action that was recommended, and is still worth carrying out."""

    action: str
    decision: bytes
    at_ms: Millis


def conditions(scores: Mapping[str, Scored], ctx: Context) -> dict[str, Condition]:
    """The kinds of alert whose condition holds after this step."""
    found: dict[str, Condition] = {}
    for kind in ctx.rules.alerts.kinds:
        band = _band_of(kind, ctx)
        if band is not None:
            found[kind] = Condition(band, scores.get(CHURN if kind == ENGAGEMENT else kind))
    return found


def _band_of(kind: str, ctx: Context) -> Band | None:
    """The band that the alert shows; None: its condition does not hold."""
    if kind == CHURN:
        churn: ChurnState | None = ctx.slots.read(CHURN)
        band = None if churn is None else churn.band
        return band if band in ctx.rules.alerts.bands else None
    if kind == RETURN:
        former: ReturnState | None = ctx.slots.read(RETURN)
        band = None if former is None else former.band
        return band if band in ctx.rules.alerts.bands else None
    if kind == ENGAGEMENT:
        return _band_of_dropped(ctx)
    targets: TargetsState | None = ctx.slots.read(TARGETS)
    return "high" if targets is not None and kind in targets.raised else None


def _band_of_dropped(ctx: Context) -> Band | None:
    engagement: EngagementState | None = ctx.slots.read(ENGAGEMENT)
    if engagement is None or engagement.check_day is not None or is_over(ctx):
        return None
    churn: ChurnState | None = ctx.slots.read(CHURN)
    return None if churn is None else churn.band


def over_because(kind: str, ctx: Context) -> ClearedBecause:
    """Why the condition of an alert holds no more."""
    if kind == RETURN:
        return "recovered" if is_over(ctx) else "returned"
    return "left" if is_over(ctx) else "recovered"


def advice_for(kind: str, emissions: Sequence[Emission], ctx: Context) -> Advice | None:
    """The newest recommendation for this kind of alert; None without one that is not expired."""
    target = RETURN if kind == RETURN else CHURN
    for emission in emissions:
        if isinstance(emission.data, ActionRecommended):
            made = emission.data
            if made.target == target and made.expires is not None:
                return Advice(made.action, bytes.fromhex(made.decision), ctx.now_ms)
    decisions: DecisionsState | None = ctx.slots.read(DECISIONS)
    newest = None if decisions is None else decisions.newest
    if newest is None:
        return None
    for action in ctx.rules.actions:
        if action.name == newest.action and action.target == target:
            expires_ms = newest.at_ms + ctx.rules.expires_days(action) * DAY_MS
            if expires_ms > ctx.now_ms:
                return Advice(newest.action, bytes.fromhex(newest.decision or ""), newest.at_ms)
    return None


def reasons_for(
    kind: str, condition: Condition, emissions: Sequence[Emission], ctx: Context
) -> tuple[Reason, ...]:
    """The strongest reasons: those of the crossing in this step, else the present ones."""
    for emission in emissions:
        data = emission.data
        crossing = RiskChanged if kind == CHURN else ReturnChanged
        # The reasons of a fall speak for staying.
        if kind in _CROSSINGS and isinstance(data, crossing) and _rises(data.reasons):
            return data.reasons[:MOST_REASONS]
    scored = condition.scored
    assert scored is not None  # the callers have one
    target = CHURN if kind == ENGAGEMENT else kind
    found = contributions_of(scored, ctx)
    return reasons_of(found, None, scored, ctx, direction_of(up=True), target)[:MOST_REASONS]


def _rises(reasons: Sequence[Reason]) -> bool:
    return bool(reasons) and reasons[0].direction == "raises"


_CROSSINGS = frozenset({CHURN, RETURN})
