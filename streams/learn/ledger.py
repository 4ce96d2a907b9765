"""The label ledger: what was said of a customer, kept until the truth is known (docs/models.md).

A snapshot taken at T waits in the customer's own state. Events after T mark it; at the first tick
at or after T + horizon + grace it matures into one example. Nothing is learnt before, positives
included: a customer who cancels on day 2 would else be learnt from four weeks before one who stays.
"""

from typing import NamedTuple

import msgspec
from msgspec import Struct

from touchstream.schemas.envelope import Event
from touchstream.schemas.rules import ChurnRules, TargetRules
from touchstream.schemas.touchpoints.actions import ActionOutcome
from touchstream.schemas.units import Millis

SUBSCRIBED = 1
"""Mark of a snapshot: a subscription was running at T, so only a cancellation is churn."""
ACTIVE = 2
"""There was a sign of life in the window (T, T + horizon]."""
CANCELLED = 4
"""There was a cancellation in the window."""
TREATED = 8
"""An action was sent or delivered in the window."""
RECOMMENDED = 16
"""One was recommended in the window."""
HAPPENED = 32
"""An event that the target looks for came in the window."""

MILLION = 1_000_000
MOST_ROWS = 64
"""Snapshots of one target that a customer may have waiting; further moments are not scored."""


class Snapshot(Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """One scored moment waiting for its label."""

    at_ms: Millis
    millionths: int
    """The risk as it was said, in millionths: half of what a double would cost."""
    model_version: int
    features: str
    """Digest of the feature list that made the vector."""
    vector: bytes
    outcome_flags: int = 0
    offer_probability: float = 0.0
    """Probability that an action was recommended in the window, over all decisions in it."""

    @property
    def risk(self) -> float:
        """P(label 1 within the horizon), 0 to 1, as it was said."""
        return self.millionths / MILLION


class Matured(NamedTuple):
    """A snapshot whose truth is known."""

    snapshot: Snapshot
    label: int
    """1 churned, 0 stayed."""
    treated: bool
    matured_ms: Millis
    """From when on it was final; not when a tick came by."""
    target: str = "churn"
    late: int = 0
    """Events that came too late to change a label, since the customer's last example."""


Ledger = tuple[Snapshot, ...]


def millionths(risk: float) -> int:
    """What a risk (0..1) is kept as; scores carry no more digits.

    >>> millionths(0.123457) / MILLION
    0.123457
    """
    return round(risk * MILLION)


def is_activity(event: Event, by_customer: bool, rules: ChurnRules) -> bool:
    """Whether the event shows that the relation is alive.

    It has to be named in ``churn.activity``, and be by the customer.
    """
    return by_customer and event.type in rules.activity


def flag_outcomes(ledger: Ledger, event: Event, active: bool, rules: ChurnRules) -> Ledger:
    """Mark every waiting snapshot in whose window the event falls."""
    mark = _mark(event, active, rules)
    return _marked(ledger, event.time_ms, mark, rules) if mark and ledger else ledger


def flag_target_outcomes(ledger: Ledger, event: Event, rules: TargetRules) -> Ledger:
    """The same for a target's ledger."""
    mark = (HAPPENED if event.type in rules.events else 0) | _treatment(event)
    return _marked(ledger, event.time_ms, mark, rules) if mark else ledger


def decided(
    ledger: Ledger,
    at_ms: Millis,
    offer_probability: float,
    recommended: bool,
    rules: ChurnRules | TargetRules,
    holdout: float = 0.0,
) -> Ledger:
    """Note a decision in every waiting snapshot in whose window it falls.

    ``offered`` is the probability (0 to 1 - holdout) with which it was to recommend an action. What
    is decided in the moment of a snapshot is done after it, so it falls in its window. Who is held
    out is so for good: of several decisions only the arms are drawn anew,

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


def _marked(ledger: Ledger, at_ms: Millis, mark: int, rules: ChurnRules | TargetRules) -> Ledger:
    """The same ledger where every row in whose window it falls has the mark already."""
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


def matures_ms(snapshot: Snapshot, rules: ChurnRules | TargetRules) -> Millis:
    """The moment from which the snapshot's label is final."""
    return Millis(snapshot.at_ms + rules.wait_ms)


def mature(
    ledger: Ledger, now_ms: Millis, rules: ChurnRules | TargetRules
) -> tuple[Ledger, list[Matured]]:
    """Split off what is final at ``now_ms``, oldest first."""
    if not ledger or matures_ms(ledger[0], rules) > now_ms:  # rows lie in the order of time
        return ledger, []
    ripe = [row for row in ledger if matures_ms(row, rules) <= now_ms]
    waiting = tuple(row for row in ledger if matures_ms(row, rules) > now_ms)
    target = rules.name if isinstance(rules, TargetRules) else "churn"
    truth = happened if isinstance(rules, TargetRules) else label
    return waiting, [
        Matured(row, truth(row), bool(row.outcome_flags & TREATED), matures_ms(row, rules), target)
        for row in ripe
    ]


def is_late(event: Event, active: bool, labelled_ms: Millis | None, rules: ChurnRules) -> bool:
    """Whether the event would have marked a snapshot, had it come before the label was given.

    ``labelled_ms`` is the moment of the newest snapshot that has its label. What lies after it in
    an older window lies in its own too, so it is enough to know; an event before it would have to
    be later than horizon and grace together.
    """
    if labelled_ms is None or not _mark(event, active, rules):
        return False
    return labelled_ms < event.time_ms <= labelled_ms + rules.horizon_ms


def label(snapshot: Snapshot) -> int:
    """1 if he churned in the window, else 0.

    Churned is who cancelled, and who without a subscription at its start gave no sign of life.
    """
    outcome_flags = snapshot.outcome_flags
    if outcome_flags & CANCELLED:
        return 1
    if outcome_flags & SUBSCRIBED:
        return 0
    return 0 if outcome_flags & ACTIVE else 1


def happened(snapshot: Snapshot) -> int:
    """The label of a target's snapshot: 1 if an event that it looks for came in the window."""
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
