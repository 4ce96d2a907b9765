"""The two telecoms: their segments, the cause planted in each, and the numbers of their law."""

from typing import Literal

from msgspec import Struct

Cause = Literal["ticket", "call", "payment", "usage"]
CAUSES: tuple[Cause, ...] = ("ticket", "call", "payment", "usage")
"""A reopened ticket, a call with a long wait and transfers, a failed payment, falling usage."""
USAGE = CAUSES.index("usage")

LEVELS = 5
"""Levels of grievance: 0 none, 4 the worst."""

ByLevel = tuple[float, float, float, float, float]


class Segment(Struct, frozen=True, kw_only=True):
    """Customers who leave for one cause."""

    name: str
    share: float
    """Share of all customers, 0..1; the shares add up to 1."""
    cause: Cause | None
    """The incident that raises their grievance; None: they leave without a cause."""
    contract: bool
    """False: prepaid, leaves in silence."""
    activity: ByLevel
    """Factor of usage, visits and orders, by grievance."""


SEGMENTS = (
    Segment(
        name="ticketed",
        share=0.18,
        cause="ticket",
        contract=True,
        activity=(1.0, 0.97, 0.94, 0.91, 0.88),
    ),
    Segment(
        name="queued",
        share=0.16,
        cause="call",
        contract=True,
        activity=(1.0, 0.97, 0.94, 0.91, 0.88),
    ),
    Segment(
        name="billed",
        share=0.16,
        cause="payment",
        contract=True,
        activity=(1.0, 0.97, 0.94, 0.91, 0.88),
    ),
    Segment(
        name="fading",
        share=0.16,
        cause="usage",
        contract=True,
        activity=(1.0, 0.70, 0.46, 0.28, 0.16),
    ),
    Segment(
        name="settled",
        share=0.14,
        cause=None,
        contract=True,
        activity=(1.0, 1.0, 1.0, 1.0, 1.0),
    ),
    Segment(
        name="prepaid",
        share=0.20,
        cause="usage",
        contract=False,
        activity=(1.0, 0.75, 0.55, 0.40, 0.30),
    ),
)
RHYTHMS = (0.5, 0.75, 1.0, 1.35, 1.9)
"""Factors of a customer's activity, equally frequent."""


class Operator(Struct, frozen=True, kw_only=True):
    """The law of one telecom (``simulator/telecom/law.py``); chances are per day."""

    name: str
    customers: int
    """In all: some are there on the first day, the others arrive in the course of time."""
    days: int
    newcomers: float
    """Share of the customers who arrive after the first day."""
    spell_begins: float
    """Chance that a spell of trouble begins."""
    spell_ends: float
    incident_in_spell: float
    """Chance of an incident of the segment's own cause during a spell."""
    incident_at_rest: float
    chance_incident: float
    """Chance of an incident of each other cause, which raises no grievance."""
    healing: float
    """Chance that grievance falls by a level on a day without incident."""
    hazard: ByLevel
    """Chance of leaving, by grievance on the eve."""


CALM = Operator(
    name="calm",
    customers=4_000,
    days=500,
    newcomers=0.25,
    spell_begins=1 / 360,
    spell_ends=1 / 24,
    incident_in_spell=0.20,
    incident_at_rest=0.0015,
    chance_incident=0.0007,
    healing=0.030,
    hazard=(0.00012, 0.0006, 0.0024, 0.0075, 0.0170),
)
"""Few leave; the true 28-day risk never passes .35."""

HOT = Operator(
    name="hot",
    customers=900,
    days=246,
    newcomers=0.25,
    spell_begins=1 / 150,
    spell_ends=1 / 24,
    incident_in_spell=0.22,
    incident_at_rest=0.002,
    chance_incident=0.001,
    healing=0.030,
    hazard=(0.0003, 0.002, 0.009, 0.032, 0.0755),
)
"""Many leave, and in anger; the true 28-day risk reaches .85."""

OPERATORS = {operator.name: operator for operator in (CALM, HOT)}
