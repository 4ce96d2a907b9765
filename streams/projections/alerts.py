"""Alerts: who a person should look at, one alert of each kind and customer at a time.

An alert is raised while its condition holds (the band of churn or of a return, a drop in
engagement, a target's signal), updated when band, risk, advice or owner change, and cleared when
the condition ends, a person answers, or nobody does in time. Then its kind rests: only a risk that
is worse by ``alerts.worse_by`` raises it earlier.

A person who looks at a customer is a treatment, so nobody of the holdout is raised. Why snoozing
and answers are under the law: docs/decisions/0038-alerts.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from touchstream.schemas.emissions.alerts import AlertChange
from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.envelope import Event
from touchstream.schemas.registry import ACTIVITY_BY_DEFAULT
from touchstream.schemas.rules import Rules
from touchstream.schemas.touchpoints.actions import AlertFeedback, Rating
from touchstream.schemas.units import DAY_MS, CustomerId, Millis
from touchstream.streams.decide.policy import held_out
from touchstream.streams.decide.priority import value_of
from touchstream.streams.decide.routing import owner_of, queue_of
from touchstream.streams.emit.alerts import alert_id
from touchstream.streams.learn.ledger import MILLION
from touchstream.streams.learn.snapshot import CHURN, RETURN
from touchstream.streams.measures.alerts import alert_cleared, alert_rated
from touchstream.streams.profiles.profile import Profile
from touchstream.streams.projections.alert_conditions import (
    Condition,
    advice_for,
    conditions,
    over_because,
    reasons_for,
)
from touchstream.streams.projections.alert_state import (
    AlertsState,
    OpenAlert,
    RestingAlert,
    Snoozed,
)
from touchstream.streams.projections.alert_step import AlertStep, cleared
from touchstream.streams.projections.churn import TARGETS
from touchstream.streams.projections.decisions import DECISIONS
from touchstream.streams.projections.indexes import alert_indexes
from touchstream.streams.projections.projection import Context, Update
from touchstream.streams.projections.relation import RELATION
from touchstream.streams.scoring import Scored

ALERTS = "alerts"
FEEDBACK = "alert.feedback"
UNKNOWN_ALERT = "feedback.unknown_alert"
"""Counter of answers to an alert that the customer does not have (any more)."""
LONGEST_SNOOZE_DAYS = 365
"""A later moment is a typing error."""
_ROUTED_BY = frozenset(
    {"customer.updated", "subscription.started", "subscription.renewed", "subscription.changed"}
)


class Alerts:
    """Implements ``ConcludingProjection``: it follows what the step makes of the customer."""

    name: ClassVar[str] = ALERTS
    slot: ClassVar[int] = 10
    state_type: ClassVar[type[AlertsState]] = AlertsState
    max_bytes: ClassVar[int] = 12_288
    listens_to: ClassVar[frozenset[str]] = frozenset(ACTIVITY_BY_DEFAULT) | _ROUTED_BY | {FEEDBACK}
    reads: ClassVar[tuple[str, ...]] = (RELATION, CHURN, RETURN, TARGETS, DECISIONS, "engagement")
    merges_exactly: ClassVar[bool] = False

    def on_event(
        self, state: AlertsState | None, event: Event, ctx: Context
    ) -> Update[AlertsState] | None:
        if isinstance(event.data, AlertFeedback):
            return _answered(state, event.data, ctx)
        if state is None:
            return None
        step = AlertStep(state, ctx)
        if ctx.active:
            for alert in state.open:
                if alert.snoozed is not None and alert.snoozed.next_touchpoint:
                    step.update(_replace(alert, snoozed=None), ("awake",))
        if event.type in _ROUTED_BY:
            step.route(queue_of(ctx.profile, ctx.now_ms, ctx.rules), owner_of(ctx.profile))
        return step.result()

    def on_timer(
        self, state: AlertsState, now_ms: Millis, ctx: Context
    ) -> Update[AlertsState] | None:
        step = AlertStep(state, ctx)
        for alert in state.open:
            if alert.expires_ms <= now_ms:
                step.clear(alert, "expired")
            elif alert.snoozed is not None and _is_due(alert.snoozed, now_ms):
                step.update(_replace(alert, snoozed=None), ("awake",))
        step.forget_rested()
        return step.result()

    def next_timer_ms(self, state: AlertsState, rules: Rules) -> Millis | None:
        snoozes = [one.snoozed.until_ms for one in state.open if one.snoozed is not None]
        moments = [one.expires_ms for one in state.open]
        moments += [until_ms for until_ms in snoozes if until_ms is not None]
        rest_ms = rules.alerts.rest_days * DAY_MS
        moments += [Millis(one.since_ms + rest_ms) for one in state.resting]
        return min(moments, default=None)

    def on_conclusion(
        self,
        state: AlertsState | None,
        scores: Mapping[str, Scored],
        emissions: Sequence[Emission],
        ctx: Context,
    ) -> Update[AlertsState] | None:
        found = conditions(scores, ctx)
        # Nearly every step of nearly every customer ends here.
        if not found and (state is None or not state.open):
            return None
        queue = queue_of(ctx.profile, ctx.now_ms, ctx.rules)
        if state is None:
            if held_out(ctx.subject, ctx.rules):
                return None
            state = AlertsState(queue, owner_of(ctx.profile))
        step = AlertStep(state, ctx, index=1)
        # The rules may route them elsewhere by now, and a plan may have ended.
        step.route(queue, owner_of(ctx.profile))
        for alert in state.open:
            condition = found.pop(alert.kind, None)
            if condition is None:
                step.clear(alert, over_because(alert.kind, ctx))
            else:
                _follow(step, alert, condition, emissions, ctx)
        for kind, condition in found.items():
            if condition.scored is not None and _may_be_raised(state, kind, condition, ctx):
                step.add(_raised(kind, condition, emissions, ctx))
        return step.result()

    def on_erasure(
        self, state: AlertsState | None, subject: CustomerId, cause: Cause, now_ms: Millis
    ) -> Update[AlertsState]:
        """Clear every alert, so that nobody goes on working on an erased customer."""
        if state is None:
            return Update(None)
        # Of those that are over as well: a summary that is not sent yet may name the customer.
        known: list[OpenAlert | RestingAlert] = [*state.open, *state.resting]
        gone = [cleared(state, one, "erased", subject, cause, now_ms) for one in known]
        return Update(
            None,
            gone,
            measures=[alert_cleared(one.kind, "erased", now_ms) for one in state.open],
            indexes=dict.fromkeys(alert_indexes(state)),
        )

    def merge(self, a: AlertsState, b: AlertsState, ctx: Context) -> AlertsState:
        """Of each kind the alert with the higher risk; whose they are says the higher of both.

        The two may know the same alert, and only one of them its answer: content breaks the tie.
        """
        kept = max(a, b, key=lambda one: (one.score or 0.0, one.queue, one.owner or ""))
        opened: dict[str, OpenAlert] = {}
        for alert in sorted((*a.open, *b.open), key=lambda one: (one.millionths, *_tie(one))):
            opened[alert.kind] = alert
        resting: dict[str, RestingAlert] = {}
        for rest in sorted((*a.resting, *b.resting), key=lambda one: (one.since_ms, *_tie(one))):
            if rest.kind not in opened:
                resting[rest.kind] = rest
        return AlertsState(
            kept.queue,
            kept.owner,
            tuple(opened[kind] for kind in sorted(opened)),
            tuple(resting[kind] for kind in sorted(resting)),
        )

    def upgrade(self, version: int, fields: list[Any]) -> AlertsState:
        raise ValueError(f"this build cannot read version {version}")

    def describe(
        self, state: AlertsState, profile: Profile | None, now_ms: Millis
    ) -> Mapping[str, object]:
        return {
            "queue": state.queue,
            "owner": state.owner,
            "open": [_described(one) for one in state.open],
            "resting": [one.kind for one in state.resting],
        }


def _tie(alert: OpenAlert | RestingAlert) -> tuple[bytes, bytes]:
    return alert.id, msgspec.msgpack.encode(alert)


def _follow(
    step: AlertStep,
    alert: OpenAlert,
    condition: Condition,
    emissions: Sequence[Emission],
    ctx: Context,
) -> None:
    """Update an open alert whose condition still holds, if anything about it changed."""
    after, changed = alert, list[AlertChange]()
    if condition.band != alert.band:
        after, changed = _replace(after, band=condition.band), [*changed, "band"]
    advice = advice_for(alert.kind, emissions, ctx)
    if advice is not None and (advice.action, advice.decision) != (alert.action, alert.decision):
        after = _replace(
            after,
            action=advice.action,
            decision=advice.decision,
            recommended_ms=ctx.now_ms,
        )
        changed.append("action")
    if condition.scored is not None:
        now = condition.millionths
        snoozed = alert.snoozed
        if snoozed is not None and snoozed.millionths is not None and now >= snoozed.millionths:
            after, changed = _replace(after, snoozed=None), [*changed, "awake"]
        if abs(now - alert.millionths) >= ctx.rules.alerts.worse_by * MILLION:
            changed.append("risk")
        if changed:
            after = _rated_anew(after, condition, emissions, ctx)
    if changed:
        step.update(after, tuple(changed))


def _rated_anew(
    alert: OpenAlert, condition: Condition, emissions: Sequence[Emission], ctx: Context
) -> OpenAlert:
    """The alert with the risk, value and reasons of now."""
    value = value_of(ctx.profile, ctx.now_ms, ctx.rules)
    return _replace(
        alert,
        millionths=condition.millionths,
        value_minor=value.minor,
        value_from=value.source,
        reasons=reasons_for(alert.kind, condition, emissions, ctx),
    )


def _may_be_raised(state: AlertsState, kind: str, condition: Condition, ctx: Context) -> bool:
    if held_out(ctx.subject, ctx.rules):
        return False
    rules = ctx.rules.alerts
    for rest in state.resting:
        if rest.kind == kind:
            rested = rest.since_ms + rules.rest_days * DAY_MS <= ctx.now_ms
            worse = condition.millionths >= rest.millionths + rules.worse_by * MILLION
            # The answer itself is an event, which must not raise what it has just cleared.
            return (rested or worse) and rest.since_ms < ctx.now_ms
    return True


def _raised(
    kind: str, condition: Condition, emissions: Sequence[Emission], ctx: Context
) -> OpenAlert:
    value, advice = value_of(ctx.profile, ctx.now_ms, ctx.rules), advice_for(kind, emissions, ctx)
    return OpenAlert(
        kind,
        bytes.fromhex(alert_id(ctx.subject, ctx.cause, kind)),
        ctx.now_ms,
        Millis(ctx.now_ms + ctx.rules.alerts.expires_days * DAY_MS),
        condition.band,
        condition.millionths,
        value.minor,
        value.source,
        reasons_for(kind, condition, emissions, ctx),
        None if advice is None else advice.action,
        b"" if advice is None else advice.decision,
        None if advice is None else advice.at_ms,
    )


def _answered(
    state: AlertsState | None, answer: AlertFeedback, ctx: Context
) -> Update[AlertsState]:
    """Apply a person's answer; one to an alert that is over can still rate it."""
    alert = None if state is None else _named(state.open, answer.alert)
    if state is None or alert is None:
        return _late_rating(state, answer, ctx)
    step = AlertStep(state, ctx)
    rating = _rating_of(answer)
    if rating is not None and alert.rating is None:
        alert = _replace(alert, rating=rating)
        step.update(alert, ("rated",))
        step.measures.append(alert_rated(alert.kind, rating, ctx.now_ms))
    _apply(step, alert, answer, ctx)
    return step.result() or Update(state)


