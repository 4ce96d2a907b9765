"""Bytes of Redis per customer: state, keys and timer, with a full label ledger.

    python -m bench.memory [--customers 2000] [--days 56]

A world goes through the core with a tick a day, horizon 28 d and a snapshot every 7 d. Each
customer's state is taken on the day on which their ledger holds all of its five rows, and put into
a Redis of our own under the key and with the timer that a worker would write.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import orjson

from bench.services.redis import RedisServer
from touchstream.agents.history.lines import parse_line
from touchstream.agents.stores.base import Commit, Fence
from touchstream.agents.stores.redis import connect
from touchstream.schemas.rules import ChurnRules, Rules
from touchstream.schemas.units import DAY_MS, Millis
from touchstream.simulator import START_MS, World
from touchstream.streams import state as states
from touchstream.streams.local import LocalShard, LocalStream
from touchstream.streams.projections.read import churn_of
from touchstream.streams.records import Record

FULL_ROWS = 5
"""Horizon 28 d, grace 1 d, a row every 7 d: on the 28th day the fifth joins four that wait."""

MOST_BYTES = 1024
"""Goal at 56 days: no more than 1 KiB per customer."""
YOUNG_DAYS = 56
MOST_BYTES_LATER = 1280
"""Goal up to 160 days: attributes, tickets and families go on growing for some months."""

RULES = Rules(churn=ChurnRules(horizon_days=28, snapshot_every_days=7, label_grace_days=1))
COMMIT_STATES = 200
SETTLES_S = 0.5
"""Wait until Redis has released the buffers of a closed client."""


class Kept(NamedTuple):
    """The content of Redis for one customer."""

    state: bytes
    due_ms: int


def full_states(customers: int, days: int, seed: int = 1) -> dict[str, Kept]:
    """States of a world's customers, each as of the last day on which the ledger was full."""
    stream = LocalStream(RULES)
    [shard] = stream.shards
    found: dict[str, Kept] = {}
    offset = 0
    stream.tick(START_MS - 1)
    for day in World(seed, customers, days).days():
        records = []
        for line in day.lines:
            value = line.to_bytes()
            key = parse_line(value).key
            records.append(Record(offset, Millis(line.received_ms), key, value))
            offset += 1
        stream.feed(0, records)
        stream.tick(day.start_ms + DAY_MS)
        found.update(_full(shard))
    return found


def _full(shard: LocalShard) -> Iterator[tuple[str, Kept]]:
    for customer, data in shard.states.items():
        if customer in shard.timers and len(churn_of(states.decode(data)).ledger) == FULL_ROWS:
            yield customer, Kept(data, shard.timers[customer])


def redis_bytes(server: RedisServer, kept: Mapping[str, Kept]) -> int:
    """Additional memory of the server with all of it.

    Script, tables and buffers, which exist from the first customer on, belong to no customer.
    """
    some = {name: kept[name] for name in sorted(kept)[: len(kept) // 10]}
    asyncio.run(_commit(server.url, "few", some))
    time.sleep(SETTLES_S)
    before = _used(server)
    asyncio.run(_commit(server.url, "touchstream", kept))
    time.sleep(SETTLES_S)
    return _used(server) - before


def _used(server: RedisServer) -> int:
    client = server.client()
    try:
        memory = client.info("memory")
        assert isinstance(memory, dict)
        return int(memory["used_memory"])
    finally:
        client.close()


async def _commit(url: str, namespace: str, kept: Mapping[str, Kept]) -> None:
    store, names = connect(url, namespace), sorted(kept)
    fence: Fence | None = None
    try:
        for start in range(0, len(names), COMMIT_STATES):
            some = names[start : start + COMMIT_STATES]
            upto = Fence(start + len(some), 1 + start // COMMIT_STATES)
            held = {name: kept[name].state for name in some}
            timers = {name: kept[name].due_ms for name in some}
            if await store.commit([Commit("p0", fence, upto, b"", held, timers)]) != [True]:
                raise RuntimeError("refused: want an empty Redis")
            fence = upto
    finally:
        await store.close()


def measure(customers: int, days: int) -> dict[str, object]:
    """Bytes per customer, and their parts."""
    kept = full_states(customers, days)
    with (
        TemporaryDirectory(prefix="touchstream-bench-") as folder,
        RedisServer(Path(folder)) as server,
    ):
        used = redis_bytes(server, kept)
    sizes = sorted(len(one.state) for one in kept.values())
    each = used / len(kept)
    most = MOST_BYTES if days <= YOUNG_DAYS else MOST_BYTES_LATER
    return {
        "customers": len(kept),
        "redis_bytes_per_customer": round(each),
        "state_bytes": {
            "p50": sizes[len(sizes) // 2],
            "p99": sizes[len(sizes) * 99 // 100],
            "largest": sizes[-1],
        },
        "wanted": f"<= {most}",
        "met": each <= most,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=main.__doc__)
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--days", type=int, default=56)
    asked = parser.parse_args(arguments)
    found = measure(asked.customers, asked.days)
    print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    main()
