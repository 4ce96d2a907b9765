"""The label ledger: a customer's predictions, kept until their labels are known (docs/models.md).

A snapshot taken at T waits in the customer's state. Events after T mark it; at the first tick at or
after T + horizon + grace it matures into one example. Nothing is learnt earlier, not even
positives: otherwise a cancellation on day 2 would be learnt four weeks before a customer who stays.
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec
from msgspec import Struct

from touchstream.schemas.envelope import Event
from touchstream.schemas.rules import ChurnRules, ReturnTarget, Target, TargetRules
from touchstream.schemas.touchpoints.actions import ActionOutcome
from touchstream.schemas.units import Millis

SUBSCRIBED = 1
"""Flag of a snapshot: a subscription was running at T, so only a cancellation is churn."""
ACTIVE = 2
"""There was a sign of life in the window (T, T + horizon]."""
CANCELLED = 4
"""There was a cancellation in the window."""
TREATED = 8
"""An action was sent or delivered in the window."""
RECOMMENDED = 16
"""An action was recommended in the window."""
HAPPENED = 32
"""An event of the target occurred in the window."""

MILLION = 1_000_000
MOST_ROWS = 64
"""Waiting snapshots per customer and target; beyond it no further moments are scored."""


class Snapshot(Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """A scored moment waiting for its label."""

    at_ms: Millis
    millionths: int
    """The predicted risk in millionths: half the size of a double."""
    model_version: int
    features: str
    """Digest of the vector's feature list."""
    vector: bytes
    outcome_flags: int = 0
    offer_probability: float = 0.0
    """Probability of any recommendation in the window, over all its decisions."""

    @property
    def risk(self) -> float:
        """P(label 1 within the horizon), 0 to 1, as predicted."""
        return self.millionths / MILLION


class Matured(NamedTuple):
    """A snapshot whose label is final."""

    snapshot: Snapshot
    label: int
    """1 churned, 0 stayed."""
    treated: bool
    matured_ms: Millis
    """When it became final, not the time of the tick after that."""
    target: str = "churn"
    late: int = 0
    """Events too late to change a label, since the customer's last example."""


Ledger = tuple[Snapshot, ...]


def millionths(risk: float) -> int:
    """A risk (0..1) in the ledger's unit; scores have no more digits.

    >>> millionths(0.123457) / MILLION
    0.123457
    """
    return round(risk * MILLION)


def is_activity(event: Event, by_customer: bool, rules: ChurnRules) -> bool:
    """Whether the event is activity: a sign that the relation is alive.

    Its type is in ``churn.activity``, and it is by the customer.
    """
    return by_customer and event.type in rules.activity


def flag_outcomes(ledger: Ledger, event: Event, active: bool, rules: ChurnRules) -> Ledger:
    """Mark every waiting snapshot whose window contains the event."""
    mark = _mark(event, active, rules)
    return _marked(ledger, event.time_ms, mark, rules) if mark and ledger else ledger


def flag_target_outcomes(ledger: Ledger, event: Event, rules: TargetRules) -> Ledger:
    """:func:`flag_outcomes` for the ledger of a further target."""
    mark = (HAPPENED if event.type in rules.events else 0) | _treatment(event)
    return _marked(ledger, event.time_ms, mark, rules) if mark else ledger


def flag_return(ledger: Ledger, event: Event, active: bool, rules: ReturnTarget) -> Ledger:
    """:func:`flag_outcomes` for the ledger of the target ``return``; a cancellation is none."""
    is_return = active and event.type not in rules.churn.cancel
    mark = (HAPPENED if is_return else 0) | _treatment(event)
    return _marked(ledger, event.time_ms, mark, rules) if mark and ledger else ledger