def _apply(step: AlertStep, alert: OpenAlert, answer: AlertFeedback, ctx: Context) -> None:
    match answer.verdict:
        case "resolved" | "false_alarm" as why:
            step.clear(alert, why)
        case "snoozed":
            snoozed = _snoozed(alert, answer, ctx)
            if snoozed is not None:
                # Or it would end in its sleep, and nobody would hear of it again.
                awake_ms = Millis((snoozed.until_ms or 0) + ctx.rules.alerts.expires_days * DAY_MS)
                expires_ms = max(alert.expires_ms, awake_ms)
                step.update(_replace(alert, snoozed=snoozed, expires_ms=expires_ms), ("snoozed",))
        case "acknowledged":
            known = alert.acknowledged_by or answer.rep or ""
            step.update(_replace(alert, acknowledged_by=known), ("acknowledged",))
        case "released":
            if alert.acknowledged_by is not None:
                step.update(_replace(alert, acknowledged_by=None), ("released",))


def _late_rating(
    state: AlertsState | None, answer: AlertFeedback, ctx: Context
) -> Update[AlertsState]:
    rest = None if state is None else _named(state.resting, answer.alert)
    rating = _rating_of(answer)
    if state is None or rest is None:
        return Update(state, counters=(UNKNOWN_ALERT,))
    if rating is None or rest.rating is not None:
        return Update(state)
    rated = msgspec.structs.replace(rest, rating=rating)
    resting = tuple(rated if one is rest else one for one in state.resting)
    return Update(
        msgspec.structs.replace(state, resting=resting),
        measures=(alert_rated(rest.kind, rating, ctx.now_ms),),
    )


