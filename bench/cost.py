"""The cost of one event, and its statistics."""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple


class Cost(NamedTuple):
    """Microseconds an event, by the clock on the wall and of the process's CPU."""

    wall_us: float
    cpu_us: float


def cost(wall_s: float, cpu_s: float, events: int) -> Cost:
    """Spread seconds over events.

    >>> cost(wall_s=2.0, cpu_s=1.5, events=100_000)
    Cost(wall_us=20.0, cpu_us=15.0)
    """
    return Cost(wall_s / events * 1e6, cpu_s / events * 1e6)


def middle(costs: Sequence[Cost]) -> Cost:
    """Medians of repeated measurements, wall and CPU each by itself.

    >>> middle([Cost(3.0, 1.0), Cost(9.0, 2.0), Cost(4.0, 8.0)])
    Cost(wall_us=4.0, cpu_us=2.0)
    """
    return Cost(median(one.wall_us for one in costs), median(one.cpu_us for one in costs))


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of all values do not exceed.

    >>> quantile([5.0, 1.0, 2.0, 3.0, 4.0], 0.5), quantile([1.0, 2.0], 0.99)
    (3.0, 2.0)
    """
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]
