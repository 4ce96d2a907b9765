"""Open alerts by their ids, from the index of all alerts."""

from collections.abc import Collection, Mapping, Sequence

from touchstream.agents.queries import AlertRow, Place, alert_rows
from touchstream.agents.stores.base import Read, Store
from touchstream.streams.projections.indexes import ALERTS_INDEX
from touchstream.streams.state import decode

PAGE = 500
"""States read in one round trip."""


async def find_alerts(
    store: Store, shards: Sequence[str], alerts: Collection[str]
) -> Mapping[str, AlertRow]:
    """The open alerts of these ids; one that is not open, or not any more, is left out.

    No index leads from an alert to its customer, so the customers with an alert are read, the
    highest priority first, until all ids are found.
    """
    wanted = frozenset(alerts)
    found: dict[str, AlertRow] = {}
    places = await _places(store, shards)
    for first in range(0, len(places), PAGE):
        for row in await _rows(store, places[first : first + PAGE]):
            if row.alert.id.hex() in wanted:
                found[row.alert.id.hex()] = row
        if len(found) == len(wanted):
            break
    return found


async def _places(store: Store, shards: Sequence[str]) -> list[Place]:
    counts = await store.count_indexes(shards, [ALERTS_INDEX])
    most = max(count for [count] in counts)
    if not most:
        return []
    members = await store.read_indexes(shards, [ALERTS_INDEX], most)
    return sorted(
        (
            (score, customer, shard)
            for shard, [of_index] in zip(shards, members, strict=True)
            for customer, score in of_index
        ),
        reverse=True,
    )


async def _rows(store: Store, places: Sequence[Place]) -> list[AlertRow]:
    by_shard: dict[str, list[str]] = {}
    for _, customer, shard in places:
        by_shard.setdefault(shard, []).append(customer)
    loaded = await store.load([Read(shard, customers) for shard, customers in by_shard.items()])
    return [
        row
        for (shard, customers), states in zip(by_shard.items(), loaded, strict=True)
        for customer, data in zip(customers, states, strict=True)
        if data is not None
        for row in alert_rows(customer, shard, decode(data))
    ]