def _named(alerts: Sequence[Any], name: str) -> Any | None:  # noqa: ANN401 - open or resting
    return next((one for one in alerts if one.id.hex() == name), None)


def _rating_of(answer: AlertFeedback) -> Rating | None:
    return "noise" if answer.verdict == "false_alarm" else answer.rating


def _snoozed(alert: OpenAlert, answer: AlertFeedback, ctx: Context) -> Snoozed | None:
    """Until when; None if that is over already."""
    until_ms = None if answer.until is None else Millis(int(answer.until.timestamp() * 1_000))
    bounded = answer.worse_by is not None or answer.next_touchpoint
    if until_ms is None and not bounded:
        until_ms = Millis(ctx.now_ms + DAY_MS)
    if until_ms is not None and until_ms <= ctx.now_ms:
        return None
    if until_ms is not None:
        until_ms = min(until_ms, Millis(ctx.now_ms + LONGEST_SNOOZE_DAYS * DAY_MS))
    worse = answer.worse_by
    millionths = None if worse is None else alert.millionths + round(worse * MILLION)
    return Snoozed(until_ms, millionths, answer.next_touchpoint)


def _is_due(snoozed: Snoozed, now_ms: Millis) -> bool:
    return snoozed.until_ms is not None and snoozed.until_ms <= now_ms


def _replace(alert: OpenAlert, **changes: object) -> OpenAlert:
    return msgspec.structs.replace(alert, **changes)


def _described(alert: OpenAlert) -> Mapping[str, object]:
    return {
        "alert": alert.id.hex(),
        "kind": alert.kind,
        "raised_ms": alert.raised_ms,
        "risk": alert.millionths / MILLION,
        "priority": alert.score,
        "action": alert.action,
        "snoozed": alert.snoozed is not None,
    }
