"""The customers' states at the end of a replay."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import orjson

from touchstream.agents.replay.collector import Collector, score_line
from touchstream.agents.state_view import as_json
from touchstream.agents.stores.base import Read, Store
from touchstream.schemas.units import CustomerId
from touchstream.streams.learn.snapshot import CHURN, RETURN
from touchstream.streams.projections.read import churn_of, return_of, targets_of
from touchstream.streams.state import decode as decode_state

PAGE = 500


async def write_states(
    store: Store, shards: Sequence[str], folder: Path, collector: Collector
) -> int:
    """Write ``profiles.jsonl``, and the scores whose labels have not matured; count the customers.

    The profiles are sorted by customer, so that the number of partitions does not show.
    """
    profiles = []
    async for customer, data in read_states(store, shards):
        state = decode_state(data)
        # Encoded at once: decoded states of all customers would need several times the memory.
        profiles.append((customer, orjson.dumps(as_json(customer, state))))
        ledgers = {
            CHURN: churn_of(state).ledger,
            RETURN: return_of(state).ledger,
            **targets_of(state).ledgers,
        }
        for target, ledger in ledgers.items():
            for row in ledger:
                line = score_line(customer, row.at_ms, row.risk, row.model_version, None)
                collector.scores[target].write(orjson.dumps(line) + b"\n")
    with (folder / "profiles.jsonl").open("wb") as file:
        file.writelines(line + b"\n" for _, line in sorted(profiles))
    return len(profiles)


async def read_states(
    store: Store, shards: Sequence[str]
) -> AsyncIterator[tuple[CustomerId, bytes]]:
    """Every customer and their encoded state, shard by shard."""
    for shard in shards:
        seen: set[str] = set()  # a scan may name an id twice
        cursor = -1
        while cursor:
            cursor, found = await store.ids(shard, max(cursor, 0), PAGE)
            fresh = sorted(set(found) - seen)
            seen.update(fresh)
            [states] = await store.load([Read(shard, fresh)])
            for customer, state in zip(fresh, states, strict=True):
                if state is not None:
                    yield CustomerId(customer), state
