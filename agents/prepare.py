"""Checks before an agent starts: broker, topics and store."""

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from tenacity import RetryCallState, retry, retry_if_exception_type, stop_after_delay, wait_fixed

from touchstream.agents.fatal import Refusal
from touchstream.agents.kafka import client_options
from touchstream.agents.resharding import read_lineage
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Store, StoreError
from touchstream.schemas.topics import EXAMPLES_TOPIC, TOUCHPOINTS_TOPIC

PATIENCE_S = 60.0
"""A broker or Redis that starts together with us may take a while."""

log = structlog.get_logger()


def _log_waiting(state: RetryCallState) -> None:
    cause = state.outcome.exception() if state.outcome else None
    log.info("waiting", reason=str(cause), attempt=state.attempt_number)


_patiently = retry(
    retry=retry_if_exception_type((KafkaError, StoreError, OSError)),
    wait=wait_fixed(1),
    stop=stop_after_delay(PATIENCE_S),
    before_sleep=_log_waiting,
    reraise=True,
)


async def prepare(settings: Settings, store: Store, topics: dict[str, str]) -> None:
    """Wait for broker and store; raise :class:`Refusal` if they contradict the settings."""
    await check_topics(settings, topics)
    await check_store(settings, store)


@_patiently
async def check_store(settings: Settings, store: Store) -> None:
    """Refuse another partition count than that of the first start.

    A customer's state lies in the shard of their partition, so another count would not find it.
    """
    for trouble in await store.check():
        log.warning("store_setup", trouble=trouble)
    lineage = await read_lineage(store)
    if lineage is not None and not lineage.finished:
        raise Refusal(
            f"namespace {settings.namespace!r} is half a copy of "
            f"{lineage.sources[-1].namespace!r}: finish it with the configuration of that one "
            f"({lineage.again} --namespace {settings.namespace})"
        )
    stored = await store.claim_partitions(settings.kafka.partitions)
    if stored != settings.kafka.partitions:
        raise Refusal(
            f"kafka.partitions is {settings.kafka.partitions}, but namespace "
            f"{settings.namespace!r} "
            f"was started with {stored}: customers would be looked for in the wrong shard. Set it "
            f"back to {stored}, or move to a new namespace (`touchstream reshard`)"
        )


@_patiently
async def check_topics(settings: Settings, topics: dict[str, str]) -> None:
    """Refuse to start unless all topics exist, and those we read have the expected partitions."""
    counts = await partition_counts(settings, list(topics.values()))
    missing = sorted(name for name, count in counts.items() if not count)
    if missing:
        raise Refusal(f"no topic {', '.join(missing)}: run `touchstream topics` first")
    for topic, wanted in ((TOUCHPOINTS_TOPIC, settings.kafka.partitions), (EXAMPLES_TOPIC, 1)):
        # Only the partition count of the touchpoints must match exactly: it places the customers.
        found = counts[topics[topic]]
        if found < wanted if topic == EXAMPLES_TOPIC else found != wanted:
            raise Refusal(
                f"topic {topics[topic]} has {found} partitions, want {wanted} (kafka.partitions): "
                "another count moves customers to other shards; `touchstream reshard` changes it"
            )


async def partition_counts(settings: Settings, names: list[str]) -> dict[str, int]:
    """Topic -> number of partitions, 0 if it does not exist."""
    producer = AIOKafkaProducer(**client_options(settings.kafka))
    try:
        await producer.start()
        cluster = await producer.client.fetch_all_metadata()
        return {name: len(cluster.partitions_for_topic(name) or ()) for name in names}
    finally:
        await producer.stop()
