"""Server time of every page of the console on a filled Redis, and of a poll for all streams.

    python -m bench.console [--customers 100000] [--alerts 5000] [--rounds 300]

The states are those of a small simulated town, copied under new ids into 12 shards: as many alerts
as asked for are open, all in one queue. Requests go to the application within this process, one at
a time; Redis is a process of its own. The first request of each page is reported by itself: it
fills the caches.
"""

import argparse
import asyncio
import gc
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from httpx import ASGITransport, AsyncClient
from msgspec.structs import replace

from bench.cost import quantile
from bench.services.redis import RedisServer
from tests.browser.console_world import Town, lived, put_into
from tests.web.console_client import WrittenLog
from touchstream.agents.settings import RepSettings, Settings
from touchstream.agents.stores.base import Holding, Store
from touchstream.agents.stores.claims import Claims, open_claims
from touchstream.agents.stores.connect import open_store
from touchstream.schemas.shards import shard_name
from touchstream.streams.intake.partitioner import partition_of
from touchstream.streams.projections.alerts import Alerts
from touchstream.streams.projections.indexes import alert_indexes
from touchstream.streams.projections.read import alerts_of
from touchstream.streams.state import Slot, decode, encode
from touchstream.web.console.app import Ports, console_app
from touchstream.web.console.one_time import OneTimeTokens
from touchstream.web.console.publishing import KafkaPublisher
from touchstream.web.console.rows import EVERYBODY, MOST_READ
from touchstream.web.console.serve import stored_alerts
from touchstream.web.console.stored_alerts import StoredAlerts

PARTITIONS = 12
TOWN_CUSTOMERS, TOWN_DAYS = 60, 90
LIMIT_MS = 50.0
CHUNK = 2_000


class Timed(NamedTuple):
    """Milliseconds of a page."""

    page: str
    first: float
    p50: float
    p99: float
    kilobytes: float


def copies(town: Town, customers: int, alerts: int) -> Iterator[tuple[str, Holding]]:
    """Shard and holding of each customer; the first ``alerts`` have an open alert."""
    states = [state for shard in town.stream.shards for state in shard.states.values()]
    open_ones = [state for state in states if (found := alerts_of(decode(state))) and found.open]
    others = [state for state in states if state not in open_ones]
    for number in range(customers):
        pool = open_ones if number < alerts else others
        customer = f"k{number:07d}"
        state = renamed(pool[number % len(pool)], number)
        found = alerts_of(decode(state))
        scores = {} if found is None else alert_indexes(found)
        # Spread, so that no two are equal.
        spread = {name: score * (1 + number / customers) for name, score in scores.items()}
        shard = shard_name(partition_of(customer.encode(), PARTITIONS))
        yield shard, Holding(customer, state, None, spread)


def renamed(data: bytes, number: int) -> bytes:
    """The state with ids of its own for its open alerts."""
    state = decode(data)
    alerts = alerts_of(state)
    if alerts is None or not alerts.open:
        return data
    opened = tuple(replace(one, id=number.to_bytes(16)) for one in alerts.open[:1])
    renewed = Slot(Alerts.slot, None, replace(alerts, open=opened))
    slots = tuple(renewed if slot.number == Alerts.slot else slot for slot in state.slots)
    return encode(replace(state, slots=slots))


async def fill(store: Store, town: Town, customers: int, alerts: int) -> str:
    """Put everything into the store; returns a customer with an alert."""
    await put_into(store, town)
    source = town.stream.shards[0]
    for number in range(PARTITIONS):
        await store.put_measures(shard_name(number), source.measures)
    every = copies(town, customers, alerts)
    while chunk := list(islice(every, CHUNK)):
        by_shard: dict[str, list[Holding]] = {}
        for shard, holding in chunk:
            by_shard.setdefault(shard, []).append(holding)
        for shard, holdings in by_shard.items():
            await store.put_holdings(shard, holdings)
    return "k0000000"


def timed_of(page: str, spent_ms: list[float], size: int) -> Timed:
    """The first by itself, the others by their quantiles."""
    later = spent_ms[1:]
    return Timed(page, spent_ms[0], quantile(later, 0.5), quantile(later, 0.99), size / 1_000)


async def timed(client: AsyncClient, page: str, rounds: int) -> Timed:
    """Ask for a page again and again."""
    spent_ms, size = [], 0
    for _ in range(rounds + 1):
        began_s = time.perf_counter()
        answer = await client.get(page)
        spent_ms.append(1_000 * (time.perf_counter() - began_s))
        answer.raise_for_status()
        size = len(answer.content)
    return timed_of(page, spent_ms, size)


async def polled(alerts: StoredAlerts, rounds: int) -> Timed:
    """Read the lists of all open streams again and again."""
    spent_ms = []
    for _ in range(rounds + 1):
        began_s = time.perf_counter()
        await alerts.open_alerts([EVERYBODY, "ada", "support"], MOST_READ)
        spent_ms.append(1_000 * (time.perf_counter() - began_s))
    return timed_of("one poll", spent_ms, 0)


def settings_for(town: Town, redis: str | None = None) -> Settings:
    """A deployment with one rep, on a Redis or in memory."""
    return Settings.model_validate(
        {
            "kafka": {"partitions": PARTITIONS},
            "redis": {} if redis is None else {"url": redis},
            "reps": (RepSettings(id="ada", queues=("support",)),),
            "rules": town.rules,
        }
    )


async def measured(
    settings: Settings, store: Store, claims: Claims, customer: str, rounds: int
) -> list[Timed]:
    """Time every page as an operator, and the poll of all streams, on a store that is filled."""
    tokens, alerts = OneTimeTokens(), stored_alerts(settings, store)
    ports = Ports(store, claims, alerts, KafkaPublisher(settings), WrittenLog(ends={0: 0}))
    app = console_app(settings, ports, tokens)
    transport, base = ASGITransport(app=app), "http://127.0.0.1:9480"
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=transport, base_url=base, headers={"accept": "text/html"}) as client,
    ):
        await client.get("/", params={"token": tokens.new()})
        found = [
            await timed(client, page, rounds)
            for page in ("/queue", "/overview", f"/customers/{customer}", "/model", "/tuning")
        ]
    return [*found, await polled(alerts, rounds)]


async def on_redis(redis: str, customers: int, alerts: int, rounds: int) -> list[Timed]:
    """Fill the Redis and measure."""
    town = lived(TOWN_CUSTOMERS, TOWN_DAYS)
    settings = settings_for(town, redis)
    store, claims = open_store(settings), open_claims(settings)
    try:
        customer = await fill(store, town, customers, alerts)
        # The town is no part of a console, and its collection would show as a pause.
        gc.freeze()
        return await measured(settings, store, claims, customer, rounds)
    finally:
        await claims.close()
        await store.close()


def main() -> None:
    """Print a row a page; exit 1 if the median of one is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--alerts", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=300)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as server:
        rows = asyncio.run(on_redis(server.url, given.customers, given.alerts, given.rounds))
    print(f"{'page':<22}{'first':>8}{'p50':>8}{'p99':>8}{'KB':>8}   (ms)")
    for row in rows:
        print(f"{row.page:<22}{row.first:>8.1f}{row.p50:>8.1f}{row.p99:>8.1f}{row.kilobytes:>8.1f}")
    if any(row.p50 > LIMIT_MS for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
