"""The label ledger: what was said of a customer, kept until the truth is known (DESIGN section 4).

A snapshot taken at T waits in the customer's own state. Events after T mark it; at the first tick
at or after T + horizon + grace it matures into one example. Nothing is learnt before, positives
included: a customer who cancels on day 2 would else be learnt from four weeks before one who stays.
"""

from typing import NamedTuple

import msgspec
from msgspec import Struct

from schemas.envelope import Event
from schemas.rules import ChurnRules
from schemas.touchpoints.actions import ActionOutcome
from schemas.units import DAY_MS, Millis

SUBSCRIBED = 1
"""Mark of a snapshot: a subscription was running at T, so only a cancellation is churn."""
ACTIVE = 2
"""There was a sign of life in the window (T, T + horizon]."""
CANCELLED = 4
"""There was a cancellation in the window."""
TREATED = 8
"""An action was sent or delivered in the window."""


class Snapshot(Struct, frozen=True, array_like=True, gc=False):
    """One scored moment waiting for its label."""

    at_ms: Millis
    risk: float
    """P(churn within the horizon), 0 to 1, as it was said."""
    model_version: int
    features: str
    """Digest of the feature list that made the vector."""
    vector: bytes
    marks: int = 0


class Matured(NamedTuple):
    """A snapshot whose truth is known."""

    snapshot: Snapshot
    label: int
    """1 churned, 0 stayed."""
    treated: bool
    matured_ms: Millis
    """From when on it was final; not when a tick came by."""
    late: int = 0
    """Events that came too late to change a label, since the customer's last example."""


Ledger = tuple[Snapshot, ...]


def is_activity(event: Event, by_customer: bool, rules: ChurnRules) -> bool:
    """Whether the event shows that the relation is alive.

    It has to be named in ``churn.activity``, and be by the customer.
    """
    return by_customer and event.type in rules.activity


def observe(ledger: Ledger, event: Event, active: bool, rules: ChurnRules) -> Ledger:
    """Mark every waiting snapshot in whose window the event falls."""
    mark = _mark(event, active, rules)
    if not mark or not ledger:
        return ledger
    horizon_ms = rules.horizon_days * DAY_MS
    return tuple(
        msgspec.structs.replace(row, marks=row.marks | mark)
        if row.at_ms < event.time_ms <= row.at_ms + horizon_ms
        else row
        for row in ledger
    )


def matures_ms(snapshot: Snapshot, rules: ChurnRules) -> Millis:
    """The moment from which the snapshot's label is final."""
    return Millis(snapshot.at_ms + (rules.horizon_days + rules.label_grace_days) * DAY_MS)


def mature(ledger: Ledger, now_ms: Millis, rules: ChurnRules) -> tuple[Ledger, list[Matured]]:
    """Split off what is final at ``now_ms``, oldest first."""
    if not ledger or matures_ms(ledger[0], rules) > now_ms:  # rows lie in the order of time
        return ledger, []
    ripe = [row for row in ledger if matures_ms(row, rules) <= now_ms]
    waiting = tuple(row for row in ledger if matures_ms(row, rules) > now_ms)
    return waiting, [
        Matured(row, label(row), bool(row.marks & TREATED), matures_ms(row, rules)) for row in ripe
    ]


def is_late(event: Event, active: bool, labelled_ms: Millis | None, rules: ChurnRules) -> bool:
    """Whether the event would have marked a snapshot, had it come before the label was given.

    ``labelled_ms`` is the moment of the newest snapshot that has its label. What lies after it in
    an older window lies in its own too, so it is enough to know; an event before it would have to
    be later than horizon and grace together.
    """
    if labelled_ms is None or not _mark(event, active, rules):
        return False
    return labelled_ms < event.time_ms <= labelled_ms + rules.horizon_days * DAY_MS


def label(snapshot: Snapshot) -> int:
    """1 if he churned in the window, else 0.

    Churned is who cancelled, and who without a subscription at its start gave no sign of life.
    """
    marks = snapshot.marks
    if marks & CANCELLED:
        return 1
    if marks & SUBSCRIBED:
        return 0
    return 0 if marks & ACTIVE else 1


def _mark(event: Event, active: bool, rules: ChurnRules) -> int:
    mark = ACTIVE if active else 0
    if event.type in rules.cancel:
        mark |= CANCELLED
    if isinstance(event.data, ActionOutcome) and event.data.outcome in {"sent", "delivered"}:
        mark |= TREATED
    return mark
