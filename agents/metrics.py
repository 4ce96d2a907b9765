"""The closed catalogue of metrics, and how a process sets them; docs/metrics.md is for operators.

A shard's counts are committed with its states, so ``durable`` counters are exact through kills and
restarts. The shard's owner shows them as Redis holds them.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from touchstream.agents.channels.message import Status
from touchstream.schemas.dead_letter import DropReason, RejectReason
from touchstream.schemas.emissions.registry import EMITTED
from touchstream.streams.outcome import Oddity
from touchstream.streams.projections.indexes import RISK_INDEXES

Kind = Literal["durable", "counter", "gauge", "histogram"]
Label = Literal[
    "shard",
    "band",
    "outcome",
    "reason",
    "type",
    "field",
    "model",
    "score",
    "version",
    "digest",
    "gate",
    "channel",
    "status",
]
PER_SHARD: tuple[str, ...] = ()
"""No list here: the values are the shards, p0 to p(n-1) and the learner."""
OF_SETTINGS: tuple[str, ...] = ()
"""No list here: the values are the targets that the settings name, and the two baselines."""
EVENT_TYPES: tuple[str, ...] = ()
"""No list here: the values are the types of docs/events.md and those of the settings."""
OF_PRODUCERS: tuple[str, ...] = ()
"""No list here: names that producers write, a few of each type (``intake/unknown_fields.py``)."""
ACTIVE: tuple[str, ...] = ()
"""No list here: only the active values are shown, one or two at a time."""


class MetricError(ValueError):
    """A metric or label value outside the catalogue: a bug in our own code."""


class Entry(NamedTuple):
    """One metric; ``labels`` maps each label to all values it may take."""

    name: str
    kind: Kind
    unit: str
    description: str
    labels: Mapping[Label, tuple[str, ...]] = {}
    buckets: tuple[float, ...] = ()


_SHARD: Mapping[Label, tuple[str, ...]] = {"shard": PER_SHARD}

CATALOGUE: tuple[Entry, ...] = (
    Entry(
        "touchstream_records_total",
        "durable",
        "records",
        "Records of the touchpoints topic by outcome; ticks are not counted.",
        {"shard": PER_SHARD, "outcome": ("applied", "duplicate", "dead", "dropped")},
    ),
    Entry(
        "touchstream_dropped_total",
        "durable",
        "records",
        "Valid records that were not wanted.",
        {"shard": PER_SHARD, "reason": get_args(DropReason)},
    ),
    Entry(
        "touchstream_misspelt_types_total",
        "durable",
        "records",
        "Dropped records whose unknown type resembles this one; the log names what they said.",
        {"shard": PER_SHARD, "type": EVENT_TYPES},
    ),
    Entry(
        "touchstream_dead_letters_total",
        "durable",
        "records",
        "Records sent to the dead letters; alert on its rate.",
        {"shard": PER_SHARD, "reason": get_args(RejectReason)},
    ),
    Entry(
        "touchstream_odd_events_total",
        "durable",
        "events",
        "Applied events that were late, too late for a label, dated in the future, carried unknown "
        "fields, or made their customer's memory forget an id (docs/delivery.md).",
        {"shard": PER_SHARD, "reason": get_args(Oddity)},
    ),
    Entry(
        "touchstream_unknown_fields_total",
        "durable",
        "events",
        "Applied events with a field that their type does not know; up to 8 names of each type.",
        {"shard": PER_SHARD, "type": OF_PRODUCERS, "field": OF_PRODUCERS},
    ),
    Entry(
        "touchstream_outcome_faults_total",
        "durable",
        "events",
        "Applied events `action.outcome` that do not fit: the customer has no such decision.",
        {"shard": PER_SHARD, "reason": ("unknown_decision",)},
    ),
    Entry(
        "touchstream_emissions_total",
        "durable",
        "events",
        "Events emitted, committed with the state that caused them; the learner's own signals too.",
        {"shard": PER_SHARD, "type": tuple(EMITTED)},
    ),
    Entry(
        "touchstream_held_total",
        "durable",
        "predictions",
        "Predictions that would have raised a customer's band, by the gate that held it back.",
        {"shard": PER_SHARD, "gate": ("evidence", "interval", "term", "cooldown")},
    ),
    Entry(
        "touchstream_batches_total",
        "counter",
        "batches",
        "Batches committed by this process.",
    ),
    Entry(
        "touchstream_batch_records",
        "histogram",
        "records",
        "Records in a committed batch; small ones at a high rate waste CPU.",
        buckets=(1, 5, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000),
    ),
    Entry(
        "touchstream_commit_seconds",
        "histogram",
        "seconds",
        "Duration of a commit, from the request to the reply of Redis.",
        buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    ),
    Entry(
        "touchstream_fence_refusals_total",
        "counter",
        "commits",
        "Commits refused by the fence: another owner, or Redis was restored. A few at a rebalance.",
    ),
    Entry(
        "touchstream_outbox_entries",
        "gauge",
        "events",
        "Emissions committed and not yet acknowledged by the broker.",
        _SHARD,
    ),
    Entry(
        "touchstream_lag_records",
        "gauge",
        "records",
        "Records between the fence and the end of the partition.",
        _SHARD,
    ),
    Entry(
        "touchstream_parked_partitions",
        "gauge",
        "partitions",
        "Partitions that wait for a model version or rules that Redis does not hold.",
    ),
    Entry(
        "touchstream_stalled_seconds",
        "gauge",
        "seconds",
        "Time with lag and without durable progress; at worker.stall_timeout_s the worker exits.",
    ),
    Entry(
        "touchstream_deliveries_total",
        "counter",
        "attempts",
        "Attempts to deliver a message by the notifier; alert on refused and gone.",
        {"channel": OF_SETTINGS, "status": get_args(Status)},
    ),
    Entry(
        "touchstream_deliveries_waiting",
        "gauge",
        "messages",
        "Messages on their way to a rep or queue.",
    ),
    Entry("touchstream_alerts_open", "gauge", "alerts", "Open alerts that the notifier knows."),
    Entry(
        "touchstream_customers_at_risk",
        "gauge",
        "customers",
        "Customers in band medium or high now.",
        {"shard": PER_SHARD, "band": tuple(RISK_INDEXES)},
    ),
    Entry(
        "touchstream_tick_number",
        "gauge",
        "ticks",
        "The last tick committed.",
        _SHARD,
    ),
    Entry(
        "touchstream_model_version",
        "gauge",
        "versions",
        "The active model version, or the last one published by the learner.",
    ),
    Entry(
        "touchstream_model_info",
        "gauge",
        "always 1",
        "Digest of the active version, or of the last one published by the learner.",
        {"version": ACTIVE, "digest": ACTIVE},
    ),
    Entry(
        "touchstream_model_digest_faults_total",
        "counter",
        "versions",
        "Loaded versions that differ from the published ones; nothing is scored with them.",
    ),
    Entry(
        "touchstream_served_version",
        "gauge",
        "versions",
        "The version that the learner's last tick named.",
    ),
    Entry(
        "touchstream_version_pinned",
        "gauge",
        "0 or 1",
        "1: ticks name another version than the newest (`touchstream models serve`).",
    ),
    Entry(
        "touchstream_model_examples",
        "gauge",
        "examples",
        "Matured examples that the model has learnt from.",
    ),
    Entry(
        "touchstream_model_score",
        "gauge",
        "as the score",
        "Progressive (test-then-train) score on matured labels, and of both baselines beside it.",
        {
            "model": OF_SETTINGS,
            "score": ("log_loss", "roc_auc", "average_precision", "brier", "ece"),
        },
    ),
)

ENTRIES = {entry.name: entry for entry in CATALOGUE}
DurableCounts = Mapping[tuple[str, ...], int]
"""(metric's name without prefix and ``_total``, label values) -> count: ("records", "applied")."""


class Metrics:
    """The catalogue's metrics on one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._shards = _ShardCounters()
        registry.register(self._shards)
        self._counters = {
            entry.name: Counter(
                entry.name, entry.description, tuple(entry.labels), registry=registry
            )
            for entry in CATALOGUE
            if entry.kind == "counter"
        }
        self._gauges = {
            entry.name: Gauge(entry.name, entry.description, tuple(entry.labels), registry=registry)
            for entry in CATALOGUE
            if entry.kind == "gauge"
        }
        self._histograms = {
            entry.name: Histogram(
                entry.name,
                entry.description,
                tuple(entry.labels),
                buckets=entry.buckets,
                registry=registry,
            )
            for entry in CATALOGUE
            if entry.kind == "histogram"
        }

    def show_durable(self, shard: str, counts: DurableCounts) -> None:
        """Show the counts of ``shard`` since its first record, replacing those shown before."""
        for name, *values in counts:
            entry = _entry(name, "durable")
            _checked(entry, dict(zip(entry.labels, (shard, *values), strict=False)))
        self._shards.counts[shard] = dict(counts)

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add ``amount`` >= 0 to one of this process's counters."""
        entry = _entry(name, "counter")
        counter = self._counters[entry.name]
        _checked(entry, labels)
        (counter.labels(**labels) if labels else counter).inc(amount)

    def set(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""
        entry = _entry(name, "gauge")
        gauge = self._gauges[entry.name]
        _checked(entry, labels)
        (gauge.labels(**labels) if labels else gauge).set(value)

    def show_info(self, name: str, rows: Iterable[tuple[str, ...]]) -> None:
        """Show 1 for each row of label values, in the catalogue's order, and no other rows."""
        gauge = self._gauges[_entry(name, "gauge").name]
        gauge.clear()
        for row in rows:
            gauge.labels(*row).set(1)

    def observe(self, name: str, value: float) -> None:
        """Add one observation to a histogram."""
        self._histograms[_entry(name, "histogram").name].observe(value)

    def forget(self, shard: str) -> None:
        """Stop showing a shard: another process owns it now."""
        self._shards.counts.pop(shard, None)
        for name, gauge in self._gauges.items():
            if "shard" in ENTRIES[name].labels:
                # A gauge keeps its last value for ever otherwise.
                gauge.remove_by_labels({"shard": shard})


class _ShardCounters(Collector):
    """Counters read out of the shards' records at every scrape."""

    def __init__(self) -> None:
        self.counts: dict[str, DurableCounts] = {}

    def collect(self) -> Iterator[Metric]:
        for entry in CATALOGUE:
            if entry.kind == "durable":
                yield self._family(entry)

    def _family(self, entry: Entry) -> CounterMetricFamily:
        family = CounterMetricFamily(entry.name, entry.description, labels=tuple(entry.labels))
        for shard, counts in self.counts.items():
            for (name, *values), count in counts.items():
                if _full_name(name) == entry.name:
                    family.add_metric((shard, *values), count)
        return family


def _full_name(name: str) -> str:
    return f"touchstream_{name}_total"


def _entry(name: str, kind: Kind) -> Entry:
    full = f"touchstream_{name}" if kind in ("gauge", "histogram") else _full_name(name)
    entry = ENTRIES.get(full)
    if entry is None or entry.kind != kind:
        raise MetricError(f"{full}: no such {kind} in agents/metrics.py")
    return entry


def _checked(entry: Entry, labels: Mapping[str, str]) -> None:
    if labels.keys() != entry.labels.keys():
        raise MetricError(f"{entry.name}: want the labels {', '.join(entry.labels) or 'none'}")
    for label, allowed in entry.labels.items():
        if allowed and labels[label] not in allowed:
            raise MetricError(f"{entry.name}: {label}={labels[label]!r} is not in the catalogue")
