"""Relation: whether the customer is still one; nobody is warned about those who have left.

A relation is *open* from the first event. It is *ended* by a cancellation (``churn.cancel``) or by
a term that was not renewed, *lapsed* after a silence longer than those that customers like this
return from, and *back* after a return. Churn is about open (and returned) customers, ``return``
about the others. A change is emitted as ``customer.relation_changed``.

What a contract or a purchase began, only a contract or a purchase begins again: a call about the
final bill is no return. A lapse, which is silence, ends with any sign of life. The reasons
are in docs/decisions/0033-relation.md.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import exp, nan
from statistics import NormalDist
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from touchstream.schemas.emissions.relation import Relation as Status
from touchstream.schemas.emissions.relation import RelationChanged
from touchstream.schemas.envelope import Event
from touchstream.schemas.registry import TOUCHPOINTS
from touchstream.schemas.rules import Rules
from touchstream.schemas.touchpoints.orders import OrderPlaced
from touchstream.schemas.touchpoints.subscriptions import (
    SubscriptionChanged,
    SubscriptionRenewed,
    SubscriptionStarted,
)
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.context import ServingContext
from touchstream.streams.emit.relation import relation_changed
from touchstream.streams.features.recency import gap_spread, gap_usual
from touchstream.streams.features.view import View
from touchstream.streams.learn.seen import Population
from touchstream.streams.learn.single import rhythm_of
from touchstream.streams.learn.snapshot import CHURN
from touchstream.streams.measures.churn import relation_entered
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.projection import Context, TimerFired, Trigger, Update
from touchstream.streams.snapshot_day import next_snapshot_day_ms

RELATION = "relation"
CANCELLED = "subscription.cancelled"
_CONTRACTS = (SubscriptionStarted, SubscriptionRenewed, SubscriptionChanged)
_OVER = frozenset({"ended", "lapsed"})
_UNLEARNT = Population()
_EPOCH = datetime.fromtimestamp(0, UTC)
LONGEST_DAYS = 3_650.0
"""Bound on the silence after which a customer lapses: ten years."""


class RelationState(Struct, frozen=True, array_like=True, omit_defaults=True, tag=1, gc=False):
    """The relation, and when it is looked at next."""

    snapshot_due_ms: Millis
    """The customer's next snapshot day."""
    status: Status = "open"
    ends_ms: Millis | None = None
    """End of the newest contract; None without one, or if it ends no relation."""
    since_ms: Millis | None = None
    """When the status began; None: at the first event. A lapse begins at the tick that finds it."""

    @property
    def is_over(self) -> bool:
        """Whether the customer has left: ended or lapsed."""
        return self.status in _OVER


def is_over(ctx: Context) -> bool:
    """Whether the customer of this step has left."""
    state: RelationState | None = ctx.slots.read(RELATION)
    return state is not None and state.is_over


def is_ended(ctx: Context) -> bool:
    """Whether the customer of this step has left by cancellation or the end of a term."""
    state: RelationState | None = ctx.slots.read(RELATION)
    return state is not None and state.status == "ended"


def has_just_returned(state: RelationState, trigger: Trigger) -> bool:
    """Whether this is the event with which the customer came back."""
    if state.status != "back" or isinstance(trigger, TimerFired):
        return False
    return state.since_ms == trigger.time_ms


def term_is_over_for(state: RelationState | None, at_ms: Millis) -> bool:
    """Whether a term has ended, and a late renewal may still arrive."""
    return state is not None and state.ends_ms is not None and state.ends_ms <= at_ms


def snapshot_is_due(ctx: Context) -> bool:
    """Whether this tick has passed the customer's snapshot day."""
    if RELATION not in ctx.fired:
        return False
    # By now the state names the next snapshot day, and the timer may have been a term's.
    before: RelationState | None = ctx.slots.before(RELATION)
    return before is not None and before.snapshot_due_ms <= ctx.now_ms


def lapses_after_days(profile: Profile, serving: ServingContext) -> float:
    r"""The silence, in days, after which this customer counts as lapsed.

    .. math:: \max(H, e^{\mu + z \sigma}), \quad z = \Phi^{-1}(\text{returned\_share})

    Gaps between visits are log-normal, with the customer's own mean and spread shrunk towards those
    of all customers in the model, exactly as in :class:`touchstream.streams.learn.seen.Seen`.
    ``H`` is churn's horizon: a shorter silence is not churn by the label's definition.
    """
    rules = serving.rules
    scorers = serving.scorers
    everybody = _UNLEARNT if scorers is None else scorers[CHURN].population
    count = 0.0 if profile.rhythm is None else float(profile.rhythm.count)
    view = View(profile, profile.last_seen_ms)
    usual, spread = gap_usual(view), gap_spread(view)
    mean, spread = rhythm_of(
        count, nan if usual is None else usual, nan if spread is None else spread, everybody
    )
    longest = exp(mean + _quantile(rules.relation.returned_share) * spread)
    return min(LONGEST_DAYS, max(float(rules.churn.horizon_days), longest))


