"""A rep's answers to an alert, and the events they become."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from touchstream.schemas.envelope import format_time
from touchstream.schemas.units import HOUR_MS, Millis
from touchstream.web.console.principal import Principal
from touchstream.web.console.rows import QueueRow

Verb = Literal["done", "useful", "snooze", "noise", "outcome"]
VERBS: tuple[Verb, ...] = get_args(Verb)

Snooze = Literal["hour", "tomorrow", "week", "worse", "touchpoint"]
SNOOZES: tuple[Snooze, ...] = get_args(Snooze)
Outcome = Literal["sent", "delivered", "seen", "accepted", "declined", "failed"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

WORSE_BY = 0.1
"""Rise of the risk that wakes an alert snoozed until it is worse."""
MORNING = time(9)
REASON_CHARS = 200


class Answer(NamedTuple):
    """An event about the customer of an alert."""

    kind: str
    data: Mapping[str, object]
    shown: str
    """Key of the text on the row until it is applied."""


class Chosen(NamedTuple):
    """What the form of an answer holds beside the verb."""

    until: Snooze = "tomorrow"
    outcome: Outcome = "accepted"
    reason: str = ""


def answer_of(
    verb: Verb, row: QueueRow, chosen: Chosen, principal: Principal, now_ms: Millis
) -> Answer | None:
    """The event of an answer; None for the outcome of an action that nobody recommended."""
    match verb:
        case "done":
            # Not rated: most are done, and counting all of those as useful would flatter us.
            return _feedback(row, principal, chosen, "resolved", {})
        case "useful":
            return _feedback(row, principal, chosen, "resolved", {"rating": "useful"})
        case "noise":
            return _feedback(row, principal, chosen, "false_alarm", {"rating": "noise"})
        case "snooze":
            how = _SNOOZED[chosen.until](principal.time_zone, now_ms)
            return _feedback(row, principal, chosen, "snoozed", how)
        case "outcome":
            if row.action is None or row.decision is None:
                return None
            data = {"decision": row.decision, "action": row.action, "outcome": chosen.outcome}
            return Answer("action.outcome", data, "answered-outcome")


def _feedback(
    row: QueueRow,
    principal: Principal,
    chosen: Chosen,
    assessment: str,
    details: Mapping[str, object],
) -> Answer:
    reason = {"reason": chosen.reason} if chosen.reason else {}
    fixed = {"alert": row.alert, "rep": principal.id, "verdict": assessment}
    return Answer("alert.feedback", {**fixed, **details, **reason}, f"answered-{assessment}")


def _in(hours: int) -> Callable[[str, Millis], dict[str, object]]:
    return lambda _zone, now_ms: {"until": format_time(Millis(now_ms + hours * HOUR_MS))}


def _morning(days: int) -> Callable[[str, Millis], dict[str, object]]:
    def until(zone: str, now_ms: Millis) -> dict[str, object]:
        local = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(ZoneInfo(zone))
        # Composed from the local day, so that it is nine o'clock after a change of the clocks, too.
        day = local.date() + timedelta(days=days)
        morning = datetime.combine(day, MORNING, ZoneInfo(zone))
        return {"until": format_time(Millis(int(morning.timestamp() * 1000)))}

    return until


_SNOOZED: Mapping[Snooze, Callable[[str, Millis], dict[str, object]]] = {
    "hour": _in(1),
    "tomorrow": _morning(1),
    "week": _morning(7),
    "worse": lambda _zone, _now_ms: {"worse_by": WORSE_BY},
    "touchpoint": lambda _zone, _now_ms: {"next_touchpoint": True},
}
