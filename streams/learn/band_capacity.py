"""Thresholds of the bands for a capacity: how many customers may enter the band high on a day.

Every snapshot says which thresholds the customer has risen through since the one before. Summed
over the customers, that is the number of alarms that any threshold would have raised; the lowest
one that stays within the capacity is taken. The counts decay, so thresholds follow the customers.
They are part of the model version, which ticks name: a replay uses the same ones at the same tick.
"""

from collections.abc import Mapping, Sequence
from math import exp2, log

from msgspec import Struct

from touchstream.schemas.rules import BandRules, Thresholds
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.streams.learn.numbers import logit, sigmoid

BINS = 320
WIDTH = 0.05
"""Width of a bin in log-odds; 320 of them span a risk of 1 in 3,000 to 2,999 in 3,000."""
LOWEST = -8.0
HALF_LIFE_DAYS = 14.0
"""Memory of the counts: two weeks, in which every customer has two snapshots by default."""
HYSTERESIS = 0.4
"""A band is left this much below where it is entered, in log-odds."""
MEDIUM_PER_HIGH = 4.0
"""Customers who may enter the band medium, for each who may enter high."""
TWICE = log(2)
"""High means at least twice the odds of the average customer, however large the capacity is."""
LEAST_FEEDBACK = 0.25


def bin_of(risk: float) -> int:
    """Number of the highest threshold that ``risk`` (0..1) reaches; -1: none.

    >>> bin_of(threshold(200)), bin_of(threshold(200) - 1e-5), bin_of(0.0), bin_of(1.0)
    (200, 199, -1, 319)
    """
    if risk <= 0.0:
        return -1
    if risk >= 1.0:
        return BINS - 1
    # Half of the last digit, because risks are rounded to six of them.
    return min(BINS - 1, max(-1, int((logit(min(risk + 5e-7, 1 - 1e-9)) - LOWEST) // WIDTH)))


def threshold(number: int) -> float:
    """The risk at which bin ``number`` begins, rounded like a risk."""
    return round(sigmoid(LOWEST + WIDTH * number), 6)


class RiskFlow(Struct, array_like=True):
    """Decayed counts of rises through each threshold; mutable plain data, 3 KB."""

    since_ms: Millis = Millis(0)
    """Time of the first tick counted."""
    at_ms: Millis = Millis(0)
    scored: float = 0.0
    """Snapshots of open customers."""
    entered: float = 0.0
    """Customers who did enter the band high."""
    rises: list[float] = []
    """Differences: a rise from below bin a to bin b adds 1 at a and takes 1 at b + 1."""

    def add(self, at_ms: Millis, scored: int, entered: int, rises: Mapping[int, int]) -> "RiskFlow":
        """The counts after one tick at ``at_ms``, with what all shards have counted in it."""
        held = self.rises or [0.0] * (BINS + 1)
        age_days = max(0, at_ms - self.at_ms) / DAY_MS
        left = exp2(-age_days / HALF_LIFE_DAYS) if self.scored else 0.0
        after = [count * left for count in held]
        for place, count in sorted(rises.items()):
            after[place] += count
        return RiskFlow(
            self.since_ms if self.scored else at_ms,
            at_ms,
            self.scored * left + scored,
            self.entered * left + entered,
            after,
        )

    def per_day(self, count: float) -> float:
        """A decayed count as a rate, corrected for a young memory."""
        age_days = max(1.0, (self.at_ms - self.since_ms) / DAY_MS)
        saturation = 1.0 - exp2(-age_days / HALF_LIFE_DAYS)
        return count * log(2) / (HALF_LIFE_DAYS * saturation)


def rise(before: float | None, after: float) -> tuple[int, int]:
    """The thresholds that a customer rose through: places for +1 and for -1 in :class:`RiskFlow`.

    ``before`` is the risk at the snapshot before, None for the first. Equal places: no rise.
    """
    low = -1 if before is None else bin_of(before)
    high = max(low, bin_of(after))
    return low + 1, high + 1


def thresholds_for(
    flow: RiskFlow, rules: BandRules, every_days: int, base_rate: float
) -> Thresholds | None:
    """The lowest thresholds within the capacity; None before the first count.

    ``base_rate`` (0..1): the average customer's risk. More alarms than the capacity in the last two
    weeks raise the threshold until they are made up for.
    """
    if not flow.scored:
        return None
    capacity = rules.high_per_day
    if capacity is None:
        capacity = rules.high_share_per_day * flow.per_day(flow.scored) * every_days
    entered = flow.per_day(flow.entered)
    feedback = max(LEAST_FEEDBACK, capacity / entered) if entered > capacity else 1.0
    rates = [flow.per_day(count) for count in _running_sum(flow.rises)]
    middle = logit(base_rate)
    high = max(_lowest(rates, capacity * feedback), _bin_at(middle + TWICE))
    medium = max(_lowest(rates, capacity * MEDIUM_PER_HIGH), _bin_at(middle))
    medium = min(medium, high)
    steps = round(HYSTERESIS / WIDTH)
    return Thresholds(
        medium_enter=threshold(medium),
        medium_leave=threshold(medium - steps),
        high_enter=threshold(high),
        high_leave=threshold(max(medium, high - steps)),
    )


def _running_sum(differences: Sequence[float]) -> list[float]:
    found, total = list[float](), 0.0
    for difference in differences[:BINS]:
        total += difference
        found.append(total)
    return found


def _lowest(rates: Sequence[float], most: float) -> int:
    """The lowest bin from which on no threshold is passed more often than ``most`` times a day."""
    for number in reversed(range(BINS)):
        if rates[number] > most:
            return min(BINS - 1, number + 1)
    return 0


def _bin_at(log_odds: float) -> int:
    return min(BINS - 1, max(0, int((log_odds - LOWEST) // WIDTH)))