class Relation:
    """Implements ``Projection`` for the state of the relation and the snapshot days."""

    name: ClassVar[str] = RELATION
    slot: ClassVar[int] = 7
    state_type: ClassVar[type[RelationState]] = RelationState
    max_bytes: ClassVar[int] = 48
    listens_to: ClassVar[frozenset[str]] = frozenset(TOUCHPOINTS)
    reads: ClassVar[tuple[str, ...]] = ()
    merges_exactly: ClassVar[bool] = False

    def on_event(
        self, state: RelationState | None, event: Event, ctx: Context
    ) -> Update[RelationState] | None:
        if state is None:
            first_ms = ctx.serving.watermark_ms or ctx.now_ms
            state = RelationState(_next_snapshot_ms(ctx, first_ms))
            begun = _after_event(state, event, ctx) or state
            # The first event of an unknown customer changes no relation that anyone knew of.
            return Update(begun)
        after = _after_event(state, event, ctx)
        return None if after is None else _changed(state, after, ctx)

    def on_timer(self, state: RelationState, now_ms: Millis, ctx: Context) -> Update[RelationState]:
        """End a relation whose term is over or whose silence is too long."""
        due_ms = state.snapshot_due_ms
        if due_ms <= now_ms:
            due_ms = _next_snapshot_ms(ctx, now_ms)
        over = None if state.is_over else _over_by_now(state, now_ms, ctx)
        if over is not None:
            status, since_ms = over
            return _changed(state, RelationState(due_ms, status, None, since_ms), ctx)
        return Update(
            RelationState(
                due_ms, state.status, _contract_end(state, ctx.profile, ctx.rules), state.since_ms
            )
        )

    def next_timer_ms(self, state: RelationState, rules: Rules) -> Millis | None:
        if state.ends_ms is None:
            return state.snapshot_due_ms
        # A renewal may arrive a little later than the end of the term.
        return min(state.snapshot_due_ms, Millis(state.ends_ms + _grace_ms(rules)))

    def merge(self, a: RelationState, b: RelationState, ctx: Context) -> RelationState:
        """A person is a customer if either of their ids is; otherwise the later end counts."""
        kept = max((a, b), key=lambda one: (not one.is_over, one.since_ms or 0, one.status))
        ends = [one.ends_ms for one in (a, b) if one.ends_ms is not None]
        return RelationState(
            min(a.snapshot_due_ms, b.snapshot_due_ms),
            kept.status,
            max(ends, default=None),
            kept.since_ms,
        )

    def upgrade(self, version: int, fields: list[Any]) -> RelationState:
        raise ValueError(f"this build cannot read version {version}")

    def describe(
        self, state: RelationState, profile: Profile | None, now_ms: Millis
    ) -> Mapping[str, object]:
        return {
            "status": state.status,
            "since_ms": state.since_ms or (profile and profile.first_seen_ms),
            "term_ends_ms": state.ends_ms,
            "snapshot_due_ms": state.snapshot_due_ms,
        }


def _after_event(state: RelationState, event: Event, ctx: Context) -> RelationState | None:
    """The relation after an event; None if it is unchanged."""
    if event.type in ctx.rules.churn.cancel:
        return _cancelled(state, event, ctx)
    if state.is_over:
        return _returned(state, event, ctx)
    if isinstance(event.data, _CONTRACTS):
        ends_ms = _contract_end(state, ctx.profile, ctx.rules)
        if ends_ms != state.ends_ms:
            return msgspec.structs.replace(state, ends_ms=ends_ms)
    return None


def _cancelled(state: RelationState, event: Event, ctx: Context) -> RelationState | None:
    """Ended, unless a newer contract, order or return is known: events may arrive late."""
    subscription, at_ms = ctx.profile.subscription, event.time_ms
    if state.status == "ended" or _newest_order_ms(ctx.profile) > at_ms:
        return None
    if subscription is not None and not subscription.cancelled and subscription.at_ms >= at_ms:
        return None
    if state.status == "back" and at_ms < (state.since_ms or 0):
        return None
    return RelationState(state.snapshot_due_ms, "ended", None, at_ms)


