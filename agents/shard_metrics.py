"""The worker's gauges and durable counters, read from its shards."""

from collections.abc import Callable, Collection
from typing import get_args

from touchstream.agents.assignment import TopicPartition
from touchstream.agents.metrics import Metrics
from touchstream.agents.outbox import Outbox
from touchstream.agents.shard_tasks import WorkerShard
from touchstream.streams.checkpoint import ShardCheckpoint
from touchstream.streams.intake.unknown_fields import unknown_fields_in
from touchstream.streams.outcome import Oddity

METRIC_OF = {
    "dropped": "dropped",
    "dead": "dead_letters",
    "emitted": "emissions",
    "held": "held",
    "outcome": "outcome_faults",
}
ODDITIES = frozenset(get_args(Oddity))
OUTCOMES = frozenset({"applied", "duplicate", "dead", "dropped"})


def show_shards(
    metrics: Metrics,
    shards: Collection[WorkerShard],
    outbox: Outbox,
    end: Callable[[TopicPartition], int],
) -> None:
    """Set the gauges of these shards; their counters are shown as they were committed."""
    for shard in shards:
        metrics.set("outbox_entries", outbox.size(shard.name), shard=shard.name)
        lag = max(0, end(shard.source) - shard.offset)
        metrics.set("lag_records", lag, shard=shard.name)
        metrics.set("tick_number", shard.checkpoint.tick, shard=shard.name)
        metrics.show_durable(shard.name, durable_counts(shard.checkpoint))
        # Before the first tick there is no version to show.
        if shard.checkpoint.active_config is not None:
            metrics.set("model_version", shard.checkpoint.active_config.model_version)
    metrics.set("parked_partitions", sum(shard.parked for shard in shards))


def durable_counts(checkpoint: ShardCheckpoint) -> dict[tuple[str, ...], int]:
    """The shard's counters under the names of the metric catalogue."""
    shown: dict[tuple[str, ...], int] = {
        ("misspelt_types", known): sum(counts.values())
        for known, counts in checkpoint.misspelt_types.items()
    }
    shown |= {
        ("unknown_fields", found.type, found.field): found.events
        for found in unknown_fields_in(checkpoint.counters)
    }
    for name, count in checkpoint.counters.items():
        kind, _, label = name.partition(".")
        if name in OUTCOMES:
            shown["records", name] = count
        elif name in ODDITIES:
            shown["odd_events", name] = count
        elif label and kind in METRIC_OF:
            shown[METRIC_OF[kind], label] = count
    return shown
