"""Return: the probability that a customer whose relation is over comes back.

The mirror of churn: ended and lapsed customers are scored at every touchpoint and on their snapshot
day, when the score goes into the label ledger; label 1 is a sign of life within churn's horizon. A
rise into a higher band is a candidate for a decision: whom to win back.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from touchstream.schemas.emissions.returning import ReturnChanged
from touchstream.schemas.emissions.risk import Direction
from touchstream.schemas.envelope import Event
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.schemas.rules import Band, ReturnTarget, Rules
from touchstream.schemas.units import Millis
from touchstream.streams.decide.arbitration import Candidate, Decision
from touchstream.streams.decide.bands import Crossing, rises
from touchstream.streams.emit.returning import return_changed
from touchstream.streams.learn.ledger import (
    Ledger,
    flag_return,
    mature,
    matures_ms,
)
from touchstream.streams.learn.snapshot import CHURN, RETURN
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.banding import next_band_of
from touchstream.streams.projections.churn import TARGETS
from touchstream.streams.projections.projection import (
    TOMBSTONE,
    Context,
    ScoreRequest,
    TimerFired,
    Trigger,
    Update,
)
from touchstream.streams.projections.relation import RELATION, is_over, snapshot_is_due
from touchstream.streams.projections.rows import merged_rows, with_decision
from touchstream.streams.projections.why import contributions_of, direction_of, reasons_of
from touchstream.streams.scoring import Scored, snapshot

_REQUEST = (ScoreRequest(RETURN),)
_RESCORED_AT = frozenset({RETURN, RELATION, CHURN, TARGETS, TOMBSTONE})


class ReturnState(Struct, frozen=True, array_like=True, omit_defaults=True, tag=1, gc=False):
    """A former customer's probability of a return, as last scored and as last emitted."""

    ledger: Ledger = ()
    probability: float | None = None
    """P(return) as last scored; None while the relation is open."""
    band: Band | None = None
    crossing: Crossing | None = None
    last_emitted_probability: float | None = None


NOTHING = ReturnState()


class Returning:
    """Implements ``ScoredProjection`` and ``DecidedProjection`` for the target ``return``."""

    name: ClassVar[str] = RETURN
    slot: ClassVar[int] = 8
    state_type: ClassVar[type[ReturnState]] = ReturnState
    max_bytes: ClassVar[int] = 1_024
    listens_to: ClassVar[frozenset[str]] = frozenset(TOUCHPOINTS)
    reads: ClassVar[tuple[str, ...]] = (RELATION,)
    merges_exactly: ClassVar[bool] = False

    def on_event(
        self, state: ReturnState | None, event: Event, ctx: Context
    ) -> Update[ReturnState] | None:
        if state is None:
            return None
        ledger = flag_return(state.ledger, event, ctx.active, ReturnTarget(ctx.rules.churn))
        # Whoever is back needs no winning back; rows go on waiting for their labels.
        if state.probability is not None and not is_over(ctx):
            return Update(_kept(ReturnState(ledger)))
        if ledger is state.ledger:
            return None
        return Update(msgspec.structs.replace(state, ledger=ledger))

    def on_timer(
        self, state: ReturnState, now_ms: Millis, ctx: Context
    ) -> Update[ReturnState] | None:
        waiting, ripe = mature(state.ledger, now_ms, ReturnTarget(ctx.rules.churn))
        if not ripe:
            return None
        return Update(_kept(msgspec.structs.replace(state, ledger=waiting)), examples=ripe)

    def score_requests(
        self, state: ReturnState | None, trigger: Trigger, ctx: Context
    ) -> Sequence[ScoreRequest]:
        if isinstance(trigger, TimerFired) and _RESCORED_AT.isdisjoint(ctx.fired):
            return ()
        return _REQUEST if is_over(ctx) else ()

    def on_scores(
        self,
        state: ReturnState | None,
        scores: Mapping[str, Scored],
        ctx: Context,
        trigger: Trigger,
    ) -> Update[ReturnState]:
        scored, state = scores[RETURN], state or NOTHING
        if snapshot_is_due(ctx):
            ledger = (*state.ledger, snapshot(scored, ctx.serving))
            state = msgspec.structs.replace(state, ledger=ledger)
        return _banded(msgspec.structs.replace(state, probability=scored.risk), scored, ctx)

    def on_decision(
        self, state: ReturnState | None, decision: Decision, ctx: Context
    ) -> ReturnState | None:
        """Record the decision in every row whose window contains it."""
        if state is None:
            return None
        ledger = with_decision(state.ledger, decision, ReturnTarget(ctx.rules.churn), ctx)
        return msgspec.structs.replace(state, ledger=ledger)

    def next_timer_ms(self, state: ReturnState, rules: Rules) -> Millis | None:
        return matures_ms(state.ledger[0], ReturnTarget(rules.churn)) if state.ledger else None

    def merge(self, a: ReturnState, b: ReturnState, ctx: Context) -> ReturnState:
        """Keep the rows of both; the later crossing determines the band."""
        newer = max((a, b), key=_newest)
        return msgspec.structs.replace(newer, ledger=merged_rows(a.ledger, b.ledger))

    def upgrade(self, version: int, fields: list[Any]) -> ReturnState:
        raise ValueError(f"this build cannot read version {version}")

    def describe(
        self, state: ReturnState, profile: Profile | None, now_ms: Millis
    ) -> Mapping[str, object]:
        return msgspec.structs.asdict(state)


def _kept(state: ReturnState) -> ReturnState | None:
    return None if state == NOTHING else state


def _banded(state: ReturnState, scored: Scored, ctx: Context) -> Update[ReturnState]:
    """Emit a crossing into another band; a rise is also a candidate for a decision."""
    before = state.band
    thresholds = ctx.rules.win_back.bands.typed
    band, _ = next_band_of(before, state.crossing, scored, thresholds, ctx)
    if band is None or band == before:
        return Update(state)
    if before is None and band == "low":
        return Update(msgspec.structs.replace(state, band=band))
    up = rises(before, band)
    change = _change(state, band, scored, ctx, direction_of(up=up))
    emission = return_changed(ctx.subject, change, ctx.cause, ctx.now_ms)
    crossed = msgspec.structs.replace(
        state,
        band=band,
        crossing=Crossing(ctx.now_ms, up),
        last_emitted_probability=scored.risk,
    )
    # A decision weighs the loss: that the customer stays away.
    candidate = Candidate(
        "return_crossing", 1 - scored.risk, band, scored.at_ms, RETURN, change.reasons
    )
    return Update(crossed, (emission,), (candidate,) if up else ())


def _change(
    state: ReturnState, band: Band, scored: Scored, ctx: Context, direction: Direction
) -> ReturnChanged:
    low, high = scored.prediction.interval()
    return ReturnChanged(
        horizon_days=ctx.rules.churn.horizon_days,
        probability_before=state.last_emitted_probability,
        probability=scored.risk,
        low=low,
        high=high,
        band_before=state.band,
        band=band,
        n=scored.scorer.model.evidence.examples,
        model_version=ctx.serving.version,
        rules=ctx.serving.rules_digest,
        reasons=reasons_of(
            contributions_of(scored, ctx), None, scored, ctx, direction, target=RETURN
        ),
        cause=ctx.cause,
    )


def _newest(state: ReturnState) -> tuple[int, bytes]:
    at_ms = 0 if state.crossing is None else state.crossing.at_ms
    return at_ms, msgspec.msgpack.encode(state)  # an arbitrary but stable order of equal moments
