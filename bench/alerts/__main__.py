"""How much value the alerts save that are chosen under a capacity: ``python -m bench.alerts``.

Worlds run through the core. On every evening people see to as many open alerts as they have time
for, chosen by priority (risk x value x saveability), by risk alone, or knowing the truth. Value
saved = P(the call keeps a customer who would leave within the horizon) x the true worth of a year,
by the world's oracle. One JSON line for each planted group and capacity, then a table. 1 if the
priority saves less than 1.3 times the value of risk alone in the group and at the capacity of the
goal.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import orjson

from bench.alerts.choosing import RANKINGS, RISK, Ratio, capacity_of, ratio_of, saved_by
from bench.alerts.pools import GROUPS, Evening, evenings
from touchstream.simulator import World

SEEDS, CUSTOMERS, DAYS = (1, 2, 3, 4), 1_200, 190
SHARES = (0.125, 0.25, 0.5, 1.0)
"""Capacities, as shares of the alerts that are raised."""
GOAL_GROUP, GOAL_SHARE, GOAL = "business", 0.25, 1.3


class Row(NamedTuple):
    """The ways to choose, compared over all seeds."""

    group: str
    share: float
    per_day: int
    """Alerts seen to on a day of one world; the mean of all."""
    ratios: Mapping[str, Ratio]
    """Ranking -> value saved, over that of risk alone."""
    seeds: Sequence[float]
    """The ratio of the priority in each world."""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if (self.group, self.share) != (GOAL_GROUP, GOAL_SHARE):
            return None
        return self.ratios["priority"].value >= GOAL

    def to_line(self) -> str:
        """One line of JSON."""
        ratios = {
            name: {key: round(value, 3) for key, value in ratio._asdict().items()}
            for name, ratio in self.ratios.items()
        }
        shown = {**self._asdict(), "ratios": ratios, "seeds": [round(one, 3) for one in self.seeds]}
        return orjson.dumps(shown if self.met is None else {**shown, "met": self.met}).decode()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the worlds, print the comparison; 1 if the goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.alerts", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args(arguments)
    worlds = [(seed, asked.customers, asked.days) for seed in asked.seeds]
    with ProcessPoolExecutor(asked.processes) as pool:
        lives = list(pool.map(_lived, worlds))
    rows = list(compared(lives))
    for row in rows:
        print(row.to_line(), flush=True)
    print("\n".join(table(rows)))
    return int(any(row.met is False for row in rows))


def compared(lives: Sequence[Sequence[Evening]]) -> Iterator[Row]:
    """Every group and capacity, over all worlds together."""
    for group in GROUPS:
        for share in SHARES:
            capacities = [capacity_of(life, share) for life in lives]
            saved = {
                name: [
                    saved_by(ranking, life, group, per_day)
                    for life, per_day in zip(lives, capacities, strict=True)
                ]
                for name, ranking in RANKINGS.items()
            }
            together = {name: _together(worlds) for name, worlds in saved.items()}
            yield Row(
                group,
                share,
                round(sum(capacities) / len(capacities)),
                {
                    name: ratio_of(values, together[RISK])
                    for name, values in together.items()
                    if name != RISK
                },
                [
                    ratio_of(*pair).value
                    for pair in zip(saved["priority"], saved[RISK], strict=True)
                ],
            )


def table(rows: Sequence[Row]) -> Iterator[str]:
    """The rows for people: value saved over that of risk alone, with 95 % intervals."""
    names = [name for name in RANKINGS if name != RISK]
    yield " | ".join(["saveable  ", "seen to", "a day", *(f"{name:17}" for name in names)])
    for row in rows:
        shown = [f"{one.value:.2f} ({one.low:.2f}-{one.high:.2f})" for one in row.ratios.values()]
        yield " | ".join(
            [
                f"{row.group:10}",
                f"{row.share:7.1%}",
                f"{row.per_day:5}",
                *(f"{s:17}" for s in shown),
            ]
        )


def _together(worlds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {
        f"{number} {customer}": value
        for number, saved in enumerate(worlds)
        for customer, value in saved.items()
    }


def _lived(world: tuple[int, int, int]) -> list[Evening]:
    return list(evenings(World(*world)))


if __name__ == "__main__":
    sys.exit(main())
