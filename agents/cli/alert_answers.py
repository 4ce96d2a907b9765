"""``touchstream alerts ack``, ``snooze``, ``done`` and ``noise``: a rep's answers, into Kafka."""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, get_args
from uuid import uuid4

import msgspec
import orjson
import typer

from touchstream.agents.alert_search import find_alerts
from touchstream.agents.cli.alerts import not_open
from touchstream.agents.cli.asking import ask_store
from touchstream.agents.cli.failures import BadUsage, Failed
from touchstream.agents.cli.histories import moment_of, now_ms
from touchstream.agents.feedback import (
    Origin,
    Touchpoint,
    feedback_event,
    outcome_event,
    publish,
)
from touchstream.agents.settings import Settings
from touchstream.schemas.envelope import format_time
from touchstream.schemas.touchpoints.actions import ActionOutcome, AlertFeedback
from touchstream.schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, Millis

SOURCE = "touchstream/cli"
OUTCOMES = get_args(ActionOutcome.__annotations__["outcome"])
DURATION = re.compile(r"(\d{1,4})([mhdw])")
UNITS_MS: Mapping[str, int] = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}


class Answered(NamedTuple):
    """The alerts that are answered, and by whom."""

    alerts: Sequence[str]
    customer: str | None = None
    """Whose alerts they are; None: look them up among the open ones."""
    rep: str | None = None
    outcome: str | None = None
    """What came of the recommended action; None: not said."""


class Of(NamedTuple):
    """What an answer is about."""

    customer: str
    action: str | None = None
    decision: str | None = None


def answer(
    settings: Settings, answered: Answered, given: Mapping[str, object], *, as_json: bool
) -> None:
    """Publish an ``alert.feedback`` for each alert; nothing at all if one of them is not open.

    ``given`` are the fields of the feedback but ``alert`` and ``rep``.

    Raises
    ------
    touchstream.agents.cli.failures.Failed
        An alert is not open, or has no recommendation whose outcome could be reported.
    """
    alerts = list(dict.fromkeys(answered.alerts))
    _require_known(settings, answered)
    feedbacks = [feedback_of(alert, answered.rep, given) for alert in alerts]
    subjects = asyncio.run(_subjects(settings, alerts, answered))
    origin = Origin(SOURCE, uuid4().hex, now_ms())
    events: list[Touchpoint] = []
    for alert, feedback in zip(alerts, feedbacks, strict=True):
        of = subjects[alert]
        # The outcome first: the answer clears the alert.
        events += _outcome(alert, of, answered.outcome, origin)
        events.append(feedback_event(of.customer, feedback, origin))
    publish(settings.kafka, events)
    for alert, feedback in zip(alerts, feedbacks, strict=True):
        typer.echo(_sent(alert, subjects[alert].customer, feedback, as_json=as_json))


def until_of(until: str | None, lasting: str | None) -> str | None:
    """The end of a snooze, RFC 3339; raises :class:`BadUsage` for a time that is over."""
    at_ms = now_ms()
    if until is not None and lasting is not None:
        raise BadUsage("--until, --for: want one of them")
    if lasting is not None:
        return format_time(Millis(at_ms + _duration_ms(lasting)))
    if until is None:
        return None
    until_ms = moment_of("--until", until)
    if until_ms <= at_ms:
        raise BadUsage(f"--until={until!r}: want a time in the future")
    return format_time(until_ms)


def require_rep(settings: Settings, rep: str) -> None:
    """Raise :class:`BadUsage` for a rep that the settings do not know; any, if they name none."""
    known = sorted(one.id for one in settings.reps)
    if known and rep not in known:
        raise BadUsage(f"--rep={rep!r}: want a rep of [[reps]]: {', '.join(known)}")


def feedback_of(alert: str, rep: str | None, given: Mapping[str, object]) -> AlertFeedback:
    """The answer to an alert; raises :class:`BadUsage` for a field that the schema refuses."""
    fields = {"alert": alert, "rep": rep, **given}
    try:
        return msgspec.convert(fields, AlertFeedback)
    except msgspec.ValidationError as exc:
        raise BadUsage(f"alert {alert!r}: {exc}") from exc


def _duration_ms(text: str) -> int:
    found = DURATION.fullmatch(text)
    if found is None or not int(found[1]):
        raise BadUsage(f"--for={text!r}: want a duration such as 30m, 4h, 2d or 1w")
    return int(found[1]) * UNITS_MS[found[2]]


def _require_known(settings: Settings, answered: Answered) -> None:
    if answered.rep is not None:
        require_rep(settings, answered.rep)
    if answered.outcome is not None and answered.outcome not in OUTCOMES:
        raise BadUsage(f"--outcome={answered.outcome!r}: want {', '.join(OUTCOMES)}")


async def _subjects(
    settings: Settings, alerts: Sequence[str], answered: Answered
) -> Mapping[str, Of]:
    if answered.customer is not None:
        if answered.outcome is not None:
            raise BadUsage("--outcome: want no --customer: the open alert names the decision")
        return dict.fromkeys(alerts, Of(answered.customer))
    found = await ask_store(settings, lambda store, shards: find_alerts(store, shards, alerts))
    missing = [alert for alert in alerts if alert not in found]
    if missing:
        raise Failed(f"{not_open(missing, settings.namespace)}; nothing was sent")
    return {
        alert: Of(row.customer, row.alert.action, row.alert.decision.hex() or None)
        for alert, row in found.items()
    }


def _outcome(alert: str, of: Of, outcome: str | None, origin: Origin) -> Iterator[Touchpoint]:
    if outcome is None:
        return
    if of.action is None or of.decision is None:
        raise Failed(
            f"alert {alert}: no action was recommended, so none has an outcome; nothing was sent"
        )
    data = {"decision": of.decision, "action": of.action, "outcome": outcome}
    yield outcome_event(of.customer, msgspec.convert(data, ActionOutcome), origin)


def _sent(alert: str, customer: str, feedback: AlertFeedback, *, as_json: bool) -> str:
    if as_json:
        return orjson.dumps({"customer": customer, **msgspec.to_builtins(feedback)}).decode()
    return f"{alert}  {customer}  {feedback.verdict}: sent"