def decided(
    ledger: Ledger,
    at_ms: Millis,
    offer_probability: float,
    recommended: bool,
    rules: Target,
    holdout: float = 0.0,
) -> Ledger:
    """Record a decision in every waiting snapshot whose window contains it.

    ``offer_probability`` (0 to 1 - holdout) is that of recommending an action. A decision at the
    snapshot's timestamp falls inside its window. The holdout is permanent, so several decisions
    share one draw of it and differ only in the draws of arms:

    .. math:: P = (1 - h) (1 - (1 - a / (1 - h)) (1 - b / (1 - h)))
    """
    acted = 1 - holdout
    return tuple(
        msgspec.structs.replace(
            row,
            outcome_flags=row.outcome_flags | (RECOMMENDED if recommended else 0),
            offer_probability=round(
                acted * (1 - (1 - row.offer_probability / acted) * (1 - offer_probability / acted)),
                6,
            ),
        )
        if row.at_ms <= at_ms <= row.at_ms + rules.horizon_ms
        else row
        for row in ledger
    )


def _marked(ledger: Ledger, at_ms: Millis, mark: int, rules: Target) -> Ledger:
    """Mark rows; the same object if none changes, so that its bytes are reused."""
    since_ms = at_ms - rules.horizon_ms
    for row in ledger:
        if since_ms <= row.at_ms < at_ms and row.outcome_flags & mark != mark:
            break
    else:
        return ledger
    return tuple(
        [
            msgspec.structs.replace(row, outcome_flags=row.outcome_flags | mark)
            if since_ms <= row.at_ms < at_ms
            else row
            for row in ledger
        ]
    )


def matures_ms(snapshot: Snapshot, rules: Target) -> Millis:
    """When the snapshot's label becomes final."""
    return Millis(snapshot.at_ms + rules.wait_ms)


def mature(ledger: Ledger, now_ms: Millis, rules: Target) -> tuple[Ledger, list[Matured]]:
    """Split off the rows that are final at ``now_ms``, oldest first."""
    if not ledger or matures_ms(ledger[0], rules) > now_ms:  # rows are in order of time
        return ledger, []
    ripe = [row for row in ledger if matures_ms(row, rules) <= now_ms]
    waiting = tuple(row for row in ledger if matures_ms(row, rules) > now_ms)
    target, truth = _named(rules)
    return waiting, [
        Matured(row, truth(row), bool(row.outcome_flags & TREATED), matures_ms(row, rules), target)
        for row in ripe
    ]


def _named(rules: Target) -> tuple[str, Callable[[Snapshot], int]]:
    """The target's name, and the label of its rows."""
    match rules:
        case ChurnRules():
            return "churn", label
        case TargetRules():
            return rules.name, happened
        case _:
            return "return", happened


def is_late(event: Event, active: bool, labelled_ms: Millis | None, rules: ChurnRules) -> bool:
    """Whether the event is too late for a label that it would have changed.

    ``labelled_ms`` is the moment of the newest labelled snapshot. An event after it that falls in
    an older window falls in this one too, so one moment suffices; an event before it would have to
    be later than horizon and grace together.
    """
    if labelled_ms is None or not _mark(event, active, rules):
        return False
    return labelled_ms < event.time_ms <= labelled_ms + rules.horizon_ms


def label(snapshot: Snapshot) -> int:
    """1 if the customer churned in the window, else 0.

    Churn is a cancellation or, without a subscription at the start, no sign of life.
    """
    outcome_flags = snapshot.outcome_flags
    if outcome_flags & CANCELLED:
        return 1
    if outcome_flags & SUBSCRIBED:
        return 0
    return 0 if outcome_flags & ACTIVE else 1


def happened(snapshot: Snapshot) -> int:
    """The label of a target's snapshot: 1 if an event of the target occurred in the window."""
    return int(bool(snapshot.outcome_flags & HAPPENED))


def _mark(event: Event, active: bool, rules: ChurnRules) -> int:
    mark = ACTIVE if active else 0
    if event.type in rules.cancel:
        mark |= CANCELLED
    return mark | _treatment(event)


def _treatment(event: Event) -> int:
    data = event.data
    reached = isinstance(data, ActionOutcome) and data.outcome in {"sent", "delivered"}
    return TREATED if reached else 0
