"""Share of reasons that the customers' own events confirm: ``python -m bench.reasons``.

A world, or the events of a file, run through the core, a tick a day. Then the customers' histories
are replayed, and each of the weightiest reasons that have events is verified as by ``touchstream
explain``: without its events the risk must move against it. *features* is the share if every
measurement were a reason of its own.
"""

import argparse
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import orjson

from touchstream.agents.history.lines import parse_line
from touchstream.agents.history.pacer import TickAt
from touchstream.agents.history.steps import read_steps
from touchstream.agents.settings import Settings
from touchstream.schemas.rules import Rules
from touchstream.schemas.units import DAY_MS, CustomerId, Millis
from touchstream.simulator import World
from touchstream.streams.emit.risk import REASONS
from touchstream.streams.explain import explain
from touchstream.streams.explanation import Explanation
from touchstream.streams.history import Heard, relive
from touchstream.streams.intake.decode import Arrival, Origin, decode
from touchstream.streams.local import LocalStream
from touchstream.streams.projections.projection import TimerFired
from touchstream.streams.proof import verify
from touchstream.streams.records import Record
from touchstream.streams.state import decode as decode_state

ORIGIN = Origin(partition=0, partitions=1, tick_secret=None)
SEED, CUSTOMERS, DAYS = 101, 300, 200

Happening = Record | Millis
"""A touchpoint, or the moment of a tick."""


class Lived(NamedTuple):
    """A log that has come to its end."""

    stream: LocalStream
    ticks: Sequence[Millis]
    heard: dict[CustomerId, list[tuple[int, Heard]]]
    """Each customer's arrivals, with the number of ticks before them."""


def of_world(customers: int, days: int) -> Iterator[Happening]:
    """A simulated world's events."""
    offset = 0
    for day in World(SEED, customers, days).days():
        for line in day.lines:
            value = line.to_bytes()
            yield Record(offset, Millis(line.received_ms), parse_line(value).key, value)
            offset += 1
        yield Millis(day.start_ms + DAY_MS)


def of_file(events: Path, settings: Settings, days: int) -> Iterator[Happening]:
    """A file's events, as a replay reads them, up to its tick number ``days``."""
    offset = ticks = 0
    for step in read_steps([events], settings.ticks.every_days):
        if isinstance(step, TickAt):
            yield step.time_ms
            ticks += 1
            if ticks == days:
                return
        else:
            line = step.line
            yield Record(offset, step.received_ms, line.key, line.value, line.headers)
            offset += 1


def lived(happenings: Iterator[Happening], rules: Rules) -> Lived:
    """Run a log through the core; keep the input of each customer's explanation."""
    found = Lived(LocalStream(rules), [], {})
    ticks: list[Millis] = []
    batch: list[Record] = []
    for one in happenings:
        if isinstance(one, Record):
            batch.append(one)
            arrival = decode(one, ORIGIN)
            if isinstance(arrival, Arrival):
                heard = found.heard.setdefault(arrival.event.subject, [])
                heard.append((len(ticks), Heard(arrival, one.received_ms)))
            continue
        found.stream.feed(0, batch)
        batch = []
        found.stream.tick(one)
        ticks.append(one)
    return found._replace(ticks=ticks)


def explained(life: Lived, most: int) -> Iterator[Explanation]:
    """Verified explanations of the first customers of the log."""
    [shard] = life.stream.shards
    models = life.stream.models(shard.checkpoint)
    for customer, heard in islice(life.heard.items(), most):
        state = decode_state(shard.states[customer]) if customer in shard.states else None
        explanations = None if state is None else explain(state, models)
        if state is not None and explanations is not None:
            history = relive(_in_order(customer, heard, life.ticks), models)
            yield verify(explanations, state, history, models)


def _in_order(
    customer: CustomerId, heard: Sequence[tuple[int, Heard]], ticks: Sequence[Millis]
) -> Iterator[Heard | TimerFired]:
    left = deque(heard)
    for number, tick_ms in enumerate(ticks):
        while left and left[0][0] <= number:
            yield left.popleft()[1]
        yield TimerFired(customer, number + 1, tick_ms)


def shares(explanations: Sequence[Explanation]) -> dict[str, object]:
    """Count of the weightiest reasons that have events, and the share verified."""
    names = ("topics", "first_topic", "features", "first_feature")
    found = {name: Counter[bool]() for name in names}
    for one in explanations:
        parts = [
            (part.contribution, reason.moved) for reason in one.reasons for part in reason.parts
        ]
        topics = _verified([(reason.contribution, reason.moved) for reason in one.reasons])
        features = _verified(parts)
        for name, some in zip(names, (topics, topics[:1], features, features[:1]), strict=True):
            found[name].update(some)
    whole = sum(one.proof is not None and not one.proof.differing for one in explanations)
    shares_of: dict[str, object] = {"customers": len(explanations), "whole": whole}
    for name, counts in found.items():
        shares_of |= _share(name, counts)
    return shares_of


def _verified(reasons: Sequence[tuple[float, float | None]]) -> list[bool]:
    """By contribution, and how far the log-odds moved without its events."""
    weightiest = sorted(reasons, key=lambda pair: -abs(pair[0]))[:REASONS]
    return [added * moved < 0 for added, moved in weightiest if moved is not None]


def _share(name: str, counts: Counter[bool]) -> dict[str, object]:
    return {
        name: counts.total(),
        f"{name}_verified": round(counts[True] / max(1, counts.total()), 3),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.reasons", description=__doc__)
    parser.add_argument("--events", type=Path, help="a file as for `touchstream replay`")
    parser.add_argument("--config", type=Path, default=Path("touchstream.toml"))
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--days", type=int, default=DAYS)
    asked = parser.parse_args(arguments)
    if asked.events is None:
        life = lived(of_world(asked.customers, asked.days), Rules())
    else:
        settings = Settings.load(asked.config)
        life = lived(of_file(asked.events, settings, asked.days), settings.rules)
    print(orjson.dumps(shares(list(explained(life, asked.customers)))).decode())


if __name__ == "__main__":
    main()
