"""Look around before an agent starts.

Is the broker there, are the topics as they must be, is the store fit for it?
"""

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from tenacity import RetryCallState, retry, retry_if_exception_type, stop_after_delay, wait_fixed

from touchstream.agents.fatal import Refusal
from touchstream.agents.kafka import client_options
from touchstream.agents.settings import Settings
from touchstream.agents.stores.base import Store, StoreError
from touchstream.schemas.topics import EXAMPLES_TOPIC, TOUCHPOINTS_TOPIC

PATIENCE_S = 60.0
"""A broker or Redis that comes up with us may take a while."""

log = structlog.get_logger()


def _say(state: RetryCallState) -> None:
    cause = state.outcome.exception() if state.outcome else None
    log.info("waiting", reason=str(cause), attempt=state.attempt_number)


_patiently = retry(
    retry=retry_if_exception_type((KafkaError, StoreError, OSError)),
    wait=wait_fixed(1),
    stop=stop_after_delay(PATIENCE_S),
    before_sleep=_say,
    reraise=True,
)


async def prepare(settings: Settings, store: Store, topics: dict[str, str]) -> None:
    """Wait for broker and store.

    Raise :class:`Refusal` where they are not what the settings say.
    """
    await check_topics(settings, topics)
    await check_store(settings, store)


@_patiently
async def check_store(settings: Settings, store: Store) -> None:
    """The partition count is fixed with the first start.

    States lie in the shard of their partition.
    """
    for trouble in await store.check():
        log.warning("store_setup", trouble=trouble)
    stored = await store.claim_partitions(settings.kafka.partitions)
    if stored != settings.kafka.partitions:
        raise Refusal(
            f"kafka.partitions is {settings.kafka.partitions}, but namespace "
            f"{settings.namespace!r} "
            f"was started with {stored}: customers would be looked for in the wrong shard. Set it "
            f"back to {stored}, or replay the history into a new namespace"
        )


@_patiently
async def check_topics(settings: Settings, topics: dict[str, str]) -> None:
    """Every topic is there, and the two that we read have the partitions that we reckon with."""
    counts = await partition_counts(settings, list(topics.values()))
    missing = sorted(name for name, count in counts.items() if not count)
    if missing:
        raise Refusal(f"no topic {', '.join(missing)}: run `touchstream topics` first")
    for topic, wanted in ((TOUCHPOINTS_TOPIC, settings.kafka.partitions), (EXAMPLES_TOPIC, 1)):
        found = counts[topics[topic]]
        if found < wanted if topic == EXAMPLES_TOPIC else found != wanted:
            raise Refusal(
                f"topic {topics[topic]} has {found} partitions, want {wanted} (kafka.partitions): "
                "a changed count moves customers to other shards; the way over is a replay into a "
                "new namespace"
            )


async def partition_counts(settings: Settings, names: list[str]) -> dict[str, int]:
    """Topic -> number of partitions, 0 where there is none."""
    producer = AIOKafkaProducer(**client_options(settings.kafka))
    try:
        await producer.start()
        cluster = await producer.client.fetch_all_metadata()
        return {name: len(cluster.partitions_for_topic(name) or ()) for name in names}
    finally:
        await producer.stop()
