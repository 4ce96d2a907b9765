"""How often is a practice without any effect kept? ``python -m bench.practices``.

Worlds in which an action changes nothing are looked at 100 times each, as a manager would look at a
dashboard, by the always-valid rule of ``touchstream practices`` and by a z-test at the same level.
Also: how often a log with right propensities is blocked, and one with wrong ones.
"""

import argparse
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from touchstream.streams.decide.evaluation.logged import DecisionLog, Floats, part
from touchstream.streams.decide.practices.practices import How, weigh_columns
from touchstream.streams.decide.practices.sample_ratio import sample_ratio

LOOKS = 100
EACH = 50
"""Customers between two looks."""
Z = 1.959964
"""Two-sided, 5 %."""


class Tally(NamedTuple):
    """Of how many worlds was the practice kept at some look."""

    worlds: int
    always_valid: int
    z_test: int


def binary(rng: np.random.Generator, n: int) -> Floats:
    """A tenth accept, whatever is done."""
    return (rng.random(n) < 0.1).astype(np.float64)  # noqa: PLR2004


def money(rng: np.random.Generator, n: int) -> Floats:
    """A twentieth buy, for a lognormal amount."""
    return (rng.random(n) < 0.05) * rng.lognormal(4.0, 1.0, n)  # noqa: PLR2004


REWARDS: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "binary": binary,
    "money": money,
}


def null_log(rng: np.random.Generator, reward: Floats, share: float = 0.5) -> DecisionLog:
    """One decision a customer: the action with probability ``share``, logged as 1/2."""
    n = len(reward)
    return DecisionLog(
        contexts=[{}] * n,
        proposed=[None] * n,
        arms=("act", "do_nothing"),
        customers=tuple(map(str, range(n))),
        customer=np.arange(n),
        action=(rng.random(n) >= share).astype(np.int64),
        propensity=np.full(n, 0.5),
        reward=reward,
        weight=np.ones(n),
        cost=np.zeros(n),
        could=np.ones((n, 2), np.bool_),
    )


def head(log: DecisionLog, n: int) -> DecisionLog:
    """The first n decisions."""
    return part(log, np.arange(len(log.action)) < n)


def kept(worlds: int, kind: str, looks: int = LOOKS) -> Tally:
    """Look at null practices again and again."""
    always_valid = z_test = 0
    for world in range(worlds):
        rng = np.random.default_rng(world)
        log = null_log(rng, REWARDS[kind](rng, looks * EACH))
        seen = [head(log, (look + 1) * EACH) for look in range(looks)]
        always_valid += any(map(_keeps, seen))
        z_test += any(map(_z_keeps, seen))
    return Tally(worlds, always_valid, z_test)


def blocked(worlds: int, share: float) -> int:
    """Logs of 5,000 decisions that the sample-ratio check blocks at 1 %."""
    count = 0
    for world in range(worlds):
        rng = np.random.default_rng(world)
        log = null_log(rng, np.zeros(LOOKS * EACH), share)
        count += sample_ratio(log, np.full((len(log.action), 2), 0.5)).rejects(0.01)
    return count


def _keeps(log: DecisionLog) -> bool:
    found = weigh_columns(log, np.full((len(log.action), 2), 0.5), How())
    return found.findings[0].conclusion == "keep"


def _z_keeps(log: DecisionLog) -> bool:
    acted, idle = log.reward[log.action == 0], log.reward[log.action == 1]
    if min(len(acted), len(idle)) < How().minimum:
        return False
    error = np.sqrt(acted.var(ddof=1) / len(acted) + idle.var(ddof=1) / len(idle))
    return bool(acted.mean() - idle.mean() > Z * error)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the rates."""
    parser = argparse.ArgumentParser(prog="python -m bench.practices", description=__doc__)
    parser.add_argument("--worlds", type=int, default=400)
    worlds = parser.parse_args(arguments).worlds
    for kind in REWARDS:
        found = kept(worlds, kind)
        print(
            f"null practice, {kind}, {LOOKS} looks: kept in {found.always_valid / worlds:.1%} of "
            f"{worlds} worlds; by a z-test in {found.z_test / worlds:.1%}"
        )
    for share in (0.5, 0.53, 0.55):
        print(
            f"propensity 0.5, chosen with {share:g}: blocked in "
            f"{blocked(worlds, share) / worlds:.1%} of {worlds} logs of {LOOKS * EACH:,} decisions"
        )


if __name__ == "__main__":
    main()