def _returned(state: RelationState, event: Event, ctx: Context) -> RelationState | None:
    if not _is_return(state, event, ctx):
        return None
    back = RelationState(state.snapshot_due_ms, "back", None, event.time_ms)
    return msgspec.structs.replace(back, ends_ms=_contract_end(back, ctx.profile, ctx.rules))


def _is_return(state: RelationState, event: Event, ctx: Context) -> bool:
    """Whether the event is a contract, an order or, after a lapse, any sign of life."""
    lapsed, since_ms = state.status == "lapsed", state.since_ms or Millis(0)
    if isinstance(event.data, _CONTRACTS) and _is_under_contract(ctx, event, since_ms, lapsed):
        return True
    if lapsed:
        activity = ctx.profile.activity
        # A late event that is not the newest sign of life does not shorten the silence.
        return ctx.active and activity is not None and activity.at_ms == event.time_ms
    return isinstance(event.data, OrderPlaced) and event.time_ms > since_ms


def _is_under_contract(ctx: Context, event: Event, since_ms: Millis, lapsed: bool) -> bool:
    """Whether the contract of this event is the newest, and began after the end."""
    subscription = ctx.profile.subscription
    if subscription is None or subscription.cancelled or subscription.at_ms != event.time_ms:
        return False
    if lapsed or event.time_ms > since_ms:
        return True
    # A renewal that arrives late is older than the end of the term that it renews.
    former = None if ctx.previous_profile is None else ctx.previous_profile.subscription
    was_term = former is not None and not former.cancelled and former.ends_ms == since_ms
    return was_term and subscription.running(since_ms)


def _over_by_now(
    state: RelationState, now_ms: Millis, ctx: Context
) -> tuple[Status, Millis] | None:
    """The end of the relation that a tick finds, and when it began."""
    profile, rules = ctx.profile, ctx.rules
    if profile.subscription is not None and profile.subscription.running(now_ms):
        return None
    end_ms = _contract_end(state, profile, rules)
    if end_ms is not None:
        return ("ended", end_ms) if end_ms + _grace_ms(rules) <= now_ms else None
    silent_days = _silent_days(state, profile, now_ms)
    # Most customers are far from it: compare with the cheap bound first.
    if silent_days <= rules.churn.horizon_days:
        return None
    return ("lapsed", now_ms) if silent_days > lapses_after_days(profile, ctx.serving) else None


def _contract_end(state: RelationState, profile: Profile, rules: Rules) -> Millis | None:
    """End of the newest contract, if it ends the relation: no return and no order came after."""
    subscription = profile.subscription
    if state.is_over or subscription is None or CANCELLED not in rules.churn.cancel:
        return None
    end_ms = subscription.ends_ms
    if end_ms is None or end_ms <= max(state.since_ms or 0, _newest_order_ms(profile)):
        return None
    return end_ms


def _newest_order_ms(profile: Profile) -> int:
    return max((one.lately.at_ms for one in profile.money.values() if one.lately), default=0)


def _silent_days(state: RelationState, profile: Profile, now_ms: Millis) -> float:
    """Days since the last sign of life, or since the return if that was none."""
    last_ms = profile.first_seen_ms if profile.activity is None else profile.activity.at_ms
    return (now_ms - max(last_ms, state.since_ms or 0)) / DAY_MS


def _changed(before: RelationState, after: RelationState, ctx: Context) -> Update[RelationState]:
    if after.status == before.status:
        return Update(after)
    emission = relation_changed(ctx.subject, _change(before, after, ctx), ctx.cause, ctx.now_ms)
    return Update(after, (emission,), measures=(relation_entered(after.status, ctx.now_ms),))


def _change(before: RelationState, after: RelationState, ctx: Context) -> RelationChanged:
    lapsed = after.status == "lapsed"
    silent_days = _silent_days(before, ctx.profile, ctx.now_ms)
    return RelationChanged(
        before=before.status,
        relation=after.status,
        since=_EPOCH + timedelta(milliseconds=after.since_ms or ctx.profile.first_seen_ms),
        silent_days=round(silent_days, 2) if lapsed else None,
        lapses_after_days=round(lapses_after_days(ctx.profile, ctx.serving), 2) if lapsed else None,
        rules=ctx.serving.rules_digest,
        cause=ctx.cause,
    )


def _next_snapshot_ms(ctx: Context, after_ms: Millis) -> Millis:
    return next_snapshot_day_ms(ctx.subject, after_ms, ctx.rules.churn.snapshot_every_days)


def _grace_ms(rules: Rules) -> int:
    return rules.churn.label_grace_days * DAY_MS


@lru_cache(maxsize=8)
def _quantile(share: float) -> float:
    return NormalDist().inv_cdf(share)
