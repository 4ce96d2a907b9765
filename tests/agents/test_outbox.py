"""The outbox at a broker: what was committed arrives as it was, tombstones included."""

import asyncio
from contextlib import suppress

from touchstream.agents import clients
from touchstream.agents.cli.reading import read, whole
from touchstream.agents.embedded.broker import EmbeddedBroker
from touchstream.agents.kafka import new_producer
from touchstream.agents.outbox import Outbox, TopicNames
from touchstream.agents.settings import KafkaSettings, Settings
from touchstream.agents.stores.base import Commit, Fence
from touchstream.agents.stores.memory import MemoryStore
from touchstream.schemas.emissions.envelope import decode_emission, structured
from touchstream.streams.outbox import Entry, decode_entry, encode_entry

TOMBSTONE = Entry(
    "customer-risk",
    b"ada",
    None,
    (
        ("ce_specversion", b"1.0"),
        ("ce_id", b"e2"),
        ("ce_source", b"touchstream"),
        ("ce_type", b"customer.risk"),
        ("ce_subject", b"ada"),
        ("ce_time", b"2026-01-01T00:00:00.000Z"),
        ("ce_sequence", b"p0:0000000000000002"),
    ),
)
ENTRIES = (Entry("customer-risk", b"ada", b"{}"), TOMBSTONE, Entry("customer-risk", b"bob", b"{}"))


def test_a_tombstone_arrives_between_its_neighbours_with_key_and_headers_only() -> None:
    with EmbeddedBroker({"customer-risk": 1}) as broker:
        settings = Settings(kafka=KafkaSettings(bootstrap=broker.bootstrap, embedded=True))
        asyncio.run(_sent(settings))
        with clients.consumer(settings.kafka, "customer-risk") as consumer:
            found = list(read(consumer, whole(consumer, "customer-risk")))
    assert [(one.key, one.value) for one in found] == [
        (b"ada", b"{}"),
        (b"ada", None),
        (b"bob", b"{}"),
    ]
    assert tuple(found[1].headers) == TOMBSTONE.headers
    emission, sequence = decode_emission(structured(found[1].value, found[1].headers))
    assert (emission.subject, emission.data, sequence) == ("ada", None, "p0:0000000000000002")


async def _sent(settings: Settings) -> None:
    store = MemoryStore()
    numbered = [(number, encode_entry(entry)) for number, entry in enumerate(ENTRIES, 1)]
    await store.commit([Commit("p0", None, Fence(1, 1), b"", outbox=numbered)])
    outbox = Outbox(store, lambda: new_producer(settings), TopicNames({}))
    await outbox.assign(["p0"])
    running = asyncio.create_task(outbox.run())
    while outbox.size("p0"):
        await asyncio.sleep(0.01)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await outbox.close()
    assert await store.outbox("p0", 0, 9) == []


def test_an_entry_of_an_earlier_build_is_read() -> None:
    # Without headers and partition, as written before tombstones came.
    assert decode_entry(b"\x93\xaachurn-risk\xc4\x03ada\xc4\x02{}") == Entry(
        "churn-risk", b"ada", b"{}"
    )
