"""Rows of a queue for tests."""

from touchstream.schemas.emissions.risk import Reason
from touchstream.schemas.envelope import parse_time
from touchstream.schemas.rules import Band
from touchstream.web.console.rows import QueueRow


def because(text: str) -> Reason:
    return Reason(feature="silence", text=text, contribution=0.5, change=None)


def row(
    customer: str,
    alert: str | None = None,
    *,
    band: Band = "high",
    risk: float = 0.8,
    score: float = 100.0,
    kind: str = "churn",
    since: str = "2026-11-28T12:00:00Z",
    owner: str | None = "ada",
    action: str | None = "call",
) -> QueueRow:
    """An open alert of Ada's."""
    return QueueRow(
        alert=alert or f"alert-{customer}",
        customer=customer,
        kind=kind,
        band=band,
        risk=risk,
        score=score,
        value_minor=12_000,
        currency="EUR",
        reasons=(because("silent for 40 days"), because("2 tickets reopened")),
        action=action,
        decision=None if action is None else "00ff",
        since_ms=parse_time(since),
        owner=owner,
        queue="retention",
        trend=(0.2, 0.5, risk),
    )
