"""The changes of one customer's alerts in one step: state, emissions, measures and indexes."""

from datetime import datetime

from touchstream.schemas.emissions.alerts import (
    AlertChange,
    AlertCleared,
    AlertRaised,
    AlertUpdated,
    ClearedBecause,
    Priority,
    Snooze,
)
from touchstream.schemas.emissions.cause import Cause
from touchstream.schemas.emissions.customer_risk import LastAction
from touchstream.schemas.emissions.envelope import Emission
from touchstream.schemas.units import DAY_MS, CustomerId, Millis
from touchstream.streams.decide.priority import UNLEARNT_SAVEABILITY
from touchstream.streams.emit.alerts import alert_emission, summary_of
from touchstream.streams.emit.customer_risk import moment
from touchstream.streams.learn.ledger import MILLION
from touchstream.streams.measures.alerts import alert_cleared, alert_raised
from touchstream.streams.measures.metric import Measure
from touchstream.streams.projections.alert_state import (
    AlertsState,
    OpenAlert,
    RestingAlert,
    Snoozed,
)
from touchstream.streams.projections.indexes import alert_indexes
from touchstream.streams.projections.projection import Context, Update


class AlertStep:
    """Collects changes; ``index`` tells the updates of an event and of its conclusion apart."""

    def __init__(self, before: AlertsState, ctx: Context, index: int = 0) -> None:
        self.measures: list[Measure] = []
        self._before, self._ctx, self._index = before, ctx, index
        self._queue, self._owner = before.queue, before.owner
        self._open = {one.kind: one for one in before.open}
        self._resting = {one.kind: one for one in before.resting}
        self._raised: list[str] = []
        self._changed: dict[str, tuple[AlertChange, ...]] = {}
        self._cleared: list[Emission] = []

    def add(self, alert: OpenAlert) -> None:
        """Raise a new alert."""
        self._open[alert.kind] = alert
        self._resting.pop(alert.kind, None)
        self._raised.append(alert.kind)
        self.measures.append(alert_raised(alert.kind, self._ctx.now_ms))

    def update(self, alert: OpenAlert, changed: tuple[AlertChange, ...]) -> None:
        """Replace an open alert."""
        self._open[alert.kind] = alert
        self._changed[alert.kind] = (*self._changed.get(alert.kind, ()), *changed)

    def clear(self, alert: OpenAlert, why: ClearedBecause) -> None:
        """End an alert; its kind rests."""
        ctx = self._ctx
        del self._open[alert.kind]
        self._resting[alert.kind] = RestingAlert(
            alert.kind, alert.id, ctx.now_ms, alert.millionths, alert.rating
        )
        self._cleared.append(cleared(self._before, alert, why, ctx.subject, ctx.cause, ctx.now_ms))
        self.measures.append(alert_cleared(alert.kind, why, ctx.now_ms))

    def route(self, queue: str, owner: str | None) -> None:
        """Hand all alerts over to another queue or owner."""
        if (queue, owner) != (self._queue, self._owner):
            self._queue, self._owner = queue, owner
            for alert in self._open.values():
                self.update(alert, ("owner",))

    def forget_rested(self) -> None:
        """Drop alerts whose rest is over."""
        rest_ms = self._ctx.rules.alerts.rest_days * DAY_MS
        for kind, rest in list(self._resting.items()):
            if rest.since_ms + rest_ms <= self._ctx.now_ms:
                del self._resting[kind]

    def result(self) -> Update[AlertsState] | None:
        """The update; None if nothing changed."""
        before = self._before
        after = AlertsState(
            self._queue, self._owner, tuple(self._open.values()), tuple(self._resting.values())
        )
        if after == before and not self._raised:
            return None
        kept = after if after.open or after.resting else None
        emissions = [*self._cleared, *(self._emitted(after, one) for one in after.open)]
        indexes = {**dict.fromkeys(alert_indexes(before)), **alert_indexes(after)}
        return Update(
            kept,
            [one for one in emissions if one is not None],
            measures=self.measures,
            indexes=indexes if indexes != alert_indexes(before) or self._raised else {},
        )

    def _emitted(self, after: AlertsState, alert: OpenAlert) -> Emission | None:
        ctx = self._ctx
        if alert.kind in self._raised:
            return alert_emission(ctx.subject, _full(after, alert, ctx), ctx.now_ms)
        changed = self._changed.get(alert.kind)
        if changed is None:
            return None
        base = _full(after, alert, ctx)
        shared = {name: getattr(base, name) for name in AlertRaised.__struct_fields__}
        data = AlertUpdated(
            **shared,
            changed=changed,
            snooze=None if alert.snoozed is None else _shown(alert.snoozed),
            rating=alert.rating,
            acknowledged_by=alert.acknowledged_by,
        )
        return alert_emission(ctx.subject, data, ctx.now_ms, self._index)


def cleared(
    state: AlertsState,
    alert: OpenAlert | RestingAlert,
    why: ClearedBecause,
    subject: CustomerId,
    cause: Cause,
    now_ms: Millis,
) -> Emission:
    """The emission that ends an alert."""
    data = AlertCleared(
        alert=alert.id.hex(),
        kind=alert.kind,
        owner=state.owner,
        queue=state.queue,
        why=why,
        rating=alert.rating,
        raised=moment(alert.raised_ms if isinstance(alert, OpenAlert) else alert.since_ms),
        cause=cause,
    )
    return alert_emission(subject, data, now_ms)


def _full(state: AlertsState, alert: OpenAlert, ctx: Context) -> AlertRaised:
    risk = alert.millionths / MILLION
    texts = tuple(reason.text for reason in alert.reasons)
    horizon_days = ctx.rules.churn.horizon_days
    return AlertRaised(
        alert=alert.id.hex(),
        kind=alert.kind,
        owner=state.owner,
        rep=state.owner,
        queue=state.queue,
        band=alert.band,
        risk=risk,
        priority=Priority(
            score=alert.score,
            risk=alert.loss_millionths / MILLION,
            value_minor=alert.value_minor,
            currency=ctx.rules.deciding.currency,
            value_from=alert.value_from,
            saveability=UNLEARNT_SAVEABILITY,
            saveability_from="none",
        ),
        reasons=alert.reasons,
        action=_action(alert),
        summary=summary_of(alert.kind, risk, horizon_days, texts, alert.action),
        raised=moment(alert.raised_ms),
        expires=moment(alert.expires_ms),
        cause=ctx.cause,
    )


def _action(alert: OpenAlert) -> LastAction | None:
    if alert.action is None or alert.recommended_ms is None:
        return None
    return LastAction(
        action=alert.action,
        decision=alert.decision.hex() or None,
        recommended=moment(alert.recommended_ms),
    )


def _shown(snoozed: Snoozed) -> Snooze:
    return Snooze(
        until=_moment(snoozed.until_ms),
        risk=None if snoozed.millionths is None else min(1.0, snoozed.millionths / MILLION),
        next_touchpoint=snoozed.next_touchpoint,
    )


def _moment(at_ms: Millis | None) -> datetime | None:
    return None if at_ms is None else moment(at_ms)
