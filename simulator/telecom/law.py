r"""The law by which a telecom's customers leave: a hidden Markov chain of ten states.

A state is ``spell * LEVELS + grievance``: whether a spell of trouble is on (0, 1), and the level of
grievance (0..4). On each day, in this order:

1. the customer leaves with the chance ``hazard[grievance]`` of the eve, and does nothing more;
2. a spell begins or ends;
3. an incident of the segment's cause happens, often in a spell and rarely outside, and raises the
   grievance by a level; on a day without one, ``healing`` may lower it by a level;
4. the customer acts in proportion to ``rhythm * activity[grievance]`` (``contacts.py``).

So the cause comes first, its effect grows over days and weeks, and wears off. As the chain is
finite, probabilities of the future are exact: with the chance :math:`h_s` of leaving from state s
and the transitions :math:`M`,

.. math:: R_0 = 0, \qquad R_{k+1} = h + (1 - h) \, M R_k

is the risk of leaving within k days.
"""

from functools import cache

import numpy as np

from touchstream.simulator.customers import Floats, Ints
from touchstream.simulator.mail import DAYS_PER_WEEK, DELIVERED_SHARE, WEEKDAY
from touchstream.simulator.telecom.operator import LEVELS, RHYTHMS, SEGMENTS, Operator, Segment

STATES = 2 * LEVELS
GRIEVANCE: Ints = np.arange(STATES) % LEVELS
SPELL = np.arange(STATES) >= LEVELS
SETTLING_DAYS = 400
"""Days after which the chain has forgotten its beginning."""

USAGE_RATE = 0.25
VISIT_RATE = 0.12
ORDER_RATE = 0.02
"""Per day of a customer of rhythm 1 without grievance."""
CALL_RATE = 0.012
TICKET_RATE = 0.004
SURVEY_RATE = 1 / 90
"""Per day of any customer."""
OPENED_SHARE = 0.4
"""Share of the newsletters that are opened, without grievance."""
ANSWERED_SHARE = 0.4
EXPIRED_SHARE = 0.05
"""Share of the leavers with a contract who do not cancel but let the term end."""


def transitions(operator: Operator, segment: Segment) -> tuple[Floats, Floats]:
    """P(next state, no incident | state) and P(next state, incident | state), (10, 10) each.

    >>> from touchstream.simulator.telecom.operator import CALM
    >>> calm, incident = transitions(CALM, SEGMENTS[0])
    >>> bool(np.allclose((calm + incident).sum(axis=1), 1.0))
    True
    """
    without, having = np.zeros((STATES, STATES)), np.zeros((STATES, STATES))
    for state in range(STATES):
        for spell, chance in _spells(operator, segment, bool(SPELL[state])):
            level, base = state % LEVELS, LEVELS * spell
            happens = chance * _incident(operator, segment, in_spell=spell)
            having[state, base + min(level + 1, LEVELS - 1)] += happens
            heals = operator.healing if level else 0.0
            without[state, base + level] += (chance - happens) * (1 - heals)
            without[state, base + max(level - 1, 0)] += (chance - happens) * heals
    return without, having


def _spells(operator: Operator, segment: Segment, in_spell: bool) -> list[tuple[bool, float]]:
    if segment.cause is None:
        return [(in_spell, 1.0)]
    turns = operator.spell_ends if in_spell else operator.spell_begins
    return [(in_spell, 1 - turns), (not in_spell, turns)]


def _incident(operator: Operator, segment: Segment, *, in_spell: bool) -> float:
    if segment.cause is None:
        return 0.0
    return operator.incident_in_spell if in_spell else operator.incident_at_rest


def hazards(operator: Operator) -> Floats:
    """Chance of leaving on a day, by the state on its eve; shape (10,)."""
    return np.array(operator.hazard)[GRIEVANCE]


def at_rest(operator: Operator, segment: Segment) -> Floats:
    """Shares of the states among customers of long standing, still there; shape (10,)."""
    staying = (1 - hazards(operator))[:, None] * np.asarray(sum(transitions(operator, segment)))
    left = np.linalg.matrix_power(staying, SETTLING_DAYS)[0]
    shares: Floats = left / left.sum()
    return shares


@cache
def risks(operator: Operator, horizon_days: int) -> Floats:
    """P(leaves within ``horizon_days`` | state), shape (segments, 10); exact."""
    hazard = hazards(operator)
    found = np.zeros((len(SEGMENTS), STATES))
    for place, segment in enumerate(SEGMENTS):
        step = np.asarray(sum(transitions(operator, segment)))
        for _ in range(horizon_days):
            found[place] = hazard + (1 - hazard) * (step @ found[place])
    return found


@cache
def silences(operator: Operator, horizon_days: int, weekday: int) -> Floats:
    """P(no sign of life within ``horizon_days`` | rhythm, state) of prepaid customers.

    Shape (segments, rhythms, 10). Departures within it are silent, too. ``weekday`` is that of the
    first day, counted in the world's weeks. Replies to a ticket, the only thing that a customer
    plans ahead, are left out.
    """
    hazard = hazards(operator)
    found = np.ones((len(SEGMENTS), len(RHYTHMS), STATES))
    for place, segment in enumerate(SEGMENTS):
        step = np.asarray(sum(transitions(operator, segment)))
        for day in reversed(range(weekday, weekday + horizon_days)):
            quiet = np.exp(-signs_of_life(operator, segment)) * _unopened(segment, day)
            found[place] = hazard + (1 - hazard) * ((quiet * found[place]) @ step.T)
    return found


def signs_of_life(operator: Operator, segment: Segment) -> Floats:
    """Expected number on a day without a newsletter, shape (rhythms, 10)."""
    anyway = CALL_RATE + TICKET_RATE + SURVEY_RATE * ANSWERED_SHARE + 2 * operator.chance_incident
    return busy(segment) * (USAGE_RATE + VISIT_RATE + ORDER_RATE) + anyway


def busy(segment: Segment) -> Floats:
    """Factor of all activity, shape (rhythms, 10)."""
    factor: Floats = np.outer(RHYTHMS, np.array(segment.activity)[GRIEVANCE])
    return factor


def _unopened(segment: Segment, day: int) -> Floats:
    """P(opens no newsletter on ``day``), shape (10,)."""
    activity = np.array(segment.activity)[GRIEVANCE]
    if day % DAYS_PER_WEEK != WEEKDAY:
        return np.ones(STATES)
    opened: Floats = 1 - DELIVERED_SHARE * OPENED_SHARE * activity
    return opened
