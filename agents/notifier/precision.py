"""Precision of the alerts by kind and queue, with the share of them that anybody rated.

A precision means little without that share: reps rate what annoys them sooner than what was fine.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from touchstream.agents.notifier.book import Tally, tally_day
from touchstream.agents.notifier.record import NOTIFIER
from touchstream.agents.stores.base import Read, Store
from touchstream.schemas.units import DAY_MS, Millis

DAYS = 28
"""Days counted unless another number is asked for."""


class PrecisionRow(Struct, frozen=True):
    """Alerts that ended, of one kind and queue."""

    kind: str
    queue: str
    ended: int
    rated: int
    useful: int
    share_rated: float | None
    """``rated / ended``; None: none ended."""
    precision: float | None
    """``useful / rated``; None: none was rated, and nothing is known."""


class Precision(NamedTuple):
    """The rows, and all of them together."""

    rows: Sequence[PrecisionRow]
    total: PrecisionRow


def summed(tallies: Iterable[Tally]) -> Precision:
    """The rows of these days, the kind and queue with the most ended alerts first.

    >>> counts = {"churn|support|useful": 3, "churn|support|noise": 1, "churn|support|unrated": 4}
    >>> [row] = summed([Tally("020423", counts)]).rows
    >>> row.precision, row.share_rated
    (0.75, 0.5)
    """
    ended: Counter[tuple[str, str]] = Counter()
    rated: Counter[tuple[str, str]] = Counter()
    useful: Counter[tuple[str, str]] = Counter()
    for tally in tallies:
        for key, count in tally.counts.items():
            kind, _, rest = key.partition("|")
            # The name of a queue may hold anything.
            queue, _, rating = rest.rpartition("|")
            group = kind, queue
            ended[group] += count
            rated[group] += count if rating != "unrated" else 0
            useful[group] += count if rating == "useful" else 0
    groups = sorted(ended, key=lambda group: (-ended[group], group))
    rows = [_row(*group, ended[group], rated[group], useful[group]) for group in groups]
    return Precision(rows, _row("", "", ended.total(), rated.total(), useful.total()))


async def alert_precision(store: Store, days: int, now_ms: Millis) -> Precision:
    """The rows of the last ``days`` days in UTC, today among them, as the notifier stored them."""
    names = [f"tally/{tally_day(Millis(now_ms - ago * DAY_MS))}" for ago in range(days)]
    [states] = await store.load([Read(NOTIFIER, names)])
    return summed(msgspec.json.decode(data, type=Tally) for data in states if data is not None)


def _row(kind: str, queue: str, ended: int, rated: int, useful: int) -> PrecisionRow:
    return PrecisionRow(
        kind,
        queue,
        ended,
        rated,
        useful,
        share_rated=rated / ended if ended else None,
        precision=useful / rated if rated else None,
    )
