"""A customer's records as a rep reads them: touchpoints, recommendations and what came of them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from touchstream.agents.views.event_log import LogReading
from touchstream.agents.views.log_records import (
    OUTCOME,
    Outcome,
    Touchpoint,
    erased_until,
    recommendations_in,
    touchpoints_in,
)
from touchstream.schemas.emissions.actions import ActionRecommended
from touchstream.schemas.units import Millis
from touchstream.web.console.principal import Principal, masked
from touchstream.web.console.texts import Texts

MOST_SHOWN = 200
MOST_CHARACTERS = 120

OPEN_FIELDS = frozenset(
    (
        *("action", "alert", "by", "campaign", "channel", "decision", "direction", "duration_s"),
        *("granted", "hold_s", "kind", "language", "outcome", "plan", "priority", "purpose"),
        *("queue_s", "rating", "rating_max", "rep", "score", "score_max", "seconds", "term_days"),
        *("ticket", "topic", "transfers", "until", "verdict", "worse_by"),
    )
)
"""Fields of a touchpoint that identify nobody and hold no free text; amounts are shown, too."""


class Entry(NamedTuple):
    """A touchpoint or a recommendation."""

    at_ms: Millis
    what: str
    """Type of the touchpoint, or the action in words."""
    facts: Sequence[tuple[str, str | None]] = ()
    """Field and value; None: masked."""
    is_action: bool = False


class Recommended(NamedTuple):
    """A decision, and its outcomes, the oldest first."""

    decision: str
    action: str
    at_ms: Millis | None
    """None: recommended before the part of the log that was read."""
    channel: str | None
    outcomes: Sequence[Outcome]


class CustomerEntries(NamedTuple):
    """All that is shown of the log, the newest first."""

    entries: Sequence[Entry]
    recommended: Sequence[Recommended]
    more: int
    """Older entries that are not shown."""


def entries_of(
    reading: LogReading, erased_ms: Millis | None, owner: object, principal: Principal, t: Texts
) -> CustomerEntries:
    """The records in words; nothing of a person from before their erasure."""
    touchpoints = list(touchpoints_in(reading.touchpoints.records))
    actions = list(recommendations_in(reading.actions.records))
    from_ms = erased_until(touchpoints, erased_ms)
    touchpoints = [one for one in touchpoints if one.at_ms > from_ms]
    actions = [(at_ms, one) for at_ms, one in actions if at_ms > from_ms]
    entries = [
        Entry(one.at_ms, one.kind, tuple(_facts(one, owner, principal, t))) for one in touchpoints
    ]
    entries += [
        Entry(at_ms, t.action(one.action), _channel(one.channel), is_action=True)
        for at_ms, one in actions
    ]
    entries.sort(key=lambda one: -one.at_ms)
    return CustomerEntries(
        entries[:MOST_SHOWN],
        _joined(actions, touchpoints),
        max(0, len(entries) - MOST_SHOWN),
    )


def _joined(
    actions: Sequence[tuple[Millis, ActionRecommended]], touchpoints: Sequence[Touchpoint]
) -> list[Recommended]:
    outcomes: dict[str, list[Outcome]] = {}
    named: dict[str, str] = {}
    for one in sorted(touchpoints, key=lambda one: one.at_ms):
        if one.kind == OUTCOME:
            decision = str(one.data.get("decision"))
            outcomes.setdefault(decision, []).append(
                Outcome(one.at_ms, str(one.data.get("outcome")))
            )
            named[decision] = str(one.data.get("action"))
    found = [
        Recommended(one.decision, one.action, at_ms, one.channel, outcomes.pop(one.decision, ()))
        for at_ms, one in actions
    ]
    found += [
        Recommended(decision, named[decision], None, None, steps)
        for decision, steps in outcomes.items()
    ]
    return sorted(found, key=lambda one: -(one.at_ms or one.outcomes[-1].at_ms))


def _channel(channel: str | None) -> tuple[tuple[str, str], ...]:
    return () if channel is None else (("channel", channel),)


def _facts(
    one: Touchpoint, owner: object, principal: Principal, t: Texts
) -> Iterator[tuple[str, str | None]]:
    sees_all = principal.sees_personal_data(owner)
    currency = one.data.get("currency")
    for name, value in one.data.items():
        if name == "attributes" and isinstance(value, dict):
            for attribute, shown in masked(value, owner, principal).items():
                yield attribute, None if shown is None else _short(shown)
        elif name.endswith("_minor") and isinstance(value, int):
            yield name.removesuffix("_minor"), _money(value, currency, t)
        elif name != "currency" and isinstance(value, str | int | float):
            yield name, _short(value) if sees_all or name in OPEN_FIELDS else None


def _money(minor: int, currency: object, t: Texts) -> str:
    return t.money(minor, currency) if isinstance(currency, str) else t.number(minor / 100, 2)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
