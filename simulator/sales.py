"""Prospective business customers: leads, demos, proposals, deals won and lost."""

import numpy as np

from touchstream.simulator import words
from touchstream.simulator.customers import Traits
from touchstream.simulator.event_log import CURRENCY, Event, EventLog, hours
from touchstream.simulator.segments import SEGMENTS

STEPS = (("lead.qualified", 5), ("demo.held", 11), ("proposal.sent", 17))
"""(event type, days after the lead was created)."""
WON_AFTER_DAYS = 21
LOST_PER_WON = 1.0
LEAD_COST_MINOR = 4_000


def plan_sales(
    event_log: EventLog, traits: Traits, names: list[str], days: int, rng: np.random.Generator
) -> None:
    """Put the sales of all business customers to come, and as many lost ones, into the calendar."""
    sales_led = np.array([segment.sales_led for segment in SEGMENTS])[traits.segment]
    won = np.flatnonzero(sales_led & (traits.start_day > 0))
    for index in won.tolist():
        created = int(traits.start_day[index]) - WON_AFTER_DAYS
        deal = {"amount_minor": _yearly_minor(traits, index), "currency": CURRENCY}
        _plan(event_log, rng, names[index], created, len(STEPS))
        event_log.plan(created + WON_AFTER_DAYS, "deal.won", names[index], hours(7), deal)
    for number in range(int(rng.poisson(len(won) * LOST_PER_WON))):
        lead, created = f"lead-{number + 1:05d}", int(rng.integers(0, days))
        steps = int(rng.integers(0, len(STEPS) + 1))
        _plan(event_log, rng, lead, created, steps)
        lost = {"reason": words.LOSS_REASONS[number % len(words.LOSS_REASONS)]}
        event_log.plan(created + WON_AFTER_DAYS, "deal.lost", lead, hours(15), lost)


def _plan(
    event_log: EventLog, rng: np.random.Generator, subject: str, created: int, steps: int
) -> None:
    source = words.LEAD_SOURCES[int(rng.integers(len(words.LEAD_SOURCES)))]
    cost: Event = {"source": source, "cost_minor": LEAD_COST_MINOR, "currency": CURRENCY}
    event_log.plan(created, "lead.created", subject, hours(10), cost)
    for kind, after_days in STEPS[:steps]:
        event_log.plan(created + after_days, kind, subject, hours(rng.uniform(9.0, 17.0)), {})


def _yearly_minor(traits: Traits, index: int) -> int:
    segment = SEGMENTS[int(traits.segment[index])]
    return segment.plans[int(traits.plan[index])][1] * 365 // segment.term_days
