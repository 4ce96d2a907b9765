"""The effect of an action in the world: a known acceptance probability, a known relief."""

import random
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from msgspec import Struct

from touchstream.schemas.units import HOUR_MS, MINUTE_MS

DO_NOTHING = "do_nothing"
MOST_RELIEF = 1.0


class Treatment(Struct, frozen=True, kw_only=True):
    """The effect of one action on a customer."""

    accepted: float
    """P(accepts), 0..1."""
    relief: float
    """Addition to ``u`` on acceptance: the hazard falls by the factor exp(-2.5 relief)."""
    solves_tickets: bool = False
    """True: acceptance closes the open tickets."""


TREATMENTS: Mapping[str, Treatment] = MappingProxyType(
    {
        "call_by_owner": Treatment(accepted=0.35, relief=1.0),
        "resolve_open_ticket": Treatment(accepted=0.90, relief=0.2, solves_tickets=True),
        "send_offer": Treatment(accepted=0.12, relief=0.7),
        "send_win_back_offer": Treatment(accepted=0.06, relief=0.7),
    }
)
"""The actions of the default catalogue; ``do_nothing`` has no effect by definition."""


class Trial(NamedTuple):
    """The course of one treatment of one customer."""

    accepted: bool
    steps: list[tuple[int, str]]
    """(ms after the decision, outcome), as in ``action.outcome``."""


REACHED = 2
"""The steps of a trial that need no customer: sent, delivered."""


def attempt(treatment: Treatment, seed: int, decision: str) -> Trial:
    """Draw the course of a treatment; a function of seed and decision alone."""
    rng = random.Random(f"{seed}|treatment|{decision}")
    accepted = rng.random() < treatment.accepted
    return Trial(accepted, list(_steps(rng, accepted)))


def _steps(rng: random.Random, accepted: bool) -> Iterator[tuple[int, str]]:
    yield MINUTE_MS, "sent"
    yield 2 * MINUTE_MS, "delivered"
    seen_ms = int(rng.uniform(1, 12) * HOUR_MS)
    yield seen_ms, "seen"
    yield seen_ms + int(rng.uniform(0, 36) * HOUR_MS), "accepted" if accepted else "declined"
