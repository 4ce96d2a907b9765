"""Questions to the store that several front ends ask, answered over all shards."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from touchstream.agents.stores.base import Read, Store
from touchstream.schemas.rules import Band
from touchstream.schemas.units import Millis
from touchstream.streams.checkpoint import ShardCheckpoint, decode_checkpoint
from touchstream.streams.projections.alert_state import OpenAlert
from touchstream.streams.projections.decisions import Recommendation
from touchstream.streams.projections.indexes import RISK_INDEXES
from touchstream.streams.projections.read import alerts_of, churn_of, customer_risk_of, decisions_of
from touchstream.streams.state import State, decode

Place = tuple[float, str, str]
"""Risk, customer and shard of a member of an index."""


class AtRisk(NamedTuple):
    """A customer in band medium or high."""

    customer: str
    risk: float
    """P(churn within the horizon) as last scored, 0 to 1."""
    band: Band
    since_ms: Millis | None
    """When the band was entered; None: not known."""
    reasons: Sequence[str]
    """The reasons emitted last, the strongest first."""
    action: Recommendation | None
    """The action recommended last."""


class RiskList(NamedTuple):
    """The customers at highest risk, and how many there are in all."""

    counts: Mapping[Band, int]
    customers: Sequence[AtRisk]
    """The highest risk first."""
    as_of: ShardCheckpoint | None
    """Of the shard that is furthest behind; None: a shard has not finished its first tick."""


async def customers_at_risk(
    store: Store, shards: Sequence[str], bands: Sequence[Band], top: int
) -> RiskList:
    """The ``top`` customers in these bands by risk, from the shards' indexes.

    An index and a state are not read as one: a customer who has left the bands in between is left
    out, so the list may be shorter than ``top``.
    """
    names = [RISK_INDEXES[band] for band in bands]
    found = await store.read_checkpoints(shards)
    counts = await store.count_indexes(shards, names)
    members = await store.read_indexes(shards, names, top)
    places = [
        (risk, customer, shard)
        for shard, of_shard in zip(shards, members, strict=True)
        for of_index in of_shard
        for customer, risk in of_index
    ]
    # As the store orders equal risks, so that the number of shards does not show.
    chosen = sorted(places, reverse=True)[:top]
    listed = [_at_risk(customer, state) for customer, state in await _states(store, chosen)]
    return RiskList(
        {band: sum(of_shard[at] for of_shard in counts) for at, band in enumerate(bands)},
        sorted((one for one in listed if one.band in bands), key=lambda one: -one.risk),
        _furthest_behind([decode_checkpoint(each.record) for each in found]),
    )


class AlertRow(NamedTuple):
    """A customer's open alert."""

    customer: str
    shard: str
    alert: OpenAlert
    owner: str | None
    queue: str
    since_ms: Millis | None
    """When the customer's band was entered; None: not known."""


class AlertList(NamedTuple):
    """The open alerts of some reps and queues, and how many customers have one."""

    customers: int
    """Customers in the largest of the asked indexes, over all shards."""
    alerts: Sequence[AlertRow]
    """The highest priority first."""
    as_of: ShardCheckpoint | None
    """Of the shard that is furthest behind; None: a shard has not finished its first tick."""


async def open_alerts(
    store: Store, shards: Sequence[str], indexes: Sequence[str], top: int
) -> AlertList:
    """The ``top`` customers by priority in these indexes, with their open alerts.

    ``indexes`` are those of :mod:`touchstream.streams.projections.indexes`: ``ALERTS_INDEX`` for
    everybody, ``owner_index`` and ``queue_index``. Four round trips, whatever the number of
    shards; a customer whose alert was cleared in between is left out.
    """
    found = await store.read_checkpoints(shards)
    counts = await store.count_indexes(shards, indexes)
    members = await store.read_indexes(shards, indexes, top)
    places = {
        (score, customer, shard)
        for shard, of_shard in zip(shards, members, strict=True)
        for of_index in of_shard
        for customer, score in of_index
    }
    chosen = sorted(places, reverse=True)[:top]
    shard_of = {customer: shard for _, customer, shard in chosen}
    rows = [
        row
        for customer, state in await _states(store, chosen)
        for row in alert_rows(customer, shard_of[customer], state)
    ]
    return AlertList(
        max((sum(of_index) for of_index in zip(*counts, strict=True)), default=0),
        sorted(rows, key=lambda row: (-row.alert.score, row.customer)),
        _furthest_behind([decode_checkpoint(each.record) for each in found]),
    )


def alert_rows(customer: str, shard: str, state: State) -> list[AlertRow]:
    """The open alerts of one customer."""
    alerts, crossing = alerts_of(state), churn_of(state).crossing
    if alerts is None:
        return []
    since_ms = None if crossing is None else crossing.at_ms
    return [
        AlertRow(customer, shard, one, alerts.owner, alerts.queue, since_ms) for one in alerts.open
    ]


async def _states(store: Store, places: Sequence[Place]) -> list[tuple[str, State]]:
    by_shard: dict[str, list[str]] = {}
    for _, customer, shard in places:
        by_shard.setdefault(shard, []).append(customer)
    reads = [Read(shard, customers) for shard, customers in by_shard.items()]
    states = {
        customer: decode(data)
        for read, loaded in zip(reads, await store.load(reads), strict=True)
        for customer, data in zip(read.ids, loaded, strict=True)
        if data is not None
    }
    return [(customer, states[customer]) for _, customer, _ in places if customer in states]


def _at_risk(customer: str, state: State) -> AtRisk:
    churn, published = churn_of(state), customer_risk_of(state)
    return AtRisk(
        customer,
        churn.risk or 0.0,
        churn.band or "low",
        None if churn.crossing is None else churn.crossing.at_ms,
        () if published is None else published.reasons,
        decisions_of(state).newest,
    )


def _furthest_behind(checkpoints: Sequence[ShardCheckpoint]) -> ShardCheckpoint | None:
    slowest = min(checkpoints, key=lambda checkpoint: checkpoint.tick, default=None)
    return slowest if slowest is not None and slowest.tick else None
