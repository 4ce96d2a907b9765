"""The benchmark of the console asks for whole pages, of a store that it has filled."""

import time

import pytest

from bench.console import PARTITIONS, fill, measured, settings_for
from tests.browser.console_world import Town, lived
from touchstream.agents.stores.claims import MemoryClaims
from touchstream.agents.stores.memory import MemoryStore
from touchstream.schemas.shards import shard_names
from touchstream.streams.projections.indexes import ALERTS_INDEX

CUSTOMERS, ALERTS = 300, 40


@pytest.fixture(scope="module")
def town() -> Town:
    return lived(60, 90)


async def test_every_page_of_a_small_deployment_is_timed(town: Town) -> None:
    store = MemoryStore()
    settings = settings_for(town)
    customer = await fill(store, town, CUSTOMERS, ALERTS)
    found = await measured(settings, store, MemoryClaims(time.monotonic), customer, rounds=2)
    pages = ["/queue", "/overview", "/customers/k0000000", "/model", "/tuning", "one poll"]
    assert [one.page for one in found] == pages
    assert all(0 < one.p50 <= one.p99 for one in found)
    # A page of the sign-in, or an error, is a tenth of that.
    assert found[0].kilobytes > 40


async def test_as_many_alerts_are_open_as_asked_for(town: Town) -> None:
    store = MemoryStore()
    await fill(store, town, CUSTOMERS, ALERTS)
    shards = shard_names(PARTITIONS)
    copied = [
        customer
        for [members] in await store.read_indexes(shards, [ALERTS_INDEX], CUSTOMERS)
        for customer, _ in members
        if customer.startswith("k")
    ]
    assert len(copied) == ALERTS
