"""One question to the store of the deployment that the settings describe."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from touchstream.agents.cli.failures import BadUsage
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Store
from touchstream.agents.stores.connect import open_store
from touchstream.schemas.shards import shard_names

Answer = TypeVar("Answer")


async def ask_store(
    settings: Settings, question: Callable[[Store, Sequence[str]], Awaitable[Answer]]
) -> Answer:
    """Ask about all shards; raises :class:`BadUsage` for another count of partitions."""
    partitions = settings.kafka.partitions
    store = open_store(settings)
    try:
        started_with = await store.claimed_partitions()
        # Another count would silently leave out whole shards.
        if started_with not in (None, partitions):
            raise BadUsage(
                f"kafka.partitions={partitions}: namespace {settings.namespace!r} was started with "
                f"{started_with}; set it to that"
            )
        return await question(store, shard_names(partitions))
    finally:
        await store.close()
