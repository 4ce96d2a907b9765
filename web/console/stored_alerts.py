"""The open alerts out of the store's indexes."""

from collections.abc import Mapping, Sequence

from touchstream.agents.alert_search import find_alerts
from touchstream.agents.queries import AlertRow, alert_rows
from touchstream.agents.stores.base import Read, Store
from touchstream.schemas.shards import shard_name
from touchstream.schemas.units import Millis
from touchstream.streams.decide.priority import UNLEARNT_SAVEABILITY
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.learn.ledger import MILLION
from touchstream.streams.projections.indexes import ALERTS_INDEX, owner_index, queue_index
from touchstream.streams.projections.read import churn_of
from touchstream.streams.state import State, decode
from touchstream.web.console.rows import EVERYBODY, QueueRow

Place = tuple[float, str, str]
"""Score, customer and shard of a member of an index."""
TREND = 8
"""Snapshots of the trend: two months of weekly ones."""
MOST_DECODED = 10_000
"""Customers whose rows are kept; more than that only while one reading needs them."""
FAR_MS = Millis(253_402_300_799_999)
"""A snooze without an end: until the risk is worse, or until the next touchpoint."""


class StoredAlerts:
    """Implements ``Alerts``; two round trips for all assignees and shards together.

    A state that has not changed since the last reading is not decoded again.
    """

    def __init__(
        self, store: Store, shards: Sequence[str], queues: Sequence[str], currency: str
    ) -> None:
        self._store = store
        self._shards = shards
        self._queues = frozenset(queues)
        self._currency = currency
        self._decoded: dict[str, tuple[bytes, Sequence[QueueRow]]] = {}

    async def open_alerts(
        self, assignees: Sequence[str], limit: int
    ) -> Mapping[str, Sequence[QueueRow]]:
        names = [self._indexes(assignee) for assignee in assignees]
        indexes = list(dict.fromkeys(index for of_one in names for index in of_one))
        members = await self._store.read_indexes(self._shards, indexes, limit)
        at = {index: number for number, index in enumerate(indexes)}
        chosen = [self._highest(members, [at[one] for one in of_one], limit) for of_one in names]
        rows = await self._rows({place for places in chosen for place in places})
        return {
            assignee: _sorted(rows, places)
            for assignee, places in zip(assignees, chosen, strict=True)
        }

    async def alerts_of(self, customer: str) -> Sequence[QueueRow]:
        shard = shard_name(partition_of(customer.encode(), len(self._shards)))
        [[data]] = await self._store.load([Read(shard, [customer])])
        return [] if data is None else rows_of(customer, shard, decode(data), self._currency)

    async def customer_of(self, alert: str) -> str | None:
        found = (await find_alerts(self._store, self._shards, [alert])).get(alert)
        return None if found is None else found.customer

    def _indexes(self, assignee: str) -> Sequence[str]:
        if assignee == EVERYBODY:
            return [ALERTS_INDEX]
        owned = owner_index(assignee)
        # A customer's owner may be a queue.
        return [queue_index(assignee), owned] if assignee in self._queues else [owned]

    def _highest(
        self,
        members: Sequence[Sequence[Sequence[tuple[str, float]]]],
        indexes: Sequence[int],
        limit: int,
    ) -> list[Place]:
        places = {
            (score, customer, shard)
            for shard, of_shard in zip(self._shards, members, strict=True)
            for at in indexes
            for customer, score in of_shard[at]
        }
        return sorted(places, reverse=True)[:limit]

    async def _rows(self, places: set[Place]) -> Mapping[str, Sequence[QueueRow]]:
        by_shard: dict[str, list[str]] = {}
        for _, customer, shard in sorted(places):
            by_shard.setdefault(shard, []).append(customer)
        reads = [Read(shard, list(dict.fromkeys(ids))) for shard, ids in by_shard.items()]
        loaded = await self._store.load(reads)
        decoded = {
            customer: self._decode(read.shard, customer, data)
            for read, found in zip(reads, loaded, strict=True)
            for customer, data in zip(read.ids, found, strict=True)
            if data is not None
        }
        # A page asks for other lists than the poller, which reads its own again at once.
        self._decoded.update(decoded)
        if len(self._decoded) > MOST_DECODED:
            self._decoded = decoded
        return {customer: rows for customer, (_, rows) in decoded.items()}

    def _decode(self, shard: str, customer: str, data: bytes) -> tuple[bytes, Sequence[QueueRow]]:
        known = self._decoded.get(customer)
        if known is not None and known[0] == data:
            return known
        return data, rows_of(customer, shard, decode(data), self._currency)


def rows_of(customer: str, shard: str, state: State, currency: str) -> list[QueueRow]:
    """The open alerts of one customer as rows."""
    churn = churn_of(state)
    risks = [one.risk for one in churn.ledger[-TREND:]]
    trend = (*risks, *(() if churn.risk is None else (churn.risk,)))
    return [_row(one, currency, trend) for one in alert_rows(customer, shard, state)]


def _row(found: AlertRow, currency: str, trend: tuple[float, ...]) -> QueueRow:
    alert = found.alert
    return QueueRow(
        alert=alert.id.hex(),
        customer=found.customer,
        kind=alert.kind,
        band=alert.band,
        risk=alert.millionths / MILLION,
        score=alert.score,
        value_minor=alert.value_minor,
        currency=currency,
        reasons=alert.reasons,
        action=alert.action,
        decision=alert.decision.hex() or None,
        since_ms=alert.raised_ms,
        owner=found.owner,
        queue=found.queue,
        trend=trend,
        snoozed_until_ms=None if alert.snoozed is None else alert.snoozed.until_ms or FAR_MS,
        loss=alert.loss_millionths / MILLION,
        value_from=alert.value_from,
        saveability=UNLEARNT_SAVEABILITY,
    )


def _sorted(rows: Mapping[str, Sequence[QueueRow]], places: Sequence[Place]) -> list[QueueRow]:
    found = [row for _, customer, _ in places for row in rows.get(customer, ())]
    return sorted(found, key=lambda row: (-row.score, row.alert))
