"""Further prediction targets (``[[targets]]``), and their waiting snapshots.

A target is scored at the events it names, and the score waits in the target's ledger for its label.
A probability that rises to ``signal_at``, or falls below it again, is emitted.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from msgspec import Struct

from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.emissions.signals import CustomerSignal
from touchstream.schemas.envelope import Event
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.schemas.rules import Rules, TargetRules
from touchstream.schemas.units import Millis
from touchstream.streams.decide.arbitration import Decision
from touchstream.streams.emit.signal import customer_signal
from touchstream.streams.learn.ledger import (
    MOST_ROWS,
    Ledger,
    Matured,
    flag_target_outcomes,
    mature,
    matures_ms,
)
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.banding import enough_evidence
from touchstream.streams.projections.projection import (
    Context,
    ScoreRequest,
    TimerFired,
    Trigger,
    Update,
)
from touchstream.streams.projections.rows import merged_rows, with_decision
from touchstream.streams.scoring import Scored, snapshot

MAX_DELAY_FRACTION = 0.1
"""Events later than 1/10 of a target's horizon are not scored."""


class TargetsState(Struct, frozen=True, array_like=True, tag=1):
    """Ledgers of the further targets."""

    ledgers: dict[str, Ledger] = {}
    raised: tuple[str, ...] = ()
    """Targets whose probability was at ``signal_at`` or above when last scored."""


NOTHING = TargetsState()


class Targets:
    """Implements ``ScoredProjection`` and ``DecidedProjection`` for ``[[targets]]``."""

    name: ClassVar[str] = "targets"
    slot: ClassVar[int] = 2
    state_type: ClassVar[type[TargetsState]] = TargetsState
    max_bytes: ClassVar[int] = 16_384
    listens_to: ClassVar[frozenset[str]] = frozenset(TOUCHPOINTS)
    reads: ClassVar[tuple[str, ...]] = ()
    merges_exactly: ClassVar[bool] = False

    def on_event(
        self, state: TargetsState | None, event: Event, ctx: Context
    ) -> Update[TargetsState] | None:
        """Mark waiting rows; drop those of targets that are no longer configured."""
        if state is None or not state.ledgers:
            return None
        ledgers = {
            target.name: flag_target_outcomes(state.ledgers[target.name], event, target)
            for target in ctx.rules.targets
            if target.name in state.ledgers
        }
        return Update(_kept(ledgers, state.raised))

    def on_timer(
        self, state: TargetsState, now_ms: Millis, ctx: Context
    ) -> Update[TargetsState] | None:
        matured: list[Matured] = []
        ledgers = dict(state.ledgers)
        for target in ctx.rules.targets:
            waiting, ripe = mature(ledgers.get(target.name, ()), now_ms, target)
            if ripe:
                matured += ripe
                ledgers.pop(target.name)
                if waiting:
                    ledgers[target.name] = waiting
        return Update(_kept(ledgers, state.raised), examples=matured) if matured else None

    def score_requests(
        self, state: TargetsState | None, trigger: Trigger, ctx: Context
    ) -> Sequence[ScoreRequest]:
        if isinstance(trigger, TimerFired):
            return ()
        ledgers = {} if state is None else state.ledgers
        return [
            ScoreRequest(target.name)
            for target in ctx.rules.targets
            if is_scored_at(target, ledgers, trigger, ctx)
        ]

    def on_scores(
        self,
        state: TargetsState | None,
        scores: Mapping[str, Scored],
        ctx: Context,
        trigger: Trigger,
    ) -> Update[TargetsState]:
        state = state or NOTHING
        rows = {
            name: (*state.ledgers.get(name, ()), snapshot(scored, ctx.serving))
            for name, scored in scores.items()
        }
        emissions: list[Emission] = []
        raised = state.raised
        for target in ctx.rules.targets:
            if target.name in scores:
                raised, emitted = _signalled(raised, target, scores[target.name], ctx)
                emissions += emitted
        return Update(TargetsState({**state.ledgers, **rows}, raised), emissions)

    def on_decision(
        self, state: TargetsState | None, decision: Decision, ctx: Context
    ) -> TargetsState | None:
        """Record the decision in every row whose window contains it."""
        if state is None:
            return None
        ledgers = {
            target.name: with_decision(state.ledgers[target.name], decision, target, ctx)
            for target in ctx.rules.targets
            if target.name in state.ledgers
        }
        return TargetsState(ledgers, state.raised)

    def next_timer_ms(self, state: TargetsState, rules: Rules) -> Millis | None:
        moments = [
            matures_ms(state.ledgers[target.name][0], target)
            for target in rules.targets
            if state.ledgers.get(target.name)
        ]
        return min(moments, default=None)

    def merge(self, a: TargetsState, b: TargetsState, ctx: Context) -> TargetsState:
        """Keep the rows of both, up to the bound the newest."""
        names = sorted({*a.ledgers, *b.ledgers})
        return TargetsState(
            {
                name: merged_rows(a.ledgers.get(name, ()), b.ledgers.get(name, ()))[-MOST_ROWS:]
                for name in names
            },
            tuple(sorted({*a.raised, *b.raised})),
        )

    def upgrade(self, version: int, fields: list[Any]) -> TargetsState:
        raise ValueError(f"this build cannot read version {version}")

    def describe(
        self, state: TargetsState, profile: Profile | None, now_ms: Millis
    ) -> Mapping[str, object]:
        return {**state.ledgers, "raised": state.raised}


def is_scored_at(
    target: TargetRules, ledgers: Mapping[str, Ledger], event: Event, ctx: Context
) -> bool:
    """Whether a further target is scored at this event, which is already folded.

    An event older than the watermark is scored as of the watermark, unless it is late by more than
    a tenth of the horizon, or the customer has a newer event.
    """
    watermark_ms = ctx.serving.watermark_ms
    if event.type not in target.after or watermark_ms is None:
        return False
    late_ms = watermark_ms - event.time_ms
    # A score as of an older moment would use features of newer events.
    newest = ctx.profile.last_seen_ms == event.time_ms
    room = len(ledgers.get(target.name, ())) < MOST_ROWS
    return newest and room and late_ms < target.horizon_ms * MAX_DELAY_FRACTION


def _kept(ledgers: dict[str, Ledger], raised: tuple[str, ...]) -> TargetsState | None:
    return TargetsState(ledgers, raised) if ledgers or raised else None


def _signalled(
    raised: tuple[str, ...], target: TargetRules, scored: Scored, ctx: Context
) -> tuple[tuple[str, ...], Sequence[Emission]]:
    """Emit a signal when the probability rises to ``signal_at``, and when it falls below again."""
    was = target.name in raised
    if target.signal_at is None or not enough_evidence(scored.scorer.model, ctx.rules.learning):
        return raised, ()
    if was == (scored.risk >= target.signal_at):
        return raised, ()
    others = tuple(name for name in raised if name != target.name)
    signal = CustomerSignal(
        signal=target.name,
        before=was,
        value=not was,
        probability=scored.risk,
        rules=ctx.serving.rules_digest,
        cause=ctx.cause,
    )
    emission = customer_signal(ctx.subject, signal, ctx.cause, ctx.now_ms)
    return others if was else (*others, target.name), (emission,)
